"""The outbox (see :mod:`upthread.storage.outbox`) on MongoDB: one document for each receiver, kind and key.

Each time a fact is kept it gets another ``stamp``, an ObjectId. Stamps grow within one process and nearly so among
several, which is order enough: facts that are states carry a revision, and facts that are events stand for themselves.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec
from bson import ObjectId
from pymongo import IndexModel, ReplaceOne

from upthread.storage.mongo import MongoDatabase, Session
from upthread.storage.outbox import COUNTED, Backlog, Envelope

COLLECTION = "outbox"
INDEXES = (IndexModel([("_id.receiver", 1), ("stamp", 1)], name="in_order"),)
"""Part of the first migration of every service that sends."""


async def put(database: MongoDatabase, session: Session, facts: Iterable[tuple[str, str, msgspec.Struct]]) -> None:
    """Keep facts, each with its receiver and key, within the running transaction."""
    writes = [
        ReplaceOne(
            {"_id": {"receiver": receiver, "kind": type(fact).__name__, "key": key}},
            {"stamp": ObjectId(), "payload": msgspec.msgpack.encode(fact)},
            upsert=True,
        )
        for receiver, key, fact in facts
    ]
    if writes:
        await database.collection(COLLECTION).bulk_write(writes, session=session)


class MongoOutbox:
    """The facts for one receiver in the outbox of a MongoDB database."""

    def __init__(self, database: MongoDatabase, receiver: str) -> None:
        self._database = database
        self._facts = database.collection(COLLECTION)
        self._receiver = receiver
        self._committed = database.on_commit()

    async def pending(self, limit: int) -> list[Envelope]:
        """The oldest facts not yet delivered."""
        found = await self._database.read(
            self._facts.find({"_id.receiver": self._receiver}).sort("stamp").limit(limit).to_list()
        )
        return [Envelope(fact["stamp"], fact["_id"]["kind"], fact["payload"]) for fact in found]

    async def settle(self, delivered: list[Envelope]) -> None:
        """Forget what was delivered; a fact replaced since then has another ``stamp`` and stays."""
        settled = {"_id.receiver": self._receiver, "stamp": {"$in": [envelope.stamp for envelope in delivered]}}

        async def forget(session: Session) -> None:
            # A transaction gives way to the one that just replaces such a fact, instead of standing in its way.
            await self._facts.delete_many(settled, session=session)

        await self._database.transact(forget)

    async def backlog(self) -> Backlog:
        """How much is pending, and for how long."""
        mine = {"_id.receiver": self._receiver}
        facts = await self._database.read(self._facts.count_documents(mine, limit=COUNTED))
        oldest = await self._database.read(self._facts.find_one(mine, {"stamp": True}, sort=[("stamp", 1)]))
        if oldest is None:
            return Backlog(facts, 0.0)
        return Backlog(facts, max(0.0, (datetime.now(UTC) - oldest["stamp"].generation_time).total_seconds()))

    async def wait(self) -> None:
        """Return after the next transaction of this process, or at once if there was one since the last call."""
        await self._committed.wait()
        self._committed.clear()
