"""What the comment service keeps in MongoDB. docs/mongodb.md says why it is cut like this, and how it is sharded.

`thread` is what is kept of a post from its first comment on::

    _id             the post's id
    author_id, title, community, post_revision
    comments, roots, last_comment_at, revision

`comment` is what threads and lists show and are ordered by, everything that a vote rewrites::

    _id, post_id, parent_id, above, author_id, author_name, author_email, html
    branch          what it hangs on: the id of a comment, or minus that of the post, so that one index finds both
    created_at      Unix seconds, as all times
    sent_created_at only where it came by the original's contract
    edited_at, ups, downs, score, best, controversy, replies, state, revisions

`comment_text` is the source of a live comment, and how it is found::

    _id             the comment's id
    created_at      the comment's, by which matches are ordered
    text            Markdown as it was typed
    words

`comment_revision` is {comment_id, number, text, created_at}, of the versions before the newest. `vote` is {_id: the
comment's id, a colon, the voter's, vote}, `saved` {person_id, comment_id, saved_at}, `author_karma` {_id: the author's
id, karma, revision}, `imported_comment` {_id: the key, comment_id, post_id}.
"""

from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel

from upthread.storage import mongo_outbox
from upthread.storage.mongo import MongoDatabase, MongoLayout

THREAD, COMMENT, COMMENT_TEXT, COMMENT_REVISION = "thread", "comment", "comment_text", "comment_revision"
VOTE, SAVED, AUTHOR_KARMA, IMPORTED_COMMENT = "vote", "saved", "author_karma", "imported_comment"


def _index(name: str, *fields: str, **limits: Any) -> IndexModel:
    only = {"partialFilterExpression": limits} if limits else {}
    return IndexModel([(field, DESCENDING) for field in fields], name=name, **only)


# These have no index but the one that every collection has, and are made all the same: a transaction that spans shards
# can't make a collection.
BY_ID = (IndexModel("_id", name="_id_"),)

INDEXES = {
    **dict.fromkeys((THREAD, VOTE, AUTHOR_KARMA, IMPORTED_COMMENT), BY_ID),
    COMMENT: (
        # The replies of a comment in each order. Deleted ones are among them: they keep their place.
        *(
            _index(f"replies_by_{order}", "branch", order, "_id")
            for order in ("best", "score", "created_at", "controversy")
        ),
        # Flat lists: the newest of the site, of a post, of a person. Of guests and of nobody there is no list.
        _index("by_created_at", "created_at", "_id", state="live"),
        _index("by_post_created_at", "post_id", "created_at", "_id", state="live"),
        _index("by_author_created_at", "author_id", "created_at", "_id", author_id={"$gt": 0}),
    ),
    COMMENT_TEXT: (IndexModel([("words", ASCENDING), ("created_at", DESCENDING), ("_id", DESCENDING)], name="words"),),
    COMMENT_REVISION: (_index("by_comment", "comment_id", "number"),),
    SAVED: (
        IndexModel([("person_id", ASCENDING), ("comment_id", ASCENDING)], name="comment", unique=True),
        _index("by_time", "person_id", "saved_at", "comment_id"),
    ),
    mongo_outbox.COLLECTION: mongo_outbox.INDEXES,
}


async def _make_indexes(database: MongoDatabase) -> None:
    for collection, indexes in INDEXES.items():
        await database.ensure_indexes(collection, indexes)


LAYOUT = MongoLayout(name="comment", migrations=(_make_indexes,))
