"""Comments from elsewhere, added in transactions of some hundred."""

from collections import Counter
from collections.abc import Sequence
from functools import partial

from pymongo import UpdateOne

from upthread.comment.model import ThreadRef
from upthread.comment.mongo_comments import Growth, comment_document, grow_threads, text_document, thread_changed
from upthread.comment.mongo_layout import COMMENT, COMMENT_TEXT, IMPORTED_COMMENT, THREAD
from upthread.comment.mongo_votes import add_karma
from upthread.comment.store import KeyedComment
from upthread.post.model import ImportedIds
from upthread.ranking import earns_karma
from upthread.storage import mongo_outbox
from upthread.storage.mongo import Document, MongoDatabase, Session

BATCH = 50
"""Comments added in one transaction: with their texts and keys some 150 documents."""


async def import_comments(
    database: MongoDatabase, threads: Sequence[ThreadRef], comments: Sequence[KeyedComment]
) -> ImportedIds:
    """Add those whose key is not known and whose parent and thread are, some in each transaction."""
    refs: dict[int, ThreadRef] = {}
    for ref in threads:
        refs.setdefault(ref.post_id, ref)
    ids: dict[str, int] = {}
    added = 0
    for start in range(0, len(comments), BATCH):
        batch = comments[start : start + BATCH]
        imported = await database.transact(partial(_import_batch, database, refs, batch))
        ids |= imported.ids
        added += imported.added
    return ImportedIds(ids=ids, added=added)


async def _import_batch(
    database: MongoDatabase, refs: dict[int, ThreadRef], comments: Sequence[KeyedComment], session: Session
) -> ImportedIds:
    """Add a part of them; of karma and counts is told once each."""
    communities = await _communities(database, session, refs, {comment.new.post_id for comment in comments})
    ids, places = await _known(database, session, comments)
    asked = {comment.key for comment in comments}
    added: list[tuple[KeyedComment, Document]] = []
    new_ids = iter(await database.next_ids(COMMENT, len(asked - ids.keys())))
    for comment in comments:
        new, parent_key = comment.new, comment.parent_key
        parent = places.get((parent_key, new.post_id)) if parent_key is not None else None
        hangs = parent_key is None or parent is not None
        if comment.key in ids or not hangs or new.post_id not in communities:
            continue
        document = comment_document(next(new_ids), parent, new)
        ids[comment.key] = document["_id"]
        places[comment.key, new.post_id] = document
        added.append((comment, document))
    if added:
        await _insert(database, session, communities, added)
        await _count(database, session, refs, added)
    return ImportedIds(ids={key: comment_id for key, comment_id in ids.items() if key in asked}, added=len(added))


async def _insert(
    database: MongoDatabase,
    session: Session,
    communities: dict[int, str],
    added: list[tuple[KeyedComment, Document]],
) -> None:
    replies = Counter(document["parent_id"] for _, document in added)
    documents, texts, keys = [], [], []
    for comment, document in added:
        comment_id, post_id = document["_id"], document["post_id"]
        documents.append({**document, "replies": replies.pop(comment_id, 0)})
        keys.append({"_id": comment.key, "comment_id": comment_id, "post_id": post_id})
        if document["state"] == "live":
            texts.append(text_document(document, communities[post_id], comment.new.writing))
    # The keys first: there another import of the same is noticed, and this one begins anew.
    for collection, new_ones in ((IMPORTED_COMMENT, keys), (COMMENT, documents), (COMMENT_TEXT, texts)):
        if new_ones:
            await database.collection(collection).insert_many(new_ones, session=session)
    posts = {document["parent_id"]: document["post_id"] for _, document in added}
    answered = [
        UpdateOne({"_id": parent_id, "post_id": posts[parent_id]}, {"$inc": {"replies": more}})
        for parent_id, more in replies.items()  # which are left: comments that were there before
        if parent_id is not None
    ]
    if answered:
        await database.collection(COMMENT).bulk_write(answered, session=session)


async def _count(
    database: MongoDatabase,
    session: Session,
    refs: dict[int, ThreadRef],
    added: list[tuple[KeyedComment, Document]],
) -> None:
    grown: dict[int, Growth] = {}
    earned: Counter[int] = Counter()
    for _, document in added:
        before = grown.get(document["post_id"], Growth(0, 0, 0))
        grown[document["post_id"]] = Growth(
            before.comments + 1,
            before.roots + (document["parent_id"] is None),
            max(before.last_comment_at, document["created_at"]),
        )
        if earns_karma(document["author_id"], voter_id=0):
            earned[document["author_id"]] += document["score"]
    threads = await grow_threads(database, session, grown, refs)
    told = [*map(thread_changed, threads), *await add_karma(database, session, earned)]
    await mongo_outbox.put(database, session, told)


async def _communities(
    database: MongoDatabase, session: Session, refs: dict[int, ThreadRef], post_ids: set[int]
) -> dict[int, str]:
    """The community of each thread that comments are for, as far as the threads are known."""
    threads = database.collection(THREAD)
    found = await threads.find({"_id": {"$in": list(post_ids)}}, ["community"], session=session).to_list()
    named = {post_id: ref.community for post_id, ref in refs.items() if post_id in post_ids}
    return named | {thread["_id"]: thread["community"] for thread in found}


async def _known(
    database: MongoDatabase, session: Session, comments: Sequence[KeyedComment]
) -> tuple[dict[str, int], dict[tuple[str, int], Document]]:
    """The ids of these comments and their parents that are there, and the parents' places, by key and post."""
    keys = {key for comment in comments for key in (comment.key, comment.parent_key) if key is not None}
    imported = database.collection(IMPORTED_COMMENT)
    found = await imported.find({"_id": {"$in": list(keys)}}, session=session).to_list()
    parent_keys = {comment.parent_key for comment in comments}
    parents = {each["comment_id"]: each for each in found if each["_id"] in parent_keys}
    of_parents = {
        "_id": {"$in": list(parents)},
        "post_id": {"$in": list({parent["post_id"] for parent in parents.values()})},
    }
    places = await database.collection(COMMENT).find(of_parents, ["post_id", "above"], session=session).to_list()
    return (
        {each["_id"]: each["comment_id"] for each in found},
        {(parents[place["_id"]]["_id"], place["post_id"]): place for place in places},
    )
