"""What the figures tell, under which names, and that the manual explains each."""

import asyncio
import re
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apsw
import httpx
import msgspec
import pytest
from bson import ObjectId
from starlette.applications import Starlette

from tests.contract.posting import ANN
from upthread.account.passwords import Passwords
from upthread.assembly import Services, open_services
from upthread.comment.model import thread_of
from upthread.databases import files_in
from upthread.errors import Unavailable
from upthread.fleet import SERVICES
from upthread.post.model import PostDraft
from upthread.runtime import metrics
from upthread.runtime.clock import ManualClock
from upthread.runtime.courier import Courier
from upthread.runtime.health import health_routes
from upthread.storage import mongo_outbox, outbox
from upthread.storage.mongo import MongoDatabase, MongoLayout
from upthread.storage.mongo_outbox import MongoOutbox
from upthread.storage.outbox import Outbox, SqliteOutbox
from upthread.storage.sqlite import Database, Layout

pytestmark = pytest.mark.anyio

MANUAL = Path(__file__).parents[2] / "docs" / "observability.md"
PROCESSES: dict[str, tuple[str, ...]] = {"ui": tuple(SERVICES), **{room: (f"{room}db",) for room in SERVICES}}
"""What each process asks about its health."""


def told(figure: str) -> float:
    """What Prometheus is told of this figure, given with its labels in order; 0 if it is not told of it yet."""
    lines = metrics.render().decode().splitlines()
    return float(next((line.rpartition(" ")[2] for line in lines if line.rpartition(" ")[0] == figure), "0"))


# names


@pytest.fixture
async def services(tmp_path: Path, clock: ManualClock, cheap_passwords: Passwords) -> AsyncIterator[Services]:
    """The three services on SQLite."""
    async with open_services(files_in(tmp_path), clock, cheap_passwords) as services:
        yield services


async def test_posts_and_comments_are_counted(services: Services) -> None:
    """Posts, comments and how long a post is read are told under the original's names."""
    counts = ("post_count", "comment_count", "post_read_db_seconds_count")
    before = [told(count) for count in counts]
    await services.post.create_community(ANN, "birds", "Birds")
    made = await services.post.submit(ANN, PostDraft(community="birds", title="A wren"))
    read = await services.post.post(made.id)
    await services.comment.add(ANN, thread_of(read), None, "Lovely.")
    assert [told(count) - then for then, count in zip(before, counts, strict=True)] == [1, 1, 1]


async def all_there_is() -> set[str]:
    """The names of all figures that any process of ours may tell."""
    for process, parts in PROCESSES.items():
        metrics.request_figures(process)
        app = Starlette(routes=health_routes(dict.fromkeys(parts, well), "1", process))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
            text = (await client.get("/metrics")).text
    return set(re.findall(r"^# TYPE (\w+)", text, re.MULTILINE))


async def well() -> None:
    """Whatever is asked is well."""


def explained() -> set[str]:
    """The names of all figures that the manual has."""
    rows = re.findall(r"^\| `([\w<>]+)` \|", MANUAL.read_text(encoding="utf-8"), re.MULTILINE)
    return {row.replace("<process>", process) for row in rows for process in PROCESSES}


async def test_the_manual_explains_each(services: Services) -> None:  # noqa: ARG001 - there have to be some
    """Every metric has its row in the manual, and the manual promises none that isn't there."""
    there = {name for name in await all_there_is() if not name.startswith(("process_", "python_"))}
    assert there == explained()


# what waits


