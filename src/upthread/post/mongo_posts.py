"""What is done with posts in a transaction."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from pymongo import UpdateOne

from upthread import links
from upthread.post import facts
from upthread.post.facts import Fact
from upthread.post.model import Post, State, ThreadChanged
from upthread.post.mongo_communities import Activity, add_activity, drop_posts
from upthread.post.mongo_documents import post_of
from upthread.post.mongo_layout import COMMUNITY, POST, POST_REVISION, POST_TEXT
from upthread.post.mongo_search import AUTHOR, name_words
from upthread.post.names import folded
from upthread.post.store import NewPost, Writing
from upthread.ranking import active, post_ranks, utc_day
from upthread.storage import mongo_outbox
from upthread.storage.fulltext import without_marks
from upthread.storage.mongo import Document, MongoDatabase, Session
from upthread.words import words_of

BURIED = {
    "title": "",
    "url": "",
    "domain": "",
    "flair": "",
    "author_id": 0,
    "author_name": "",
    "author_email": "",
    "has_text": False,
    "edited_at": None,
    "revisions": 1,
}
"""What of a post is overwritten when it is deleted; id, time, votes and comment count stay."""


async def add_post(database: MongoDatabase, session: Session, post_id: int, new: NewPost) -> Post | None:
    """Add a post and tell those it mentions; None if its community does not exist."""
    named = {"name_folded": folded(new.community)}
    community = await database.collection(COMMUNITY).find_one(named, ["name"], session=session)
    if community is None:
        return None
    # The community first: there another new post is noticed, and this one begins anew.
    await add_activity(database, session, [Activity(community["_id"], new.created_at, 1, posts=1)])
    document = post_document(post_id, community, new)
    await database.collection(POST).insert_one(document, session=session)
    await database.collection(POST_TEXT).insert_one(text_document(document, new.writing), session=session)
    await database.collection(POST_REVISION).insert_one(
        revision_document(post_id, 1, new.writing, new.created_at), session=session
    )
    await mongo_outbox.put(database, session, _mentions(document, new.writing, new.created_at))
    return _written(document, new.writing)


def post_document(post_id: int, community: Document, new: NewPost) -> Document:
    """A post as it is kept when it is new."""
    ranks = post_ranks(new.ups, new.downs, new.created_at, last_comment_at=0)
    return {
        "_id": post_id,
        "community_id": community["_id"],
        "community": community["name"],
        "title": new.writing.title,
        "url": new.url,
        "domain": links.domain(new.url),
        **_what_there_is(link_key=links.key(new.url), sent_created_at=new.sent_created_at),
        "author_id": new.author.id,
        "author_name": new.author.name,
        "author_email": new.author_email,
        "created_at": new.created_at,
        "day": utc_day(new.created_at),
        "edited_at": new.edited_at,
        "ups": new.ups,
        "downs": new.downs,
        **ranks._asdict(),
        "comments": 0,
        "last_comment_at": 0,
        "thread_revision": 0,
        "told_revision": 0,
        "flair": new.flair,
        "nsfw": new.nsfw,
        "locked": new.locked,
        "has_text": bool(new.writing.html),
        "state": "live",
        "revisions": 1,
    }


def text_document(post: Document, writing: Writing) -> Document:
    """What a post says, as it is shown and found."""
    title, plain = without_marks(writing.title), without_marks(writing.plain)
    names = name_words(post["community"], post["author_name"], post["domain"])
    return {
        "_id": post["_id"],
        "created_at": post["created_at"],
        "html": writing.html,
        "title": title,
        "plain": plain,
        "title_words": words_of(title),
        "words": words_of(f"{title} {plain}") + names,
    }


def revision_document(post_id: int, number: int, writing: Writing, at: int) -> Document:
    """One version of a post."""
    return {"post_id": post_id, "number": number, "title": writing.title, "text": writing.text, "created_at": at}


async def revise(database: MongoDatabase, session: Session, post_id: int, writing: Writing, at: int) -> Post | None:
    """Make this the newest revision unless it says the same; None if there is no such live post."""
    posts, revisions = database.collection(POST), database.collection(POST_REVISION)
    post = await posts.find_one({"_id": post_id, "state": "live"}, session=session)
    if post is None:
        return None
    newest = await revisions.find_one({"post_id": post_id, "number": post["revisions"]}, session=session)
    if newest is None or (newest["title"], newest["text"]) == (writing.title, writing.text):
        return _written(post, writing)
    retitled = newest["title"] != writing.title
    changed = {
        "title": writing.title,
        "has_text": bool(writing.html),
        "edited_at": at,
        "revisions": post["revisions"] + 1,
        "told_revision": post["told_revision"] + retitled,
    }
    await posts.update_one({"_id": post_id}, {"$set": changed}, session=session)
    post |= changed
    await revisions.insert_one(revision_document(post_id, post["revisions"], writing, at), session=session)
    await database.collection(POST_TEXT).replace_one({"_id": post_id}, text_document(post, writing), session=session)
    told = [_changed(post)] if retitled else []
    await mongo_outbox.put(database, session, [*told, *_mentions(post, writing, at)])
    return _written(post, writing)


async def bury(database: MongoDatabase, session: Session, post_ids: list[int], state: State) -> None:
    """Destroy what those of these posts say that are live, and who wrote them."""
    live = {"_id": {"$in": post_ids}, "state": "live"}
    found = await database.collection(POST).find(live, ["community_id"], session=session).to_list()
    if not found:
        return
    ids = [post["_id"] for post in found]
    await _change(database, session, ids, {**BURIED, "state": state}, without=("link_key",))
    await database.collection(POST_TEXT).delete_many({"_id": {"$in": ids}}, session=session)
    await database.collection(POST_REVISION).delete_many({"post_id": {"$in": ids}}, session=session)
    await drop_posts(database, session, Counter(post["community_id"] for post in found))


async def erase_posts(
    database: MongoDatabase, session: Session, person_id: int, limit: int, *, with_content: bool
) -> int:
    """Take a person's name off some of their live posts, and their content too if asked; how many that were."""
    theirs = {"author_id": person_id, "state": "live"}
    found = await database.collection(POST).find(theirs, ["_id"], session=session).limit(limit).to_list()
    ids = [post["_id"] for post in found]
    if with_content:
        await bury(database, session, ids, "deleted")
    elif ids:
        await _change(database, session, ids, {"author_id": 0, "author_name": ""})
        await database.collection(POST_TEXT).update_many(
            {"_id": {"$in": ids}}, {"$pull": {"words": {"$regex": f"^{AUTHOR}:"}}}, session=session
        )
    return len(ids)


