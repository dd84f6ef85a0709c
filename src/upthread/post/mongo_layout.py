"""What the post service keeps in MongoDB. docs/mongodb.md says why it is cut like this, and how it is sharded.

`community` is what lists of communities show and are ordered by::

    _id, name, name_folded, title, created_at, subscribers, posts, activity
    moderators      [{id, name}]

`community_text` is what it says about itself, apart because every post and comment rewrites its community::

    _id             the community's id
    description, description_html, rules, rules_html
    name_words, title_words, words

`post` is what feeds show and are ordered by, everything that a vote rewrites, and no text::

    _id, community_id, community, title, url, domain, author_id, author_name, author_email
    link_key        only of posts with a link
    sent_created_at only of those that came by the original's contract
    created_at      Unix seconds, as all times
    day, edited_at, ups, downs, score, hot, active, controversy, comments, last_comment_at, thread_revision,
    told_revision, flair, nsfw, locked, has_text, state, revisions

`post_text` is the text of a live post as it is shown and found::

    _id             the post's id
    created_at      the post's, by which matches are ordered
    html, title, plain, title_words, words

`post_revision` is {post_id, number, title, text, created_at}; the newest is the source of what is shown. `vote` is
{_id: "post_id:voter_id", vote}, `mark` {person_id, mark, post_id, marked_at}, `subscription` {person_id,
community_id}, `author_karma` {_id: the author's id, karma, revision}, `imported_post` {_id: the key, post_id}.
"""

from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel

from upthread.storage import mongo_outbox
from upthread.storage.mongo import MongoDatabase, MongoLayout

COMMUNITY, COMMUNITY_TEXT = "community", "community_text"
POST, POST_TEXT, POST_REVISION = "post", "post_text", "post_revision"
VOTE, MARK, SUBSCRIPTION, AUTHOR_KARMA, IMPORTED_POST = "vote", "mark", "subscription", "author_karma", "imported_post"


def _descending(*fields: str) -> list[tuple[str, int]]:
    return [(field, DESCENDING) for field in fields]


def _of_live(name: str, *fields: str, **limits: Any) -> IndexModel:
    """An index that names live posts only, so that a feed never reads past deleted ones."""
    return IndexModel(_descending(*fields), name=name, partialFilterExpression={"state": "live", **limits})


def _orders(name: str, *scope: str) -> list[IndexModel]:
    """An index for each order of the whole site, or of one community."""
    return [
        *(_of_live(f"{name}_{order}", *scope, order, "_id") for order in ("hot", "active", "created_at", "score")),
        _of_live(f"{name}_controversy", *scope, "controversy", "_id", controversy={"$gt": 0}),
        # "Top of" a time: the best of each UTC day, merged. With the time the exact start is found in the index itself.
        _of_live(f"{name}_day_score", *scope, "day", "score", "_id", "created_at"),
    ]


# These have no index but the one that every collection has, and are made all the same: a transaction that spans shards
# can't make a collection.
BY_ID = (IndexModel("_id", name="_id_"),)

INDEXES = {
    **dict.fromkeys((VOTE, AUTHOR_KARMA, IMPORTED_POST), BY_ID),
    COMMUNITY: (
        IndexModel("name_folded", name="name", unique=True),
        IndexModel(_descending("subscribers", "_id"), name="by_subscribers"),
        IndexModel(_descending("activity", "_id"), name="by_activity"),
        IndexModel("moderators.id", name="moderator"),
    ),
    COMMUNITY_TEXT: (IndexModel("words", name="words"),),
    POST: (
        *_orders("by"),
        *_orders("by_community", "community_id"),
        _of_live("by_author_created_at", "author_id", "created_at", "_id"),
        _of_live("by_domain_created_at", "domain", "created_at", "_id", domain={"$gt": ""}),
        _of_live("by_link", "community_id", "link_key", "created_at", link_key={"$exists": True}),
    ),
    POST_TEXT: (IndexModel([("words", ASCENDING), *_descending("created_at", "_id")], name="words"),),
    POST_REVISION: (IndexModel(_descending("post_id", "number"), name="by_post"),),
    MARK: (
        IndexModel([("person_id", ASCENDING), ("mark", ASCENDING), ("post_id", ASCENDING)], name="thing", unique=True),
        IndexModel(
            [("person_id", ASCENDING), ("mark", ASCENDING), *_descending("marked_at", "post_id")], name="by_time"
        ),
    ),
    SUBSCRIPTION: (IndexModel([("person_id", ASCENDING), ("community_id", ASCENDING)], name="community", unique=True),),
    mongo_outbox.COLLECTION: mongo_outbox.INDEXES,
}


async def _make_indexes(database: MongoDatabase) -> None:
    for collection, indexes in INDEXES.items():
        await database.ensure_indexes(collection, indexes)


LAYOUT = MongoLayout(name="post", migrations=(_make_indexes,))
