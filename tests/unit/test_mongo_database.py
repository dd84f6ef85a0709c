"""MongoDB as a database: starting, transactions, ids, and what happens when connection or server are lost."""

import asyncio
import gc
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec
import pymongo
import pytest
from pymongo.errors import DuplicateKeyError, OperationFailure

from tests.mongo_proxy import MongoProxy, Part
from tests.mongo_server import MongoServer, free_port
from upthread.errors import StartError, Unavailable
from upthread.runtime.calls.deadline import within
from upthread.storage.mongo import ID_BLOCK, MongoDatabase, MongoLayout, Session

# PyMongo (4.20) leaves it to Python to close the socket on which it was just connecting to a server that is away.
pytestmark = [pytest.mark.anyio, pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")]


@pytest.fixture(autouse=True)
def _leave_nothing() -> Iterator[None]:
    """Let Python do so before the next test, which would be blamed for it."""
    yield
    gc.collect()


async def make_collections(database: MongoDatabase) -> None:
    """The one migration of these tests."""
    for collection in ("count", "vote"):
        await database.ensure_indexes(collection, [pymongo.IndexModel("at")])


LAYOUT = MongoLayout("test", (make_collections,))


@asynccontextmanager
async def opened(url: str, name: str, layout: MongoLayout = LAYOUT) -> AsyncIterator[MongoDatabase]:
    """A database of these tests."""
    database = await MongoDatabase.open(url, name, layout)
    try:
        yield database
    finally:
        await database.close()


@pytest.fixture
def name(mongodb_prefix: str) -> str:
    """The name of a database on the shared server."""
    return f"{mongodb_prefix}test"


@pytest.fixture
async def database(mongodb_url: str, name: str) -> AsyncIterator[MongoDatabase]:
    """An empty database on the shared server."""
    async with opened(mongodb_url, name) as database:
        yield database


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> MongoServer:
    """A server that may be killed and told to fail; it is started and ended by whoever uses it."""
    return MongoServer(tmp_path_factory.mktemp("own") / "data", "--sync-on-commit", "--enable-test-commands")


@pytest.fixture
def own_name() -> str:
    """The name of a database on that server that no other test has."""
    return f"test_{uuid.uuid4().hex}"


@pytest.fixture
async def proxy(own_server: MongoServer) -> AsyncIterator[MongoProxy]:
    """A way to the server that can be cut."""
    with own_server:
        async with MongoProxy(own_server.port) as proxy:
            yield proxy


async def vote(database: MongoDatabase, voter: int) -> None:
    """One vote, counted where it is not there yet: two documents that must agree."""

    async def vote(session: Session) -> None:
        added = await database.collection("vote").update_one(
            {"_id": voter}, {"$setOnInsert": {"vote": 1}}, upsert=True, session=session
        )
        if added.upserted_id is not None:
            await database.collection("count").update_one(
                {"_id": "ups"}, {"$inc": {"votes": 1}}, upsert=True, session=session
            )

    await database.transact(vote)


async def voters(database: MongoDatabase) -> set[int]:
    """Whose votes are there, after making sure that as many are counted."""
    votes = await database.read(database.collection("vote").find().sort("_id").to_list())
    count = await database.read(database.collection("count").find_one({"_id": "ups"}))
    assert (count or {"votes": 0})["votes"] == len(votes)
    return {each["_id"] for each in votes}


# starting


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("mysql://127.0.0.1", "Invalid URI scheme"),
        ("mongodb://127.0.0.1:port", "Port"),
        ("mongodb://127.0.0.1/?tls=perhaps", "tls"),
        ("mongodb://ann:p@ss@127.0.0.1", "percent-encoded"),
    ],
)
async def test_a_wrong_address_is_one_clear_line(url: str, reason: str) -> None:
    """An address that can't be one stops the start with a line that says why, and never shows a password."""
    with pytest.raises(StartError, match=reason) as refused:
        await MongoDatabase.open(url, "test", LAYOUT)
    assert "p@ss" not in str(refused.value)
    assert "\n" not in str(refused.value)


async def test_a_database_name_that_cannot_be_one_is_refused(mongodb_url: str) -> None:
    """A database name that MongoDB does not take stops the start."""
    with pytest.raises(StartError, match="name"):
        await MongoDatabase.open(mongodb_url, "a.b", LAYOUT)


async def test_a_server_that_is_not_there_can_be_waited_for() -> None:
    """Where nobody answers, that is said by an error after which one may try again."""
    with within(0.3), pytest.raises(Unavailable):
        await MongoDatabase.open(f"mongodb://127.0.0.1:{free_port()}", "test", LAYOUT)


async def test_a_standalone_server_is_refused(tmp_path: Path) -> None:
    """A server without transactions is refused with what to do about it."""
    with MongoServer(tmp_path / "data", "--standalone") as server, pytest.raises(StartError, match="replSet"):
        await MongoDatabase.open(server.url, "test", LAYOUT)


