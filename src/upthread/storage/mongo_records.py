"""Records of a backup from and to a MongoDB database: what every room does alike."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
from bson import ObjectId
from pymongo import ReplaceOne
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError

from upthread.storage import mongo_outbox
from upthread.storage.mongo import DUPLICATE_KEY, SEQUENCES, Document, MongoDatabase, Session
from upthread.storage.records import Counter, WaitingFact

BATCH = 500
"""Documents read together with what belongs to them."""


class Snapshot:
    """A database as of the moment at which the session read for the first time."""

    def __init__(self, database: AsyncDatabase[Document], session: Session) -> None:
        self._database = database
        self._session = session

    async def find(self, collection: str, *order: str, wanted: Document | None = None) -> AsyncIterator[Document]:
        """Documents in the order of these fields, which has to be that of an index."""
        cursor = self._database[collection].find(wanted or {}, session=self._session)
        async for document in cursor.sort([(field, 1) for field in order]):
            yield document

    async def batches(self, collection: str) -> AsyncIterator[list[Document]]:
        """All documents by id, some hundred at a time."""
        batch: list[Document] = []
        async for document in self.find(collection, "_id"):
            batch.append(document)
            if len(batch) == BATCH:
                yield batch
                batch = []
        if batch:
            yield batch

    async def by_id(self, collection: str, ids: list[int]) -> dict[int, Document]:
        """Those of these documents that there are."""
        return {found["_id"]: found async for found in self.find(collection, "_id", wanted={"_id": {"$in": ids}})}


async def read_facts(snapshot: Snapshot) -> AsyncIterator[WaitingFact]:
    """What is in the outbox, oldest first for each receiver."""
    async for fact in snapshot.find(mongo_outbox.COLLECTION, "_id.receiver", "stamp"):
        yield WaitingFact(fact["_id"]["receiver"], fact["_id"]["kind"], fact["_id"]["key"], fact["payload"])


async def read_counters(snapshot: Snapshot) -> AsyncIterator[Counter]:
    """The last ids that were handed out to processes, used or not."""
    async for sequence in snapshot.find(SEQUENCES, "_id"):
        yield Counter(sequence["_id"], sequence["last"])


async def add(database: MongoDatabase, collection: str, documents: Sequence[Document]) -> None:
    """Insert documents into a collection that had none of them. May be run again if the connection is lost.

    Raises:
        Unavailable: MongoDB did not take them in time.
    """
    if not documents:
        return
    for document in documents:
        document.setdefault("_id", ObjectId())

    async def insert() -> None:
        try:
            await database.collection(collection).insert_many(documents, ordered=False)
        except BulkWriteError as error:
            # Those are there from the attempt before, whose answer was lost.
            if {failed["code"] for failed in error.details["writeErrors"]} != {DUPLICATE_KEY}:
                raise

    await database.repeat(insert)


async def add_facts(database: MongoDatabase, facts: Sequence[WaitingFact]) -> None:
    """Put facts into the outbox; one takes the place of another with the same key."""
    writes = [
        ReplaceOne(
            {"_id": {"receiver": fact.receiver, "kind": fact.kind, "key": fact.key}},
            {"stamp": ObjectId(), "payload": fact.payload},
            upsert=True,
        )
        for fact in facts
    ]
    if writes:
        await database.repeat(lambda: database.collection(mongo_outbox.COLLECTION).bulk_write(writes))


async def set_counters(database: MongoDatabase, counters: Sequence[Counter]) -> None:
    """Hand out higher ids from now on."""
    await add(database, SEQUENCES, [{"_id": counter.name, "last": counter.last} for counter in counters])


def plain(record: msgspec.Struct, *without: str) -> dict[str, Any]:
    """A record's fields in types that MongoDB keeps, but for some."""
    fields = msgspec.to_builtins(record, builtin_types=(bytes,))
    return {name: value for name, value in fields.items() if name not in {"type", *without}}
