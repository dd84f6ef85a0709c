"""MongoDB as a service's own database: one client a process, majority writes, transactions, numbered migrations.

It runs on a replica set (of one node or several) or a sharded cluster. A standalone server has no transactions, and a
vote that counts in one place but not in another is what this site must never have, so that is refused at start.

Losing the connection, a failover, "not primary": within the deadline the driver repeats reads and single writes, which
a server does once however often it is asked, and runs a transaction again until it is known to be committed. What a
store runs by :meth:`MongoDatabase.transact` and :meth:`MongoDatabase.repeat` may therefore run more than once.

An operation that has begun is finished even if who asked for it is cancelled: a write then is done or not, but no
transaction stays open, and the driver (4.20) leaks a socket if it is cancelled while it connects.

What a server promises by itself is not asked of the address: ``w=1`` or ``readPreference=secondary`` in it would lose
acknowledged votes or show people pages without what they have just written, so both are overruled.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import pymongo
import structlog
from bson import MinKey
from dns.exception import DNSException
from prometheus_client import Counter
from pymongo import AsyncMongoClient, IndexModel, ReturnDocument
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import (
    BulkWriteError,
    ConfigurationError,
    ConnectionFailure,
    DuplicateKeyError,
    OperationFailure,
    PyMongoError,
)
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from upthread.errors import StartError, Unavailable
from upthread.runtime.calls.deadline import latest
from upthread.storage.mongo_client import connect, own_database

T = TypeVar("T")
Document = dict[str, Any]
Session = AsyncClientSession
Migration = Callable[["MongoDatabase"], Awaitable[None]]

READ_DEADLINE = 5.0
"""Seconds for one read with its repetitions, unless whoever waits has less time, as pages have."""
WRITE_DEADLINE = 8.0
"""Seconds for one write or transaction with its repetitions, so that one waits for a new primary and is not refused."""
AWAY_DEADLINE = 0.75
"""Seconds for a read while no server is known to be there: enough to see whether it is back, as the driver looks for it
every half second while somebody waits."""
TO_ABORT = 1.0
"""Seconds for telling the server to forget a transaction that is out of time, so that its locks stop nobody."""
NEXT_TO_NOTHING = 0.001
"""Seconds for what is out of time; to the driver, 0 would mean as long as it likes."""
PAUSE = 0.05
"""Seconds between repetitions that the driver leaves to us."""
PATIENCE = 2.0
"""Seconds that a process which starts waits for the server before it goes on without it."""
NEXT_LOOK = 1.0
"""Seconds until it is tried again to bring a database to its layout. The driver waits for a server itself."""

OLDEST_WIRE_VERSION = 17
"""MongoDB 6.0: older ones can't look up documents of a sharded collection within a query, and nobody mends them."""
REFUSED_LOG_IN = (13, 18)
"""MongoDB's codes for "not allowed" and "wrong name or password"."""
DUPLICATE_KEY = 11000
"""MongoDB's code for "a unique index has this already"."""

ID_BLOCK = 64
"""Ids that a process takes from a sequence at once. Those it has not used when it ends are never used."""
MIGRATIONS = "migrations"
SEQUENCES = "sequences"

log = structlog.get_logger(__name__)
failures = Counter(
    "mongo_failures", "Operations that MongoDB did not take, by the kind of error.", ["database", "kind"]
)


@dataclass(frozen=True, slots=True)
class MongoLayout:
    """What a service keeps in its database, as numbered migrations; a released one is never changed.

    A migration may run twice, and in two processes at once: it makes what is not there and changes what is still old.
    """

    name: str
    migrations: tuple[Migration, ...]