async def threads_changed(database: MongoDatabase, session: Session, events: list[ThreadChanged]) -> None:
    """Take over comment counts that are newer than what is known."""
    posts = database.collection(POST)
    found = await posts.find({"_id": {"$in": list({event.post_id for event in events})}}, session=session).to_list()
    known = {post["_id"]: post for post in found}
    newer: dict[int, Document] = {}
    gained: list[Activity] = []
    for event in events:
        post = known.get(event.post_id)
        if post is None or post["thread_revision"] >= event.revision:
            continue
        if event.comments > post["comments"]:
            added = event.comments - post["comments"]
            gained.append(Activity(post["community_id"], event.last_comment_at, added))
        newer[event.post_id] = {
            "comments": event.comments,
            "last_comment_at": event.last_comment_at,
            "thread_revision": event.revision,
            "active": active(post["score"], post["created_at"], event.last_comment_at),
        }
        post |= newer[event.post_id]
    if newer:
        changes = [UpdateOne({"_id": post_id}, {"$set": changed}) for post_id, changed in newer.items()]
        await posts.bulk_write(changes, session=session)
        await add_activity(database, session, gained)


def buried(post: Document, state: State) -> Document:
    """A new post as it is kept if it is not live."""
    return {**{name: value for name, value in post.items() if name != "link_key"}, **BURIED, "state": state}


async def _change(
    database: MongoDatabase, session: Session, ids: list[int], fields: Document, *, without: Iterable[str] = ()
) -> None:
    """Change posts alike, and tell of it."""
    posts, these = database.collection(POST), {"_id": {"$in": ids}}
    change = {"$set": fields, "$unset": dict.fromkeys(without, ""), "$inc": {"told_revision": 1}}
    await posts.update_many(these, change, session=session)
    changed = await posts.find(these, session=session).to_list()
    await mongo_outbox.put(database, session, map(_changed, changed))


def _changed(post: Document) -> Fact:
    return facts.changed(post_of(post), post["told_revision"])


def _mentions(post: Document, writing: Writing, at: int) -> list[Fact]:
    return [facts.mention(post_of(post), name, writing.text, at) for name in writing.mentions]


def _what_there_is(**fields: Any) -> Document:
    return {name: value for name, value in fields.items() if value is not None}


def _written(post: Document, writing: Writing) -> Post:
    return post_of({**post, "texts": [{"html": writing.html}]})
