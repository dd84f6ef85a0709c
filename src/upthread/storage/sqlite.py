"""SQLite as a service's own database: one file, one writer that commits in groups, indexed reads on the event loop.

All writes of a process go through one thread. It takes whatever has queued up, runs it inside one transaction, commits
once with ``synchronous=FULL``, and only then answers. Many small durable writes so share the price of one fsync. If a
piece of work fails, the group is rolled back and run again with a savepoint for each piece, so that a failing one takes
nothing with it. In each group they would cost the writer a fifteenth of its CPU, as SQLite copies pages for them.

Reads that an index bounds run on the event loop itself, because handing them to a thread costs as much as they do;
what may take longer (full-text search, exports) goes to a thread with a connection of its own.

SQLite is the one that apsw brings, never Python's or the system's: the same, recent version everywhere (before 3.51.3
two processes that write to one file could lose what was committed, in rare moments), and rows in half the time. Nothing
in this process may open these files by another copy of SQLite: when that closes them, the locks of this one are gone.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import apsw
import structlog
from prometheus_client import Counter, Gauge, Histogram

from upthread.errors import StartError, Unavailable

T = TypeVar("T")
Parameters = Sequence[Any] | dict[str, Any]
Row = tuple[Any, ...]
"""The columns of a row, in the order in which they were asked for."""

GROUP_LIMIT = 500
"""At most this many pieces of work share a commit, so that the first of them does not wait for ever."""
BUSY_TIMEOUT = 10_000
"""Milliseconds to wait for another process's commit on the same file (``serve --workers``) before giving up."""
WRITER_CACHE = 32_000
"""KiB of pages that a writer keeps at most: enough for the inner pages of all indexes of ten million posts, through
which every vote goes. Half of that did not hold them, and votes read half as much again from the disk."""
READER_CACHE = 16_000
"""KiB of pages that the connection of the event loop keeps."""
SLOW_CACHE = 4_000
"""KiB of pages that each connection for slow reads keeps: there are two, and they look all over the file."""
CHECKPOINT = 10_000
"""Pages after which a commit moves the log's pages into the file: 40 MB, read again after a crash in a fraction of a
second. SQLite's own 1,000 are full after two groups of votes all over a large table, which then pay for a further fsync
and for pages that the next votes change again. Moving them keeps writers waiting for 0.2 s, on a disk that others use
too; with 1,000 pages it was 0.1 s, ten times as often. Reads go on meanwhile."""
LOG_SIZE = 64_000_000
"""Bytes to which the log is cut back when it has grown longer because somebody read an old state for long; above what
it takes otherwise, as writing over what is there is cheaper than growing a file."""

log = structlog.get_logger(__name__)

write_queue = Gauge(
    "sqlite_write_queue",
    "Pieces of work that wait for the writer, or for its commit.",
    ["database"],
    multiprocess_mode="livesum",
)
write_group = Histogram(
    "sqlite_write_group",
    "Pieces of work that shared a commit.",
    ["database"],
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500),
)
failed_commits = Counter("sqlite_failed_commits", "Groups that could not be committed.", ["database"])


@dataclass(frozen=True, slots=True)
class Layout:
    """What a service keeps in its file: a mark that tells the file is this room's, and its numbered migrations.

    ``migrations[0]`` makes the first version. A released migration is never changed, only followed by another.
    """

    name: str
    application_id: int
    migrations: tuple[str, ...]


@dataclass(slots=True)
class _Job(Generic[T]):
    work: Callable[[apsw.Connection], T]
    answer: asyncio.Future[T]


Outcome = tuple[_Job[Any], Any, BaseException | None]