async def test_a_newer_database_is_refused(mongodb_url: str, name: str) -> None:
    """A database that a newer version has changed is left alone."""
    newer = MongoLayout("test", (make_collections, make_collections))
    async with opened(mongodb_url, name, newer):
        pass
    with pytest.raises(StartError, match="newer"):
        async with opened(mongodb_url, name):
            pass


async def test_processes_may_start_at_once(mongodb_url: str, name: str) -> None:
    """Several processes that start on an empty database at the same moment all come up."""
    databases = await asyncio.gather(*(MongoDatabase.open(mongodb_url, name, LAYOUT) for _ in range(6)))
    for database in databases:
        await vote(database, 1)
        await database.close()


async def test_what_was_migrated_is_not_migrated_again(mongodb_url: str, name: str) -> None:
    """A migration runs once, and one that failed runs again at the next start."""
    runs: list[str] = []

    async def first(_database: MongoDatabase) -> None:
        runs.append("first")

    async def second(_database: MongoDatabase) -> None:
        runs.append("second")
        if runs.count("second") == 1:
            raise OperationFailure("no space left")

    with pytest.raises(StartError, match="Migration 2"):
        async with opened(mongodb_url, name, MongoLayout("test", (first, second))):
            pass
    for _ in range(2):
        async with opened(mongodb_url, name, MongoLayout("test", (first, second))):
            pass
    assert runs == ["first", "second", "second"]


async def test_the_address_cannot_weaken_promises(mongodb_url: str, name: str) -> None:
    """Whatever the address asks for, writes are a majority's and reads see them."""
    lax = "&w=0&journal=false&readPreference=secondaryPreferred&retryWrites=false&readConcernLevel=local"
    async with opened(mongodb_url + lax, name) as database:
        votes = database.collection("vote")
        assert (votes.write_concern.document, votes.read_concern.level) == ({"w": "majority", "j": True}, "majority")
        assert votes.read_preference == pymongo.ReadPreference.PRIMARY
        await vote(database, 1)
        assert await voters(database) == {1}


# transactions and ids


async def test_what_fails_leaves_nothing(database: MongoDatabase) -> None:
    """Of a transaction that raises nothing is kept, and its error comes out."""

    async def fail(session: Session) -> None:
        await database.collection("vote").insert_one({"_id": 1}, session=session)
        raise KeyError("vote")

    with pytest.raises(KeyError):
        await database.transact(fail)
    assert await voters(database) == set()


async def test_what_is_there_already_is_told(database: MongoDatabase) -> None:
    """A unique index that is against a write is no failure of the database."""
    votes = database.collection("vote")
    await database.write(votes.insert_one({"_id": 1}))
    with pytest.raises(DuplicateKeyError):
        await database.write(votes.insert_one({"_id": 1}))


async def test_whole_numbers_of_any_size_are_plain(database: MongoDatabase) -> None:
    """A number that is too large for 32 bits, such as a guest's, comes back as one that goes on as JSON."""
    number = -(2**52)
    await database.collection("count").insert_one({"_id": 1, "number": number, "more": [{"number": number}]})
    found = await database.collection("count").find_one({"_id": 1})
    assert msgspec.json.encode(found) == msgspec.json.encode({"_id": 1, "number": number, "more": [{"number": number}]})


async def test_votes_at_once_are_all_counted(database: MongoDatabase) -> None:
    """Transactions that meet at one document wait for each other and none is lost."""
    await asyncio.gather(*(vote(database, voter) for voter in range(40)))
    assert await voters(database) == set(range(40))


async def test_whoever_waits_hears_of_each_transaction(database: MongoDatabase) -> None:
    """A courier is woken by a transaction of its process."""
    committed = database.on_commit()
    await vote(database, 1)
    assert committed.is_set()


async def test_a_cancelled_request_leaves_no_transaction_open(database: MongoDatabase) -> None:
    """When whoever asked is gone, what they began is finished, and the next one does not wait for it."""
    begun = asyncio.Event()

    async def slow(session: Session) -> None:
        await database.collection("vote").insert_one({"_id": 1}, session=session)
        begun.set()

    asked = asyncio.create_task(database.transact(slow))
    await begun.wait()
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    await database.close()  # which waits for what has begun


async def test_ids_are_handed_out_once(mongodb_url: str, name: str) -> None:
    """No two processes ever get the same id, however many they ask for, and within one they grow."""
    async with opened(mongodb_url, name) as one, opened(mongodb_url, name) as other:
        asked = [one.next_ids("post", count) for count in (1, 3, ID_BLOCK, 1, 2 * ID_BLOCK, 1)]
        taken = await asyncio.gather(*asked, *(other.next_ids("post") for _ in range(ID_BLOCK + 1)))
    ids = [number for block in taken for number in block]
    assert len(set(ids)) == len(ids)
    assert min(ids) == 1
    of_one = [number for block in taken[: len(asked)] for number in block]
    assert of_one == sorted(of_one)