class Told(msgspec.Struct):
    """A fact."""

    text: str


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A SQLite file with an outbox."""
    layout = Layout("waiting", 1, (outbox.SQLITE_TABLE, outbox.SQLITE_TIMES))
    database = Database.open(tmp_path / "waiting.sqlite3", layout)
    yield database
    await database.close()


async def kept_on_sqlite(database: Database) -> SqliteOutbox:
    """Three facts for one receiver, the first kept 90 seconds ago, and one for another."""

    def keep(connection: apsw.Connection) -> None:
        for key in "abc":
            outbox.put(connection, "there", key, Told(key))
        outbox.put(connection, "elsewhere", "a", Told("a"))
        connection.execute("UPDATE outbox SET kept_at = kept_at - 90 WHERE key = 'a'")

    await database.write(keep)
    return SqliteOutbox(database, "there")


@pytest.fixture
async def mongo(mongodb_url: str, mongodb_prefix: str) -> AsyncIterator[MongoDatabase]:
    """A MongoDB database with an outbox."""

    async def make_indexes(database: MongoDatabase) -> None:
        await database.ensure_indexes(mongo_outbox.COLLECTION, mongo_outbox.INDEXES)

    database = await MongoDatabase.open(
        mongodb_url, f"{mongodb_prefix}waiting", MongoLayout("waiting", (make_indexes,))
    )
    yield database
    await database.close()


async def kept_on_mongodb(database: MongoDatabase) -> MongoOutbox:
    """The same on MongoDB."""
    facts = [
        (receiver, key, Told(key)) for receiver, key in (("there", "a"), ("there", "b"), ("there", "c"), ("x", "a"))
    ]
    await database.transact(lambda session: mongo_outbox.put(database, session, facts))
    earlier = ObjectId.from_datetime(datetime.now(UTC) - timedelta(seconds=90))
    oldest = {"_id": {"receiver": "there", "kind": "Told", "key": "a"}}
    await database.write(database.collection(mongo_outbox.COLLECTION).update_one(oldest, {"$set": {"stamp": earlier}}))
    return MongoOutbox(database, "there")


async def tell(box: Outbox) -> tuple[float, float]:
    """How many facts wait and for how long, as a courier's gauges tell it when somebody asks."""
    running = asyncio.create_task(Courier("waiting", "there", box, []).run())
    await asyncio.sleep(0)
    await metrics.measure()
    running.cancel()
    labels = '{receiver="there",sender="waiting"}'
    return told(f"outbox_facts{labels}"), told(f"outbox_oldest_seconds{labels}")


async def test_what_waits_is_told_on_sqlite(database: Database) -> None:
    """One sees how many facts wait for a receiver and since when, and that none does once they are delivered."""
    box = await kept_on_sqlite(database)
    facts, seconds = await tell(box)
    assert (facts, seconds >= 90) == (3, True)
    await box.settle(await box.pending(10))
    assert await tell(box) == (0, 0)


async def test_what_waits_is_told_on_mongodb(mongo: MongoDatabase) -> None:
    """One sees the same on MongoDB."""
    box = await kept_on_mongodb(mongo)
    facts, seconds = await tell(box)
    assert (facts, seconds >= 89) == (3, True)  # stamps have whole seconds
    await box.settle(await box.pending(10))
    assert await tell(box) == (0, 0)


async def test_a_figure_that_can_not_be_told() -> None:
    """If what a figure is worked out from does not answer, the others are told all the same."""

    async def fail() -> None:
        raise Unavailable(service="post")

    measured = asyncio.Event()

    async def succeed() -> None:
        measured.set()

    with metrics.measured_by(fail), metrics.measured_by(succeed):
        await metrics.measure()
    assert measured.is_set()


async def test_the_queue_of_the_writer_is_told(database: Database) -> None:
    """While the writer is held up one sees how much waits for it, and nothing does afterwards."""
    begun, go_on = threading.Event(), threading.Event()

    def hold_up(_connection: apsw.Connection) -> None:
        begun.set()
        go_on.wait()

    writes = [asyncio.create_task(database.write(hold_up))]
    await asyncio.to_thread(begun.wait)
    writes += [asyncio.create_task(database.write(lambda _connection: None)) for _ in range(2)]
    await asyncio.sleep(0)
    queue = 'sqlite_write_queue{database="waiting"}'
    assert told(queue) == 3
    go_on.set()
    await asyncio.gather(*writes)
    assert told(queue) == 0


async def test_connections_to_mongodb_are_told(mongo: MongoDatabase) -> None:
    """One sees which connections to MongoDB are in use while it is asked, and none open when all is closed."""
    in_use, there = 'mongo_connections_in_use{database="waiting"}', 'mongo_connections{database="waiting"}'
    asking = [asyncio.create_task(mongo.ping()) for _ in range(3)]
    most = 0.0
    while not all(one.done() for one in asking):
        most = max(most, told(in_use))
        await asyncio.sleep(0)
    assert 0 < most <= told(there)
    assert told(in_use) == 0
    await mongo.close()
    assert told(there) == 0
