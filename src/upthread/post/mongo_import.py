"""Posts from elsewhere, added in a transaction."""

from collections import Counter
from collections.abc import Mapping
from functools import partial

from upthread.post import facts
from upthread.post.model import ImportedIds
from upthread.post.mongo_communities import Activity, add_activity, add_community
from upthread.post.mongo_documents import post_of
from upthread.post.mongo_layout import COMMUNITY, IMPORTED_POST, POST, POST_REVISION, POST_TEXT
from upthread.post.mongo_posts import buried, post_document, revision_document, text_document
from upthread.post.mongo_votes import add_karma
from upthread.post.names import folded
from upthread.post.store import CommunityTexts, NewPost
from upthread.ranking import earns_karma
from upthread.storage import mongo_outbox
from upthread.storage.mongo import Document, MongoDatabase, Session

BATCH = 50
"""Posts added in one transaction: with their texts, versions and keys some 200 documents."""


async def known_posts(database: MongoDatabase, keys: list[str], session: Session | None = None) -> dict[str, int]:
    """The ids of those of these posts that have been imported, by their key."""
    found = await database.collection(IMPORTED_POST).find({"_id": {"$in": keys}}, session=session).to_list()
    return {each["_id"]: each["post_id"] for each in found}


async def import_posts(database: MongoDatabase, posts: Mapping[str, NewPost]) -> ImportedIds:
    """Add posts whose key is not known, the communities they need, and their authors' karma."""
    # In order of time, so that a community is as old as its first post, and later posts have higher ids.
    in_time = sorted(posts.items(), key=lambda item: item[1].created_at)
    ids: dict[str, int] = {}
    added = 0
    for first in range(0, len(in_time), BATCH):
        imported = await database.transact(partial(_import, database, in_time[first : first + BATCH]))
        ids |= imported.ids
        added += imported.added
    return ImportedIds(ids=ids, added=added)


async def _import(database: MongoDatabase, posts: list[tuple[str, NewPost]], session: Session) -> ImportedIds:
    known = await known_posts(database, [key for key, _ in posts], session)
    fresh = [(key, new) for key, new in posts if key not in known]
    if not fresh:
        return ImportedIds(ids=known, added=0)
    communities = await _communities(database, session, [new for _, new in fresh])
    added = dict(zip((key for key, _ in fresh), await database.next_ids(POST, len(fresh)), strict=True))
    documents, texts, revisions, told = [], [], [], []
    gained: list[Activity] = []
    earned: Counter[int] = Counter()
    for key, new in fresh:
        is_live = new.state == "live"
        document = post_document(added[key], communities[folded(new.community)], new)
        gained.append(Activity(document["community_id"], new.created_at, 1, posts=int(is_live)))
        if is_live:
            texts.append(text_document(document, new.writing))
            revisions.append(revision_document(added[key], 1, new.writing, new.created_at))
        else:
            document = {**buried(document, new.state), "told_revision": 1}
            told.append(facts.changed(post_of(document), 1))
        documents.append(document)
        if earns_karma(new.author.id, voter_id=0):
            earned[new.author.id] += new.ups - new.downs
    keys = [{"_id": key, "post_id": post_id} for key, post_id in added.items()]
    for collection, new_ones in (
        (IMPORTED_POST, keys),
        (POST, documents),
        (POST_TEXT, texts),
        (POST_REVISION, revisions),
    ):
        if new_ones:
            await database.collection(collection).insert_many(new_ones, session=session)
    await add_activity(database, session, gained)
    await add_karma(database, session, earned)
    await mongo_outbox.put(database, session, told)
    return ImportedIds(ids=known | added, added=len(added))


async def _communities(database: MongoDatabase, session: Session, posts: list[NewPost]) -> dict[str, Document]:
    """The communities of these posts by folded name; those that are not there yet are added."""
    communities = database.collection(COMMUNITY)
    first: dict[str, NewPost] = {}
    for new in posts:
        first.setdefault(folded(new.community), new)
    named = {"name_folded": {"$in": list(first)}}
    found = await communities.find(named, ["name", "name_folded"], session=session).to_list()
    known = {community["name_folded"]: community for community in found}
    missing = [new for name, new in first.items() if name not in known]
    if missing:
        ids = await database.next_ids(COMMUNITY, len(missing))
        for community_id, new in zip(ids, missing, strict=True):
            texts = _no_texts(new.community)
            await add_community(database, session, community_id, new.community, texts, new.created_at)
            known[folded(new.community)] = {"_id": community_id, "name": new.community}
    return known


def _no_texts(name: str) -> CommunityTexts:
    return CommunityTexts(title=name, description="", description_html="", rules="", rules_html="")