# losing the connection, and the server


COMMANDS = ("update", "commitTransaction")


@pytest.mark.parametrize("part", ["request", "reply"])
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("times", [1, 3])
async def test_a_cut_connection_neither_loses_nor_doubles(
    proxy: MongoProxy, own_name: str, part: Part, command: str, times: int
) -> None:
    """A vote whose connection is cut, once or repeatedly, in whatever moment, counts once."""
    async with opened(proxy.url, own_name) as database:
        for _ in range(times):
            proxy.lose(part, command)
        await vote(database, 1)
        assert proxy.lost_all
        await vote(database, 2)
        assert await voters(database) == {1, 2}


@pytest.mark.parametrize("part", ["request", "reply"])
async def test_a_cut_connection_is_not_noticed(proxy: MongoProxy, own_name: str, part: Part) -> None:
    """Reads, and writes outside of any transaction, come to their end though the connection is cut on the way."""
    async with opened(proxy.url, own_name) as database:
        counts = database.collection("count")
        proxy.lose(part, "update")
        await database.write(counts.update_one({"_id": "ups"}, {"$set": {"votes": 1}}, upsert=True))
        proxy.lose(part, "find")
        assert await database.read(counts.find_one({"_id": "ups"})) == {"_id": "ups", "votes": 1}
        proxy.lose(part, "delete")
        await database.repeat(lambda: counts.delete_many({"_id": "ups"}))
        assert await database.read(counts.find_one({"_id": "ups"})) is None
        assert proxy.lost_all


async def test_a_line_that_breaks_all_the_time(proxy: MongoProxy, own_name: str) -> None:
    """Of many votes over a line that breaks again and again no vote counts twice, and none is acknowledged and lost."""
    async with opened(proxy.url, own_name) as database:
        for number in range(12):
            proxy.lose("reply" if number % 2 else "request", COMMANDS[number % 3 == 0])
        votes = [vote(database, voter) for voter in range(20)]
        outcomes = await asyncio.gather(*votes, return_exceptions=True)
        assert proxy.lost_all
        assert {voter for voter, outcome in enumerate(outcomes) if outcome is None} <= await voters(database)


async def test_another_primary_is_waited_for(own_server: MongoServer, own_name: str) -> None:
    """While there is no primary, votes wait for the next one and are then counted, once each."""
    with own_server, pymongo.MongoClient[dict[str, object]](own_server.url) as operator:
        async with opened(own_server.url, own_name) as database:
            await vote(database, 0)
            operator.admin.command("replSetStepDown", 1, force=True)
            await asyncio.gather(*(vote(database, voter) for voter in range(1, 10)))
            assert await voters(database) == set(range(10))


@pytest.mark.parametrize("command", COMMANDS)
async def test_not_primary_is_told_to_nobody(own_server: MongoServer, own_name: str, command: str) -> None:
    """A primary that steps down in the middle of a transaction is noticed by nobody."""
    with own_server, pymongo.MongoClient[dict[str, object]](own_server.url) as operator:
        async with opened(own_server.url, own_name) as database:
            fault = {"failCommands": [command], "errorCode": 10107, "appName": "upthread-test"}
            operator.admin.command("configureFailPoint", "failCommand", mode={"times": 1}, data=fault)
            await vote(database, 1)
            assert await voters(database) == {1}


async def test_a_killed_server_keeps_what_it_acknowledged(own_server: MongoServer, own_name: str) -> None:
    """Killed while votes come in and started again, the server has every vote that was acknowledged, counted once."""
    with own_server:
        async with opened(own_server.url, own_name) as database:
            for kill in range(3):
                ours = range(100 * kill, 100 * kill + 30)
                votes = [asyncio.create_task(vote(database, voter)) for voter in ours]
                await votes[5]
                own_server.kill()
                await asyncio.to_thread(own_server.start)
                outcomes = await asyncio.gather(*votes, return_exceptions=True)
                acknowledged = {voter for voter, outcome in zip(ours, outcomes, strict=True) if outcome is None}
                assert acknowledged <= await voters(database)


async def test_a_server_that_is_away_holds_up_no_page(own_server: MongoServer, own_name: str) -> None:
    """While the server is away calls fail within the time they are given, and succeed soon after it is back."""
    with own_server:
        async with opened(own_server.url, own_name) as database:
            await vote(database, 1)
            own_server.kill()
            calls: list[Callable[[], Awaitable[object]]] = [
                database.ping,
                lambda: voters(database),
                lambda: vote(database, 2),
                lambda: database.next_ids("post"),
                lambda: database.repeat(lambda: database.collection("vote").delete_many({"_id": 3})),
            ]
            for call in calls:
                async with asyncio.timeout(10):
                    with within(0.2), pytest.raises(Unavailable):
                        await call()
            own_server.start()
            async with asyncio.timeout(5):
                while True:
                    with suppress(Unavailable):
                        await database.ping()
                        break
            assert await voters(database) == {1}
