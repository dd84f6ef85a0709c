"""What the account service keeps in MongoDB. docs/mongodb.md says why it is cut like this, and how it is sharded.

`person` holds everything that changes together with a person, their sessions included, so that a changed password and
the end of all sessions are one write to one document. What a field does not hold is not there::

    _id             the person's id
    name            as typed; not there any more if the account was deleted
    name_folded     the form in which names are compared
    password_hash
    created_at      Unix seconds, as all times
    deleted_at
    is_admin
    settings        as in account.model.Settings
    bio, bio_html
    words           of the bio
    karma           for each source: {earned, revision}
    sessions        at most SESSIONS_AT_MOST of {id, token_hash, created_at, last_seen_at, expires_at, ip, user_agent}

`notice` is an inbox entry with the fields of account.model.Notice, `attempt` the times of the latest tries for one key,
newest first.
"""

from pymongo import ASCENDING, IndexModel

from upthread.storage import mongo_outbox
from upthread.storage.mongo import MongoDatabase, MongoLayout

PERSON, NOTICE, ATTEMPT = "person", "notice", "attempt"

INDEXES = {
    PERSON: (
        IndexModel("name_folded", name="name", unique=True),
        IndexModel(
            [("words", ASCENDING), ("name_folded", ASCENDING)],
            name="words",
            partialFilterExpression={"words": {"$exists": True}},
        ),
        # Not unique: a token is 256 random bits, and people without a session would all have the same none.
        IndexModel("sessions.token_hash", name="session_token"),
        IndexModel("sessions.id", name="session"),
        IndexModel("sessions.expires_at", name="session_expiry"),
    ),
    NOTICE: (
        IndexModel(
            [("person_id", ASCENDING), ("post_id", ASCENDING), ("comment_id", ASCENDING)], name="thing", unique=True
        ),
        IndexModel([("person_id", ASCENDING), ("created_at", ASCENDING), ("_id", ASCENDING)], name="inbox"),
        IndexModel(
            [("person_id", ASCENDING), ("is_read", ASCENDING), ("created_at", ASCENDING), ("_id", ASCENDING)],
            name="unread",
        ),
        IndexModel("author_id", name="author"),
    ),
    ATTEMPT: (IndexModel("expires_at", name="expiry"),),
    mongo_outbox.COLLECTION: mongo_outbox.INDEXES,
}


async def _make_indexes(database: MongoDatabase) -> None:
    for collection, indexes in INDEXES.items():
        await database.ensure_indexes(collection, indexes)


LAYOUT = MongoLayout(name="account", migrations=(_make_indexes,))
