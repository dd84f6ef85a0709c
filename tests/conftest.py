"""What every test shares: one event loop library, a clock that stands still, properties that run alike each time."""

import os
import uuid
from collections.abc import Iterator

import argon2
import pymongo
import pytest
from hypothesis import settings

from tests.mongo_commands import Searches
from tests.mongo_server import MongoServer
from upthread.account.passwords import Passwords
from upthread.runtime.clock import ManualClock

settings.register_profile("upthread", derandomize=True, deadline=None)
settings.load_profile("upthread")

START = 1_700_000_000
"""2023-11-14 22:13:20 UTC: the time at which every test begins."""


@pytest.fixture
def anyio_backend() -> str:
    """Tests run on asyncio, as the site does."""
    return "asyncio"


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands still at START."""
    return ManualClock(START)


@pytest.fixture
def cheap_passwords() -> Passwords:
    """Passwords hashed as cheaply as argon2 can, which is good for nothing but tests."""
    return Passwords(argon2.profiles.CHEAPEST)


@pytest.fixture(scope="session")
def mongodb_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a MongoDB server: the one in UPTHREAD_TEST_MONGODB_URL, or one that runs as long as the tests."""
    given = os.environ.get("UPTHREAD_TEST_MONGODB_URL")
    if given:
        yield given
        return
    with MongoServer(tmp_path_factory.mktemp("mongodb") / "data") as server:
        yield server.url


@pytest.fixture(scope="session")
def mongodb_searches() -> Searches:
    """What all clients made from now on look for."""
    searches = Searches()
    pymongo.monitoring.register(searches)
    return searches


@pytest.fixture
def mongodb_prefix(mongodb_url: str, mongodb_searches: Searches) -> Iterator[str]:
    """What the names of a test's databases begin with.

    After the test the databases are dropped, and whatever was looked for in them must have had an index.
    """
    prefix = f"test_{uuid.uuid4().hex}_"
    mongodb_searches.seen.clear()
    yield prefix
    seen = [search for search in mongodb_searches.seen if search.database.startswith(prefix)]
    with pymongo.MongoClient[dict[str, object]](mongodb_url) as client:
        first_fields = {
            (name, collection): {next(iter(index["key"])) for index in client[name][collection].list_indexes()}
            for name, collection in {(search.database, search.collection) for search in seen}
        }
        for name in client.list_database_names():
            if name.startswith(prefix):
                client.drop_database(name)
    scans = [search for search in seen if not search.bounded() & first_fields[search.database, search.collection]]
    assert scans == []
