"""The comment room's MongoDB database as records of a backup, and back."""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence

from msgspec import convert

from upthread.account.model import Author
from upthread.comment.mongo_comments import comment_document, revised_at, text_document
from upthread.comment.mongo_layout import (
    AUTHOR_KARMA,
    COMMENT,
    COMMENT_REVISION,
    COMMENT_TEXT,
    IMPORTED_COMMENT,
    SAVED,
    THREAD,
    VOTE,
)
from upthread.comment.mongo_votes import vote_id
from upthread.comment.records import (
    CommentKarma,
    CommentKey,
    CommentRecord,
    CommentRoomRecord,
    CommentSaved,
    CommentVersion,
    CommentVote,
    ThreadRecord,
)
from upthread.comment.store import NewComment, Writing
from upthread.storage.mongo import Document, MongoDatabase
from upthread.storage.mongo_records import (
    Snapshot,
    add,
    add_facts,
    plain,
    read_counters,
    read_facts,
    set_counters,
)
from upthread.storage.records import Counter, WaitingFact


async def read_all(snapshot: Snapshot) -> AsyncIterator[CommentRoomRecord]:
    """Everything that the room keeps."""
    async for found in snapshot.find(THREAD, "_id"):
        yield convert({**found, "post_id": found["_id"]}, ThreadRecord)
    async for record in _comments(snapshot):
        yield record
    async for found in snapshot.find(IMPORTED_COMMENT, "_id"):
        yield CommentKey(found["_id"], found["comment_id"], found["post_id"])
    async for found in snapshot.find(VOTE, "_id"):
        comment_id, voter_id = found["_id"].split(":")
        yield CommentVote(int(comment_id), int(voter_id), found["vote"])
    async for found in snapshot.find(SAVED, "person_id", "comment_id"):
        yield convert(found, CommentSaved)
    async for found in snapshot.find(AUTHOR_KARMA, "_id"):
        yield CommentKarma(found["_id"], found["karma"], found["revision"])
    async for fact in read_facts(snapshot):
        yield fact
    async for counter in read_counters(snapshot):
        yield counter


async def _comments(snapshot: Snapshot) -> AsyncIterator[CommentRecord]:
    async for comments in snapshot.batches(COMMENT):
        ids = [found["_id"] for found in comments]
        threads = await snapshot.by_id(THREAD, list({found["post_id"] for found in comments}))
        texts = await snapshot.by_id(COMMENT_TEXT, ids)
        versions: dict[int, list[CommentVersion]] = defaultdict(list)
        async for older in snapshot.find(COMMENT_REVISION, "comment_id", "number", wanted={"comment_id": {"$in": ids}}):
            versions[older["comment_id"]].append(convert(older, CommentVersion))
        for found in comments:
            if newest := texts.get(found["_id"]):
                versions[found["_id"]].append(CommentVersion(found["revisions"], newest["text"], revised_at(found)))
            fields = {
                "sent_created_at": None,
                **found,
                "id": found["_id"],
                "community": threads[found["post_id"]]["community"],
                "above": [int(comment_id) for comment_id in found["above"].split(".") if comment_id],
                "versions": versions[found["_id"]],
            }
            yield convert(fields, CommentRecord)


async def add_all(database: MongoDatabase, records: Sequence[CommentRoomRecord]) -> None:
    """Add records to a database that had none, in the order in which they were read."""
    threads = [record for record in records if isinstance(record, ThreadRecord)]
    await add(database, THREAD, [{"_id": each.post_id, **plain(each, "post_id")} for each in threads])
    await _add_comments(database, [record for record in records if isinstance(record, CommentRecord)])
    keys = [record for record in records if isinstance(record, CommentKey)]
    await add(database, IMPORTED_COMMENT, [{"_id": each.key, **plain(each, "key")} for each in keys])
    votes = [record for record in records if isinstance(record, CommentVote)]
    await add(database, VOTE, [{"_id": vote_id(each.comment_id, each.voter_id), "vote": each.vote} for each in votes])
    saved = [record for record in records if isinstance(record, CommentSaved)]
    await add(database, SAVED, [plain(each) for each in saved])
    karma = [record for record in records if isinstance(record, CommentKarma)]
    await add(database, AUTHOR_KARMA, [{"_id": each.author_id, **plain(each, "author_id")} for each in karma])
    await add_facts(database, [record for record in records if isinstance(record, WaitingFact)])
    await set_counters(database, [record for record in records if isinstance(record, Counter)])


async def _add_comments(database: MongoDatabase, comments: Sequence[CommentRecord]) -> None:
    documents, texts, older = [], [], []
    for comment in comments:
        writing = comment.writing()
        document = _document(comment, writing)
        documents.append(document)
        if comment.state == "live":
            texts.append(text_document(document, comment.community, writing))
        older += [{"comment_id": comment.id, **plain(version)} for version in comment.versions[:-1]]
    await add(database, COMMENT, documents)
    await add(database, COMMENT_TEXT, texts)
    await add(database, COMMENT_REVISION, older)


def _document(comment: CommentRecord, writing: Writing) -> Document:
    parent = {"_id": comment.above[-1], "above": ".".join(map(str, comment.above[:-1]))} if comment.above else None
    new = NewComment(
        post_id=comment.post_id,
        author=Author(comment.author_id, comment.author_name),
        author_email=comment.author_email,
        writing=writing,
        created_at=comment.created_at,
        sent_created_at=comment.sent_created_at,
        edited_at=comment.edited_at,
        ups=comment.ups,
        downs=comment.downs,
        state=comment.state,
    )
    return {
        **comment_document(comment.id, parent, new),
        "replies": comment.replies,
        "revisions": comment.revisions,
    }
