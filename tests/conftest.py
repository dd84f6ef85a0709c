"""What every test shares: one event loop library, a clock that stands still, properties that run alike each time."""

import logging
import os
import uuid
from collections.abc import Iterator

import argon2
import pymongo
import pytest
import structlog
from hypothesis import settings

from tests.mongo_commands import Searches
from tests.mongo_operator import Operator
from tests.mongo_server import MongoServer
from upthread.account.passwords import Passwords
from upthread.runtime.clock import ManualClock

settings.register_profile("upthread", derandomize=True, deadline=None)
settings.load_profile("upthread")

ONE_AFTER_THE_OTHER = "tests/browser"
"""Tests that share what takes long to start: where tests run side by side, these stay together."""

START = 1_700_000_000
"""2023-11-14 22:13:20 UTC: the time at which every test begins."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep tests together that share a browser and a running site."""
    for item in items:
        if item.path.is_relative_to(config.rootpath / ONE_AFTER_THE_OTHER):
            case = getattr(item, "callspec", None)
            engine = case.params.get("running") if case else None
            item.add_marker(pytest.mark.xdist_group(f"browser {engine}"))


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Undo what a test configures for the whole process, as later tests of it read what is logged."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


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


@pytest.fixture(scope="session")
def mongodb_operator(mongodb_url: str, mongodb_searches: Searches) -> Iterator[Operator]:
    """Who looks after the test's databases; what it looks for itself is not watched."""
    with Operator(mongodb_url, mongodb_searches) as operator:
        yield operator


@pytest.fixture
def mongodb_prefix(mongodb_operator: Operator) -> Iterator[str]:
    """What the names of a test's databases begin with.

    After the test the databases are dropped, and whatever was looked for in them must have had an index.
    """
    prefix = f"test_{uuid.uuid4().hex}_"
    with mongodb_operator.watching(prefix):
        yield prefix
    mongodb_operator.drop(prefix)


@pytest.fixture(scope="session")
def mongodb_shared_prefix(mongodb_operator: Operator) -> Iterator[str]:
    """What the names of databases begin with that all tests use, one after the other."""
    prefix = f"test_{uuid.uuid4().hex}_"
    yield prefix
    mongodb_operator.drop(prefix)


@pytest.fixture
def mongodb_emptied(mongodb_operator: Operator, mongodb_shared_prefix: str) -> Iterator[str]:
    """What the names of databases begin with in which there is nothing but the indexes that another test had made.

    For the many tests that need all of a service's indexes but not to see them made. Watched like the others.
    """
    mongodb_operator.empty(mongodb_shared_prefix)
    with mongodb_operator.watching(mongodb_shared_prefix):
        yield mongodb_shared_prefix
