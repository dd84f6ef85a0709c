"""What is done with comments in a transaction."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pymongo import UpdateOne

from upthread.comment import facts
from upthread.comment.facts import Fact
from upthread.comment.model import Comment, State, ThreadRef
from upthread.comment.mongo_documents import comment_of, path_of
from upthread.comment.mongo_layout import COMMENT, COMMENT_REVISION, COMMENT_TEXT, THREAD
from upthread.comment.mongo_search import AUTHOR, name_words
from upthread.comment.mongo_votes import ranks
from upthread.comment.store import NewComment, Writing
from upthread.storage import mongo_outbox
from upthread.storage.fulltext import without_marks
from upthread.storage.mongo import Document, MongoDatabase, Session
from upthread.words import words_of

BURIED = {"html": "", "author_id": 0, "author_name": "", "author_email": "", "edited_at": None, "revisions": 1}
"""What of a comment is overwritten when it is deleted; place, time and votes stay."""


class Addition(NamedTuple):
    """A comment to be added."""

    comment_id: int
    thread: ThreadRef
    parent_id: int | None
    new: NewComment


class Growth(NamedTuple):
    """How much a thread has grown."""

    comments: int
    roots: int
    last_comment_at: int


async def add_comments(database: MongoDatabase, session: Session, additions: list[Addition]) -> list[Comment | None]:
    """Add comments one after the other, and tell those they answer and mention; None where the parent is not live."""
    added: list[Comment | None] = []
    told: list[Fact] = []
    for addition in additions:
        comment = await _add_comment(database, session, addition, told)
        added.append(comment)
    # The outbox last: couriers write there as well, and what they want to forget is held up for a moment only.
    await mongo_outbox.put(database, session, _newest(told))
    return added


async def _add_comment(
    database: MongoDatabase, session: Session, addition: Addition, told: list[Fact]
) -> Comment | None:
    """Add a comment to its thread, and what is to be told of it to ``told``."""
    comment_id, ref, parent_id, new = addition
    parent = None
    if parent_id is not None:
        # Counted at once: so a parent that is deleted in this very moment is noticed, and this begins anew.
        parent = await database.collection(COMMENT).find_one_and_update(
            {"_id": parent_id, "post_id": new.post_id, "state": "live"}, {"$inc": {"replies": 1}}, session=session
        )
        if parent is None:
            return None
    growth = Growth(comments=1, roots=int(parent is None), last_comment_at=new.created_at)
    (thread,) = await grow_threads(database, session, {new.post_id: growth}, {new.post_id: ref})
    document = comment_document(comment_id, parent, new)
    await database.collection(COMMENT).insert_one(document, session=session)
    text = text_document(document, thread["community"], new.writing)
    await database.collection(COMMENT_TEXT).insert_one(text, session=session)
    comment = comment_of({**document, "threads": [thread]})
    told.append(thread_changed(thread))
    # Of the author of a post only the id is known here, not the name.
    answered_id, answered_name = (parent["author_id"], parent["author_name"]) if parent else (thread["author_id"], "")
    if answered_id > 0 and answered_id != new.author.id:
        told.append(facts.reply(comment, answered_id, new.writing.plain))
    told += _mentions(comment, new.writing, answered_name, new.created_at)
    return comment


def comment_document(comment_id: int, parent: Document | None, new: NewComment) -> Document:
    """A comment as it is kept when it is new; of its parent, id and place are needed."""
    return {
        "_id": comment_id,
        "post_id": new.post_id,
        "parent_id": parent["_id"] if parent else None,
        "branch": parent["_id"] if parent else -new.post_id,
        "above": path_of(parent) if parent else "",
        "author_id": new.author.id,
        "author_name": new.author.name,
        "author_email": new.author_email,
        "html": new.writing.html,
        "created_at": new.created_at,
        **({} if new.sent_created_at is None else {"sent_created_at": new.sent_created_at}),
        "edited_at": new.edited_at,
        **ranks(new.ups, new.downs),
        "replies": 0,
        "state": new.state,
        "revisions": 1,
    }


def text_document(comment: Document, community: str, writing: Writing) -> Document:
    """What a live comment says, as it was typed and is found."""
    return {
        "_id": comment["_id"],
        "created_at": comment["created_at"],
        "text": writing.text,
        "words": words_of(without_marks(writing.plain)) + name_words(community, comment["author_name"]),
    }


async def grow_threads(
    database: MongoDatabase, session: Session, grown: dict[int, Growth], refs: dict[int, ThreadRef]
) -> list[Document]:
    """Count new comments of threads, keeping what is said of those that are new; the threads as they are then."""
    threads = database.collection(THREAD)
    changes = []
    for post_id, (comments, roots, last_comment_at) in grown.items():
        more = {"comments": comments, "roots": roots, "revision": 1}
        change: Document = {"$inc": more, "$max": {"last_comment_at": last_comment_at}}
        if ref := refs.get(post_id):
            said = {"author_id": ref.author_id, "title": ref.title, "community": ref.community, "post_revision": 0}
            change["$setOnInsert"] = said
        changes.append(UpdateOne({"_id": post_id}, change, upsert=True))
    await threads.bulk_write(changes, session=session)
    return await threads.find({"_id": {"$in": list(grown)}}, session=session).to_list()


def thread_changed(thread: Document) -> Fact:
    """What the post room is told of a thread that has grown."""
    return facts.thread_changed(thread["_id"], thread["comments"], thread["last_comment_at"], thread["revision"])


async def revise(
    database: MongoDatabase, session: Session, comment_id: int, writing: Writing, at: int
) -> Comment | None:
    """Make this the newest revision unless it says the same; None if there is no such live comment."""
    comments, texts = database.collection(COMMENT), database.collection(COMMENT_TEXT)
    found = await comments.find_one({"_id": comment_id, "state": "live"}, session=session)
    newest = await texts.find_one({"_id": comment_id}, session=session)
    if found is None or newest is None:
        return None
    thread = await database.collection(THREAD).find_one({"_id": found["post_id"]}, session=session)
    if newest["text"] == writing.text:
        return comment_of({**found, "threads": [thread]})
    before = {
        "comment_id": comment_id,
        "number": found["revisions"],
        "text": newest["text"],
        "created_at": revised_at(found),
    }
    changed = {"html": writing.html, "edited_at": at, "revisions": found["revisions"] + 1}
    await comments.update_one(_this(found), {"$set": changed}, session=session)
    await database.collection(COMMENT_REVISION).insert_one(before, session=session)
    names = [word for word in newest["words"] if ":" in word]
    said = {"text": writing.text, "words": words_of(without_marks(writing.plain)) + names}
    await texts.update_one({"_id": comment_id}, {"$set": said}, session=session)
    comment = comment_of({**found, **changed, "threads": [thread]})
    answered_name = ""
    if comment.parent_id is not None:
        parent = await comments.find_one({"_id": comment.parent_id}, ["author_name"], session=session)
        answered_name = parent["author_name"] if parent else ""
    await mongo_outbox.put(database, session, _mentions(comment, writing, answered_name, at))
    return comment


def revised_at(comment: Document) -> int:
    """When the newest revision was made. Of an imported comment that was edited elsewhere only one text is known."""
    at: int = comment["edited_at"] if comment["revisions"] > 1 else comment["created_at"]
    return at


async def bury(database: MongoDatabase, session: Session, comment_ids: Sequence[int], state: State) -> None:
    """Destroy what those of these comments say that are live, and who wrote them."""
    comments = database.collection(COMMENT)
    live = {"_id": {"$in": comment_ids}, "state": "live"}
    found = await comments.find(live, ["post_id"], session=session).to_list()
    if not found:
        return
    ids = [comment["_id"] for comment in found]
    await comments.update_many(_these(found), {"$set": {**BURIED, "state": state}}, session=session)
    await database.collection(COMMENT_TEXT).delete_many({"_id": {"$in": ids}}, session=session)
    await database.collection(COMMENT_REVISION).delete_many({"comment_id": {"$in": ids}}, session=session)


async def erase_comments(
    database: MongoDatabase, session: Session, person_id: int, limit: int, *, with_content: bool
) -> int:
    """Take a person's name off some of their comments, and their content too if asked; how many that were."""
    comments = database.collection(COMMENT)
    found = await comments.find({"author_id": person_id}, ["post_id"], session=session).limit(limit).to_list()
    ids = [comment["_id"] for comment in found]
    if with_content:
        await bury(database, session, ids, "deleted")
    elif ids:
        nobody = {"$set": {"author_id": 0, "author_name": ""}}
        await comments.update_many(_these(found), nobody, session=session)
        await database.collection(COMMENT_TEXT).update_many(
            {"_id": {"$in": ids}}, {"$pull": {"words": {"$regex": f"^{AUTHOR}:"}}}, session=session
        )
    return len(ids)


def _this(comment: Document) -> Document:
    """Finds a comment on its shard."""
    return {"_id": comment["_id"], "post_id": comment["post_id"]}


def _these(comments: Iterable[Document]) -> Document:
    """Finds comments on their shards."""
    found = list(comments)
    return {
        "_id": {"$in": [comment["_id"] for comment in found]},
        "post_id": {"$in": list({comment["post_id"] for comment in found})},
    }


def _newest(told: list[Fact]) -> list[Fact]:
    """Of facts that take each other's place in the outbox, the last."""
    return list({(fact.receiver, type(fact.content), fact.key): fact for fact in told}.values())


def _mentions(comment: Comment, writing: Writing, answered_name: str, at: int) -> list[Fact]:
    return [
        facts.mention(comment, name, writing.plain, at)
        for name in writing.mentions
        if name.lower() != answered_name.lower()  # who is answered has been told already
    ]
