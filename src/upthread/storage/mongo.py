"""MongoDB as a service's own database: one client a process, majority writes, transactions, numbered migrations.

It runs on a replica set (of one node or several) or a sharded cluster. A standalone server has no transactions, and a
vote that counts in one place but not in another is what this site must never have, so that is refused at start.

Losing the connection, a failover, "not primary": the driver retries reads and single writes once by itself, and
:meth:`MongoDatabase.transact` runs a transaction again, as the driver's documentation asks, until it is known to be
committed or the deadline is over. Work that may run twice reads before it writes and decides by what it finds.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import pymongo
import structlog
from bson.codec_options import CodecOptions
from prometheus_client import Counter
from pymongo import AsyncMongoClient, IndexModel, ReturnDocument
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import ConfigurationError, InvalidURI, OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from upthread.errors import StartError, Unavailable

T = TypeVar("T")
Document = dict[str, Any]

DEADLINE = 8.0
"""Seconds for one read or one transaction with all its repetitions, a failover of a few seconds included."""
ID_BLOCK = 64
"""Ids that a process takes from a sequence at once. Those it has not used when it ends are never used."""
MIGRATIONS = "migrations"
SEQUENCES = "sequences"

log = structlog.get_logger(__name__)
failures = Counter(
    "mongo_failures", "Operations that MongoDB did not take, by the kind of error.", ["database", "kind"]
)

Session = AsyncClientSession
Migration = Callable[["MongoDatabase"], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class MongoLayout:
    """What a service keeps in its database, as numbered migrations; a released one is never changed."""

    name: str
    migrations: tuple[Migration, ...]


class MongoDatabase:
    """One service's database. Make it with :meth:`open`; close it when done."""

    def __init__(self, client: AsyncMongoClient[Document], database: str, name: str) -> None:
        self.name = name
        self._client = client
        self._database: AsyncDatabase[Document] = client.get_database(
            database,
            codec_options=CodecOptions(tz_aware=True, tzinfo=UTC),
            write_concern=WriteConcern("majority", j=True),
            read_concern=ReadConcern("majority"),
        )
        self._blocks: dict[str, tuple[int, int]] = {}
        self._taking = asyncio.Lock()
        self._listeners: list[asyncio.Event] = []

    @classmethod
    async def open(cls, url: str, database: str, layout: MongoLayout) -> "MongoDatabase":
        """Connect, and bring the database to this version's layout.

        Raises:
            StartError: the URL is no MongoDB URL, the server has no transactions, or the database is a newer version's.
            Unavailable: the server does not answer (yet).
        """
        try:
            client: AsyncMongoClient[Document] = AsyncMongoClient(
                url, appname=f"upthread-{layout.name}", serverSelectionTimeoutMS=2000, connectTimeoutMS=2000
            )
        except (InvalidURI, ConfigurationError, ValueError) as error:
            raise StartError("The address of MongoDB is not right: {reason}.", reason=str(error)) from None
        opened = cls(client, database, layout.name)
        try:
            await opened._check_server()
            await opened._migrate(layout)
        except BaseException:
            await opened.close()
            raise
        return opened

    async def close(self) -> None:
        """Close every connection."""
        await self._client.close()

    def collection(self, name: str) -> AsyncCollection[Document]:
        """A collection of this database."""
        return self._database[name]

    async def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """Run reads, or one write that is atomic by itself, within the deadline.

        Raises:
            Unavailable: MongoDB did not answer in time.
        """
        try:
            with pymongo.timeout(DEADLINE):
                return await work()
        except PyMongoError as error:
            raise self._unavailable(error) from error

    async def transact(self, work: Callable[[Session], Awaitable[T]]) -> T:
        """Run ``work`` in a transaction and return its result once a majority has it on disk.

        ``work`` may run more than once and passes the session to each operation. If it raises, nothing of it is kept.

        Raises:
            Unavailable: it could not be committed in time.
        """
        try:
            with pymongo.timeout(DEADLINE):
                async with self._client.start_session() as session:
                    result = await session.with_transaction(
                        work, read_concern=ReadConcern("snapshot"), write_concern=WriteConcern("majority", j=True)
                    )
        except PyMongoError as error:
            raise self._unavailable(error) from error
        for event in self._listeners:
            event.set()
        return result

    def on_commit(self) -> asyncio.Event:
        """An event that is set after each transaction of this process; whoever waits for it clears it."""
        event = asyncio.Event()
        self._listeners.append(event)
        return event

    async def next_ids(self, sequence: str, count: int = 1) -> list[int]:
        """Numbers never handed out before, growing within one process.

        Taken outside of any transaction: a counter inside one would make all of them wait for each other.
        """
        async with self._taking:
            first, end = self._blocks.get(sequence, (0, 0))
            taken = list(range(first, min(first + count, end)))
            missing = count - len(taken)
            if missing:
                size = max(missing, ID_BLOCK)
                last = await self._take_block(sequence, size)
                first, end = last - size + 1, last + 1
                taken += range(first, first + missing)
            self._blocks[sequence] = (taken[-1] + 1, end)
            return taken

    async def _take_block(self, sequence: str, size: int) -> int:
        async def take() -> int:
            found = await self.collection(SEQUENCES).find_one_and_update(
                {"_id": sequence}, {"$inc": {"last": size}}, upsert=True, return_document=ReturnDocument.AFTER
            )
            assert found is not None  # noqa: S101 - an upsert always finds; this tells mypy
            return int(found["last"])

        return await self.run(take)

    async def ping(self) -> None:
        """Answer if the server does.

        Raises:
            Unavailable: it does not.
        """

        async def ping() -> None:
            await self._database.command("ping")

        await self.run(ping)

    async def ensure_indexes(self, collection: str, indexes: Sequence[IndexModel]) -> None:
        """Make the indexes that are not there yet; the server builds them without stopping anyone."""
        await self.collection(collection).create_indexes(list(indexes))

    async def _check_server(self) -> None:
        async def hello() -> Mapping[str, Any]:
            return await self._client.admin.command("hello")

        answer = await self.run(hello)
        if "setName" not in answer and answer.get("msg") != "isdbgrid":
            raise StartError(
                "This MongoDB server is neither a replica set nor a sharded cluster, so it has no transactions. "
                "One node will do: start it with --replSet rs0 and run rs.initiate() once."
            )

    async def _migrate(self, layout: MongoLayout) -> None:
        """Run what is missing, each migration recorded when done.

        Migrations are repeatable: if two processes start at once, both may run one, and neither harms the other.
        """

        async def version() -> int:
            last = await self.collection(MIGRATIONS).find_one(sort=[("_id", -1)])
            return int(last["_id"]) if last else 0

        done = await self.run(version)
        if done > len(layout.migrations):
            raise StartError(
                "The database {name} was written by a newer Upthread (layout {found}, this one knows {known}). "
                "Update Upthread.",
                name=self._database.name,
                found=done,
                known=len(layout.migrations),
            )
        for number, migration in enumerate(layout.migrations[done:], start=done + 1):
            try:
                await migration(self)
                await self.collection(MIGRATIONS).update_one(
                    {"_id": number}, {"$set": {"done_at": datetime.now(UTC)}}, upsert=True
                )
            except OperationFailure as error:
                raise StartError(
                    "Migration {number} of {name} failed: {reason}.",
                    number=number,
                    name=self._database.name,
                    reason=str(error),
                ) from error
            except PyMongoError as error:
                raise self._unavailable(error) from error

    def _unavailable(self, error: PyMongoError) -> Unavailable:
        failures.labels(self.name, type(error).__name__).inc()
        log.error("mongodb failed", database=self.name, kind=type(error).__name__, error=str(error)[:300])
        return Unavailable(service=self.name)
