"""The post room's MongoDB database as records of a backup, and back."""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence

from msgspec import convert

from upthread.account.model import Author
from upthread.post.mongo_communities import texts_of_community
from upthread.post.mongo_layout import (
    AUTHOR_KARMA,
    COMMUNITY,
    COMMUNITY_TEXT,
    IMPORTED_POST,
    MARK,
    POST,
    POST_REVISION,
    POST_TEXT,
    SUBSCRIPTION,
    VOTE,
)
from upthread.post.mongo_posts import post_document, text_document
from upthread.post.mongo_votes import vote_id
from upthread.post.names import folded
from upthread.post.records import (
    CommunityRecord,
    PostKarma,
    PostKey,
    PostMarked,
    PostRecord,
    PostRoomRecord,
    PostVersion,
    PostVote,
    Subscription,
)
from upthread.post.store import NewPost, Writing
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


async def read_all(snapshot: Snapshot) -> AsyncIterator[PostRoomRecord]:
    """Everything that the room keeps."""
    async for community in _communities(snapshot):
        yield community
    async for post in _posts(snapshot):
        yield post
    async for record in _lists(snapshot):
        yield record
    async for found in snapshot.find(AUTHOR_KARMA, "_id"):
        yield PostKarma(found["_id"], found["karma"], found["revision"])
    async for fact in read_facts(snapshot):
        yield fact
    async for counter in read_counters(snapshot):
        yield counter


async def _communities(snapshot: Snapshot) -> AsyncIterator[CommunityRecord]:
    async for communities in snapshot.batches(COMMUNITY):
        texts = await snapshot.by_id(COMMUNITY_TEXT, [found["_id"] for found in communities])
        for found in communities:
            moderators = sorted(found["moderators"], key=lambda each: each["id"])
            fields = {**texts[found["_id"]], **found, "id": found["_id"], "moderators": moderators}
            yield convert(fields, CommunityRecord)


async def _posts(snapshot: Snapshot) -> AsyncIterator[PostRecord]:
    async for posts in snapshot.batches(POST):
        versions: dict[int, list[PostVersion]] = defaultdict(list)
        these = {"post_id": {"$in": [found["_id"] for found in posts]}}
        async for version in snapshot.find(POST_REVISION, "post_id", "number", wanted=these):
            versions[version["post_id"]].append(convert(version, PostVersion))
        for found in posts:
            fields = {"sent_created_at": None, **found, "id": found["_id"], "versions": versions[found["_id"]]}
            yield convert(fields, PostRecord)


async def _lists(snapshot: Snapshot) -> AsyncIterator[PostKey | PostVote | PostMarked | Subscription]:
    async for found in snapshot.find(IMPORTED_POST, "_id"):
        yield PostKey(found["_id"], found["post_id"])
    async for found in snapshot.find(VOTE, "_id"):
        post_id, voter_id = found["_id"].split(":")
        yield PostVote(int(post_id), int(voter_id), found["vote"])
    for mark in ("saved", "hidden"):
        async for found in snapshot.find(MARK, "person_id", "mark", "post_id", wanted={"mark": mark}):
            yield convert(found, PostMarked)
    async for found in snapshot.find(SUBSCRIPTION, "person_id", "community_id"):
        yield convert(found, Subscription)


async def add_all(database: MongoDatabase, records: Sequence[PostRoomRecord]) -> None:
    """Add records to a database that had none, in the order in which they were read."""
    await _add_communities(database, [record for record in records if isinstance(record, CommunityRecord)])
    await _add_posts(database, [record for record in records if isinstance(record, PostRecord)])
    keys = [{"_id": record.key, "post_id": record.post_id} for record in records if isinstance(record, PostKey)]
    await add(database, IMPORTED_POST, keys)
    votes = [record for record in records if isinstance(record, PostVote)]
    await add(database, VOTE, [{"_id": vote_id(each.post_id, each.voter_id), "vote": each.vote} for each in votes])
    await add(database, MARK, [plain(record) for record in records if isinstance(record, PostMarked)])
    await add(database, SUBSCRIPTION, [plain(record) for record in records if isinstance(record, Subscription)])
    karma = [record for record in records if isinstance(record, PostKarma)]
    await add(database, AUTHOR_KARMA, [{"_id": each.author_id, **plain(each, "author_id")} for each in karma])
    await add_facts(database, [record for record in records if isinstance(record, WaitingFact)])
    await set_counters(database, [record for record in records if isinstance(record, Counter)])


async def _add_communities(database: MongoDatabase, communities: Sequence[CommunityRecord]) -> None:
    shown = [
        {"_id": each.id, "name_folded": folded(each.name), **plain(each, "id", "description", "rules")}
        for each in communities
    ]
    await add(database, COMMUNITY, shown)
    said = [{"_id": each.id, **texts_of_community(each.name, each.texts())} for each in communities]
    await add(database, COMMUNITY_TEXT, said)


async def _add_posts(database: MongoDatabase, posts: Sequence[PostRecord]) -> None:
    if not posts:
        return
    named = {"_id": {"$in": list({post.community_id for post in posts})}}
    communities = await database.read(database.collection(COMMUNITY).find(named, ["name"]).to_list())
    by_id = {community["_id"]: community for community in communities}
    documents, texts, versions = [], [], []
    for post in posts:
        writing = post.writing()
        document = _document(post, writing, by_id[post.community_id])
        documents.append(document)
        if post.state == "live":
            texts.append(text_document(document, writing))
        versions += [{"post_id": post.id, **plain(version)} for version in post.versions]
    await add(database, POST, documents)
    await add(database, POST_TEXT, texts)
    await add(database, POST_REVISION, versions)


def _document(post: PostRecord, writing: Writing, community: Document) -> Document:
    new = NewPost(
        community=community["name"],
        writing=writing,
        url=post.url,
        author=Author(post.author_id, post.author_name),
        author_email=post.author_email,
        created_at=post.created_at,
        sent_created_at=post.sent_created_at,
        edited_at=post.edited_at,
        ups=post.ups,
        downs=post.downs,
        flair=post.flair,
        nsfw=post.nsfw,
        locked=post.locked,
    )
    return {
        **post_document(post.id, community, new),
        **post.ranks._asdict(),
        "comments": post.comments,
        "last_comment_at": post.last_comment_at,
        "thread_revision": post.thread_revision,
        "told_revision": post.told_revision,
        "state": post.state,
        "revisions": post.revisions,
    }