class MongoDatabase:
    """One service's database. Make it with :meth:`open`, inside a running event loop; close it when done."""

    def __init__(self, client: AsyncMongoClient[Document], database: str, name: str) -> None:
        self.name = name
        self._client = client
        self._database = own_database(client, database)
        self._blocks: dict[str, range] = {}
        self._taking = asyncio.Lock()
        self._listeners: list[asyncio.Event] = []
        self._under_way: set[asyncio.Future[Any]] = set()
        self._opening: asyncio.Task[None] | None = None
        self._answers = False

    @classmethod
    async def open(cls, url: str, database: str, layout: MongoLayout) -> "MongoDatabase":
        """Connect, and bring the database to this version's layout.

        Raises:
            StartError: the address is not right or its password is refused, the server is too old or has no
                transactions, or the database is a newer version's.
            Unavailable: the server does not answer (yet).
        """
        opened = cls(connect(url, database, layout.name), database, layout.name)
        try:
            await opened._check_server()
            await opened._migrate(layout)
        except BaseException:
            await opened.close()
            raise
        return opened

    @classmethod
    async def open_soon(cls, url: str, database: str, layout: MongoLayout) -> "MongoDatabase":
        """Like :meth:`open`, but go on without a server that does not answer (yet). One that does is waited for.

        Until it has come and the database is of this version's layout, every operation is Unavailable.

        Raises:
            StartError: as :meth:`open`, if that is found out soon; later on it is logged.
        """
        opened = cls(connect(url, database, layout.name), database, layout.name)
        patience_has_ended = asyncio.Event()
        opening = opened._opening = asyncio.create_task(opened._prepare_at_last(layout, patience_has_ended))
        while not (await asyncio.wait([opening], timeout=PATIENCE))[0] and opened._answers:
            pass  # making indexes takes what it takes
        if not opening.done():
            patience_has_ended.set()
            log.warning("MongoDB is waited for", service=layout.name, database=database)
        elif error := opening.exception():
            await opened.close()
            raise error
        return opened

    async def close(self) -> None:
        """Finish what has begun, and close every connection."""
        if self._opening:
            self._opening.cancel()
            await asyncio.wait([self._opening])
        await asyncio.gather(*self._under_way, return_exceptions=True)
        with pymongo.timeout(TO_ABORT):  # saying goodbye to a server that is away would wait for it
            await self._client.close()

    def collection(self, name: str) -> AsyncCollection[Document]:
        """A collection of this database."""
        return self._database[name]

    # reading and writing

    async def read(self, operation: Coroutine[Any, Any, T]) -> T:
        """Wait for a read.

        Raises:
            Unavailable: MongoDB did not answer in time.
        """
        servers = self._client.topology_description
        away = not servers.known_servers or not servers.has_readable_server()
        with pymongo.timeout(_time_left(AWAY_DEADLINE if away else READ_DEADLINE)):
            return await self._finish(operation)

    async def write(self, operation: Coroutine[Any, Any, T]) -> T:
        """Wait for one write to one document.

        Raises:
            DuplicateKeyError: a unique index is against it.
            Unavailable: MongoDB did not answer in time; the write may have been done all the same.
        """
        with pymongo.timeout(_time_left(WRITE_DEADLINE)):
            return await self._finish(operation)

    async def repeat(self, work: Callable[[], Awaitable[T]]) -> T:
        """Run writes that do no harm twice, again if the connection was lost or somebody else inserted the same first.

        For writes to many documents, which the driver does not repeat, and for those that insert what they don't find:
        of two that do so at once, one is refused, and finds it the second time.

        Raises:
            Unavailable: MongoDB did not answer in time; some of it may have been done.
        """
        time_left = _time_left(WRITE_DEADLINE)
        end = time.monotonic() + time_left

        async def repeat() -> T:
            while True:
                try:
                    return await work()
                except PyMongoError as error:
                    again = isinstance(error, ConnectionFailure) or _is_duplicate(error)
                    if not again or time.monotonic() + PAUSE > end:
                        raise self._unavailable(error) from error
                await asyncio.sleep(PAUSE)

        with pymongo.timeout(time_left):
            return await self._finish(repeat())

    async def transact(self, work: Callable[[Session], Awaitable[T]]) -> T:
        """Run ``work`` in a transaction and return its result once a majority has it on disk.

        ``work`` may run more than once and passes the session to each operation. If it raises, nothing of it is kept.

        Raises:
            DuplicateKeyError: a unique index is against it.
            Unavailable: it could not be committed in time, or not be known to be committed.
        """
        time_left = _time_left(WRITE_DEADLINE)
        end = time.monotonic() + time_left

        async def in_time(session: Session) -> T:
            with pymongo.timeout(max(end - time.monotonic(), NEXT_TO_NOTHING)):
                return await work(session)

        async def transact() -> T:
            try:
                async with self._client.start_session() as session:
                    return await session.with_transaction(
                        in_time, read_concern=ReadConcern("snapshot"), write_concern=WriteConcern("majority", j=True)
                    )
            finally:  # even if it failed: what is not known to be committed may be
                for event in self._listeners:
                    event.set()

        with pymongo.timeout(time_left + TO_ABORT):
            return await self._finish(transact())

    def on_commit(self) -> asyncio.Event:
        """An event that is set after each transaction of this process; whoever waits for it clears it."""
        event = asyncio.Event()
        self._listeners.append(event)
        return event

    async def aggregate(self, collection: str, pipeline: Sequence[Mapping[str, Any]]) -> list[Document]:
        """Read what a pipeline gives, all of it.

        Raises:
            Unavailable: MongoDB did not answer in time.
        """

        async def aggregate() -> list[Document]:
            cursor = await self.collection(collection).aggregate(pipeline)
            return await cursor.to_list()

        return await self.read(aggregate())

    async def empty(self) -> None:
        """Delete every document but those that tell the layout.

        Raises:
            Unavailable: MongoDB did not answer in time; some of it may be gone.
        """
        for name in await self.read(self._database.list_collection_names()):
            if name != MIGRATIONS:
                await self._database[name].delete_many({"_id": {"$gt": MinKey()}})

    async def next_ids(self, sequence: str, count: int = 1) -> list[int]:
        """Numbers never handed out before, growing within one process.

        Taken outside of any transaction: a counter inside one would make all of them wait for each other.

        Raises:
            Unavailable: MongoDB did not answer in time.
        """
        try:
            async with asyncio.timeout(_time_left(WRITE_DEADLINE)), self._taking:
                block = self._blocks.get(sequence, range(0))
                taken = list(block[:count])
                block = block[count:]
                missing = count - len(taken)
                if missing:
                    block = await self._take_block(sequence, max(missing, ID_BLOCK))
                    taken += block[:missing]
                    block = block[missing:]
                self._blocks[sequence] = block
                return taken
        except TimeoutError as error:  # others are before us, and MongoDB does not answer them either
            raise Unavailable(service=self.name) from error

    async def _take_block(self, sequence: str, size: int) -> range:
        counters = self.collection(SEQUENCES)
        grow = {"$inc": {"last": size}}
        while True:
            counter = await self.repeat(
                lambda: counters.find_one_and_update({"_id": sequence}, grow, return_document=ReturnDocument.AFTER)
            )
            if counter is not None:
                return range(counter["last"] - size + 1, counter["last"] + 1)
            with suppress(DuplicateKeyError):  # somebody else begins it in this very moment
                await self.write(counters.insert_one({"_id": sequence, "last": 0}))

    async def ping(self) -> None:
        """Answer if the server does.

        Raises:
            Unavailable: it does not.
        """
        await self.read(self._database.command("ping"))

    # at start

    async def ensure_indexes(self, collection: str, indexes: Sequence[IndexModel]) -> None:
        """Make the indexes that are not there yet; the server builds them without stopping anyone."""
        await self.collection(collection).create_indexes(list(indexes))

    async def _prepare_at_last(self, layout: MongoLayout, patience_has_ended: asyncio.Event) -> None:
        preparing = MongoDatabase(self._client, self._database.name, self.name)  # which may operate already
        while True:
            try:
                await preparing._check_server()
                self._answers = True
                await preparing._migrate(layout)
            except Unavailable:
                self._answers = False
            except StartError as error:
                if not patience_has_ended.is_set():
                    raise
                log.warning("MongoDB can't be used", service=self.name, reason=str(error))
            else:
                break
            await asyncio.sleep(NEXT_LOOK)
        if patience_has_ended.is_set():
            log.info("MongoDB has come", service=self.name)

    async def _check_server(self) -> None:
        try:
            with pymongo.timeout(_time_left(WRITE_DEADLINE)):
                hello = await self._client.admin.command("hello")
        except ConfigurationError as error:
            if isinstance(error.__cause__, DNSException):
                raise self._unavailable(error) from error
            # The driver does not speak to servers as old as this one.
            raise StartError("MongoDB can't be used: {reason}.", reason=str(error).rstrip(".")) from error
        except OperationFailure as error:
            if error.code in REFUSED_LOG_IN:
                raise StartError(
                    "MongoDB refuses the name or the password in its address for the {service} service.",
                    service=self.name,
                ) from error
            raise self._unavailable(error) from error
        except PyMongoError as error:
            raise self._unavailable(error) from error
        if hello["maxWireVersion"] < OLDEST_WIRE_VERSION:
            raise StartError("This MongoDB server is too old; Upthread needs 6.0 or newer.")
        if hello.get("isreplicaset"):
            raise self._unavailable(PyMongoError("rs.initiate() has not been run yet"))
        if "setName" not in hello and hello.get("msg") != "isdbgrid":
            raise StartError(
                "This MongoDB server is neither a replica set nor a sharded cluster, so it has no transactions. "
                "One node will do: start it with --replSet rs0 and run rs.initiate() once."
            )

    async def _migrate(self, layout: MongoLayout) -> None:
        """Run what is missing, each migration recorded when done. No deadline: making an index takes what it takes."""
        done = await self._version()
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
            except OperationFailure as error:
                raise StartError(
                    "Migration {number} of {name} failed: {reason}.",
                    number=number,
                    name=self._database.name,
                    reason=str(error),
                ) from error
            except PyMongoError as error:
                raise self._unavailable(error) from error
            await self._record(number)

    async def _version(self) -> int:
        last = await self.read(self.collection(MIGRATIONS).find_one(sort=[("_id", -1)]))
        if last and last["service"] != self.name:
            raise StartError(
                "The database {name} is that of the {other} service; each service has its own.",
                name=self._database.name,
                other=last["service"],
            )
        return int(last["_id"]) if last else 0

    async def _record(self, number: int) -> None:
        await self.repeat(
            lambda: self.collection(MIGRATIONS).update_one(
                {"_id": number},
                {"$currentDate": {"done_at": True}, "$setOnInsert": {"service": self.name}},
                upsert=True,
            )
        )

    # finishing and failing

    async def _finish(self, operation: Coroutine[Any, Any, T]) -> T:
        if self._opening and not self._opening.done():
            operation.close()
            raise Unavailable(service=self.name)
        task = asyncio.ensure_future(operation)
        self._under_way.add(task)
        task.add_done_callback(self._done)
        try:
            return await asyncio.shield(task)
        except DuplicateKeyError:
            raise
        except PyMongoError as error:
            raise self._unavailable(error) from error

    def _done(self, task: asyncio.Future[Any]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # looked at, so that nobody is told that it never was when who asked for it is gone

    def _unavailable(self, error: PyMongoError) -> Unavailable:
        failures.labels(self.name, type(error).__name__).inc()
        log.error("mongodb failed", database=self.name, kind=type(error).__name__, error=str(error)[:300])
        return Unavailable(service=self.name)


def _time_left(seconds: float) -> float:
    """So many seconds, or fewer where nobody will wait for it that long."""
    return max(min(seconds, latest() - asyncio.get_running_loop().time()), NEXT_TO_NOTHING)


def _is_duplicate(error: PyMongoError) -> bool:
    """Whether unique indexes, and nothing else, are against what was written."""
    if isinstance(error, BulkWriteError):
        details = error.details
        codes = {failed["code"] for failed in details["writeErrors"]}
        return codes == {DUPLICATE_KEY} and not details["writeConcernErrors"]
    return isinstance(error, DuplicateKeyError)
