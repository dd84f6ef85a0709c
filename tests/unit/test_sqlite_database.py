"""SQLite as a database: what becomes of a group of writes of which one fails, and how long its log gets."""

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import closing
from functools import partial
from pathlib import Path

import apsw
import pytest

from upthread.storage import sqlite
from upthread.storage.sqlite import Database, Layout, connect

pytestmark = pytest.mark.anyio

LAYOUT = Layout("test", 1, ("CREATE TABLE tally (name TEXT PRIMARY KEY, number INTEGER NOT NULL) STRICT;",))
PAGE = 4096


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """An empty file with tallies."""
    database = Database.open(tmp_path / "test.sqlite3", LAYOUT)
    yield database
    await database.close()


def count(connection: apsw.Connection, name: str) -> int:
    """Count one more under a name; how many that makes."""
    ((number,),) = connection.execute(
        "INSERT INTO tally VALUES (?, 1) ON CONFLICT DO UPDATE SET number = number + 1 RETURNING number", (name,)
    )
    return int(number)


async def test_a_failing_piece_of_a_group(database: Database) -> None:
    """Of votes that share a commit each is counted once, but for the one that fails, and each is told its own end."""
    all_queued = threading.Event()
    ran: Counter[str] = Counter()

    def counted(connection: apsw.Connection, name: str) -> int:
        ran[name] += 1
        return count(connection, name)

    def failing(connection: apsw.Connection) -> int:
        counted(connection, "ann")
        counted(connection, "nobody")
        raise LookupError

    async def let_go() -> None:
        all_queued.set()

    waiting, *ends, _ = await asyncio.gather(
        database.write(lambda _: all_queued.wait()),  # meanwhile the others become one group
        database.write(lambda connection: counted(connection, "ann")),
        database.write(failing),
        database.write(lambda connection: counted(connection, "ben")),
        database.write(lambda connection: counted(connection, "ann")),
        let_go(),
        return_exceptions=True,
    )
    assert waiting is True
    assert [type(end) for end in ends] == [int, LookupError, int, int]
    assert [end for end in ends if isinstance(end, int)] == [1, 1, 2]
    assert database.rows("SELECT * FROM tally ORDER BY name") == [("ann", 2), ("ben", 1)]
    assert ran["ben"] == 1  # it stood behind the failing one
    assert ran["nobody"] == 2  # the group was run again


async def test_a_group_after_a_failing_one(database: Database) -> None:
    """After a write that failed the next ones are kept as before."""
    with pytest.raises(ZeroDivisionError):
        await database.write(lambda connection: count(connection, "ann") // 0)
    assert await database.write(lambda connection: count(connection, "ann")) == 1


@pytest.fixture
def short_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the log moved into the file after a few pages."""
    monkeypatch.setattr(sqlite, "CHECKPOINT", 10)
    monkeypatch.setattr(sqlite, "LOG_SIZE", 40 * PAGE)


@pytest.mark.usefixtures("short_log")
async def test_the_log_stays_short(database: Database) -> None:
    """However much is written, the log beside a file stays short, and one that somebody held up gets short again."""

    def log_size() -> int:
        return Path(f"{database.path}-wal").stat().st_size

    async def write_much() -> None:
        for number in range(100):
            await database.write(partial(count, name=str(number)))

    await write_much()
    assert log_size() < 40 * PAGE
    with closing(apsw.Connection(str(database.path))) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM tally").fetchall()
        await write_much()
        assert log_size() > 40 * PAGE
    await write_much()
    assert log_size() <= 40 * PAGE


async def test_plans_do_not_change_with_keys(database: Database) -> None:
    """However much more there is under one key than under another, a statement has one plan, which is made once."""

    def fill(connection: apsw.Connection) -> None:
        connection.execute("CREATE TABLE visit (page INTEGER NOT NULL, day INTEGER NOT NULL)")
        connection.execute("CREATE INDEX visit_by_page ON visit (page)")
        connection.execute("CREATE INDEX visit_by_day ON visit (day)")
        connection.executemany("INSERT INTO visit VALUES (?, ?)", [(n % 1000 if n % 2 else 1, n) for n in range(5000)])
        connection.execute("ANALYZE")

    await database.write(fill)
    with closing(connect(database.path, read_only=True)) as connection:
        asked = "EXPLAIN QUERY PLAN SELECT day FROM visit WHERE page = ? AND day > 4900"
        plans = {connection.execute(asked, (page,)).fetchone() for page in (1, 3, 5)}
    assert len(plans) == 1