class Database:
    """One service's SQLite file. Make it with :meth:`open`, inside a running event loop; close it when done."""

    def __init__(self, path: Path, name: str, loop: asyncio.AbstractEventLoop) -> None:
        self.path = path
        self.name = name
        self.statements = 0
        """Reads run so far for those who ask: tests count how many a page takes."""
        self._loop = loop
        self._reader = connect(path, READER_CACHE, read_only=True)
        self._slow = ThreadPoolExecutor(max_workers=2, thread_name_prefix=f"{name}-read")
        self._slow_connections = threading.local()
        self._opened: list[apsw.Connection] = []
        self._jobs: queue.SimpleQueue[_Job[Any] | None] = queue.SimpleQueue()
        self._closed = False
        self._listeners: list[asyncio.Event] = []
        self._queue_gauge = write_queue.labels(name)
        self._group_histogram = write_group.labels(name)
        self._failures = failed_commits.labels(name)
        self._writer = threading.Thread(target=self._write_in_groups, name=f"{name}-write", daemon=True)
        self._writer.start()

    @classmethod
    def open(cls, path: Path, layout: Layout) -> "Database":
        """Open the file, making or migrating it first where needed.

        Raises:
            StartError: the file is no database, another program's or room's, from a newer version, or not writable.
        """
        prepare(path, layout)
        return cls(path, layout.name, asyncio.get_running_loop())

    async def close(self) -> None:
        """Finish what is queued, commit it, and close every connection."""
        if self._closed:
            return
        self._closed = True
        self._jobs.put(None)
        await self._loop.run_in_executor(None, self._writer.join)
        self._slow.shutdown()
        for connection in (self._reader, *self._opened):
            connection.close()

    # reading

    def rows(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """The rows of a read that an index bounds, run here and now."""
        self.statements += 1
        return self.look(sql, parameters)

    def look(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """Like :meth:`rows`, for reads in the background, which nobody's page causes and no count includes."""
        try:
            return self._reader.execute(sql, parameters).fetchall()
        except apsw.Error as error:
            raise self._unavailable(error) from error

    def row(self, sql: str, parameters: Parameters = ()) -> Row | None:
        """The first row of such a read."""
        found = self.rows(sql, parameters)
        return found[0] if found else None

    async def slow(self, work: Callable[[apsw.Connection], T]) -> T:
        """Run a read that may take a while in a thread, on a connection of its own."""
        self.statements += 1
        try:
            return await self._loop.run_in_executor(self._slow, self._with_slow_connection, work)
        except apsw.Error as error:
            raise self._unavailable(error) from error

    def _with_slow_connection(self, work: Callable[[apsw.Connection], T]) -> T:
        connection: apsw.Connection | None = getattr(self._slow_connections, "connection", None)
        if connection is None:
            connection = self._slow_connections.connection = connect(self.path, SLOW_CACHE, read_only=True)
            self._opened.append(connection)
        return work(connection)

    # writing

    async def write(self, work: Callable[[apsw.Connection], T]) -> T:
        """Run ``work`` in the next group; return its result once that is on disk.

        ``work`` runs in the writer's thread and sees all earlier work. If it raises, nothing of it is kept and
        the error comes out here. It may be run a second time on a connection that has forgotten the first, so it must
        do nothing else than write there.

        Raises:
            Unavailable: the group could not be committed; nothing of it is kept.
        """
        if self._closed:
            raise Unavailable(service=self.name)
        answer: asyncio.Future[T] = self._loop.create_future()
        self._jobs.put(_Job(work, answer))
        self._queue_gauge.inc()
        return await answer

    def on_commit(self) -> asyncio.Event:
        """An event that is set after each commit; whoever waits for it clears it."""
        event = asyncio.Event()
        self._listeners.append(event)
        return event

    def _write_in_groups(self) -> None:
        with closing(connect(self.path)) as connection:
            while True:
                group = list(self._next_group())
                if group:
                    self._run(connection, group)
                if self._closed and self._jobs.empty():
                    connection.execute("PRAGMA optimize")
                    return

    def _next_group(self) -> Iterator[_Job[Any]]:
        job = self._jobs.get()
        for _ in range(GROUP_LIMIT):
            if job is None:
                return
            yield job
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return
        if job is not None:
            yield job

    def _run(self, connection: apsw.Connection, group: list[_Job[Any]]) -> None:
        self._group_histogram.observe(len(group))
        try:
            outcomes = _together(connection, group) or _one_by_one(connection, group)
        except Exception:
            _roll_back(connection)
            self._failures.inc()
            log.exception("commit failed", database=self.name, jobs=len(group))
            outcomes = [(job, None, Unavailable(service=self.name)) for job in group]
        self._loop.call_soon_threadsafe(self._answer, outcomes)

    def _answer(self, outcomes: list[Outcome]) -> None:
        self._queue_gauge.dec(len(outcomes))
        for job, result, error in outcomes:
            if job.answer.done():  # the request was cancelled; its work is committed all the same
                continue
            if error is None:
                job.answer.set_result(result)
            else:
                job.answer.set_exception(error)
        for event in self._listeners:
            event.set()

    def _unavailable(self, error: apsw.Error) -> Unavailable:
        log.error("read failed", database=self.name, error=str(error))
        return Unavailable(service=self.name)


def _together(connection: apsw.Connection, group: list[_Job[Any]]) -> list[Outcome] | None:
    """Run and commit a group in which nothing fails; None, and nothing kept, if something does."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        outcomes: list[Outcome] = [(job, job.work(connection), None) for job in group]
    except Exception:  # noqa: BLE001 - it will come again, and then we see whose it is
        _roll_back(connection)
        return None
    connection.execute("COMMIT")
    return outcomes


def _one_by_one(connection: apsw.Connection, group: list[_Job[Any]]) -> list[Outcome]:
    """Run and commit a group without those pieces of it that fail."""
    outcomes: list[Outcome] = []
    connection.execute("BEGIN IMMEDIATE")
    for job in group:
        connection.execute("SAVEPOINT job")
        try:
            outcomes.append((job, job.work(connection), None))
        except Exception as error:
            # Some failures (disk full, out of memory) end the whole transaction, not just this job's part.
            if not connection.in_transaction:
                raise
            connection.execute("ROLLBACK TO job")
            outcomes.append((job, None, error))
        connection.execute("RELEASE job")
    connection.execute("COMMIT")
    return outcomes


def _roll_back(connection: apsw.Connection) -> None:
    """End the transaction, unless its failure has ended it."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def connect(path: Path, cache: int = WRITER_CACHE, *, read_only: bool = False) -> apsw.Connection:
    """A connection with the pragmas of the house.

    Args:
        path: the file.
        cache: KiB of its pages that are kept.
        read_only: refuse writes even by mistake.
    """
    connection = _plain_connection(path)
    # A statement's plan does not depend on what it is asked with: else SQLite plans anew with each key, for 20 µs.
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA temp_store=MEMORY")
    connection.execute(f"PRAGMA cache_size=-{cache}")
    if read_only:
        connection.execute("PRAGMA query_only=ON")
    else:
        connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT}")
        connection.execute(f"PRAGMA journal_size_limit={LOG_SIZE}")
    return connection


def examine(path: Path, layout: Layout) -> None:
    """See whether the file can be brought to this version's layout, and change nothing. One that is not there can.

    Raises:
        StartError: it can't.
    """
    if path.exists():
        with _refusals(path), closing(_plain_connection(path)) as connection:
            _version(connection, path, layout)


def named(rows: apsw.Cursor) -> Iterator[dict[str, Any]]:
    """The rows of a statement by the names of their columns, for those of which no page has many."""
    for row in rows:
        yield dict(zip((column for column, _ in rows.get_description()), row, strict=True))


def inserted_id(connection: apsw.Connection) -> int:
    """The id of the row that was just inserted.

    RETURNING would tell it as well, but inside a savepoint SQLite then copies each index page it is about to change,
    which makes an insert into a table with many indexes five times as slow.
    """
    return connection.last_insert_rowid()


def prepare(path: Path, layout: Layout) -> None:
    """Bring the file to this version's layout, in one transaction; several processes may do so at once.

    Raises:
        StartError: it can't be done; the file is as it was.
    """
    examine(path, layout)
    with _refusals(path), closing(_plain_connection(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        if _version(connection, path, layout) < len(layout.migrations):
            _migrate(connection, path, layout)


def _plain_connection(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path))
    connection.set_busy_timeout(BUSY_TIMEOUT)
    return connection


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    try:
        yield
    except (apsw.NotADBError, apsw.CorruptError) as error:
        raise StartError("{path} is not a database, or it is damaged.", path=str(path)) from error
    except apsw.Error as error:
        raise StartError("{path} can't be opened: {reason}.", path=str(path), reason=str(error)) from error


def _version(connection: apsw.Connection, path: Path, layout: Layout) -> int:
    mark: int = connection.execute("PRAGMA application_id").get
    version: int = connection.execute("PRAGMA user_version").get
    tables: int = connection.execute("SELECT count(*) FROM sqlite_schema").get
    if mark != layout.application_id and (mark or version or tables):
        raise StartError(
            "{path} is a database, but not one of Upthread's {room} service.", path=str(path), room=layout.name
        )
    if version > len(layout.migrations):
        raise StartError(
            "{path} was written by a newer Upthread (layout {found}, this one knows {known}). Update Upthread.",
            path=str(path),
            found=version,
            known=len(layout.migrations),
        )
    return version


def _migrate(connection: apsw.Connection, path: Path, layout: Layout) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = _version(connection, path, layout)  # another process may have been here first
        for script in layout.migrations[version:]:
            connection.execute(script)
        connection.execute(f"PRAGMA application_id={layout.application_id:d}")
        connection.execute(f"PRAGMA user_version={len(layout.migrations):d}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
