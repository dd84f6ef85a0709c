"""The services that the contract suite runs against: near, on SQLite and on MongoDB."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from upthread.account.passwords import Passwords
from upthread.assembly import Kept, Services, connected, database_file, open_services
from upthread.comment import sqlite as comment_sqlite
from upthread.mongo_assembly import open_account
from upthread.post import sqlite as post_sqlite
from upthread.runtime.clock import ManualClock
from upthread.storage.outbox import SqliteOutbox
from upthread.storage.sqlite import Database

ON_MONGODB = ("account",)
"""The rooms that have a store on MongoDB. Tests of the others run on SQLite only."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test of the suite on each engine that its room has."""
    if "engine" in metafunc.fixturenames:
        room = metafunc.module.__name__.rpartition(".")[2].split("_")[1]
        metafunc.parametrize("engine", ["sqlite", "mongodb"] if room in ON_MONGODB else ["sqlite"])


@pytest.fixture
async def services(
    engine: str,
    tmp_path: Path,
    clock: ManualClock,
    cheap_passwords: Passwords,
    request: pytest.FixtureRequest,
) -> AsyncIterator[Services]:
    """All three services, empty, on databases of their own."""
    if engine == "sqlite":
        async with open_services(tmp_path / "data", clock, cheap_passwords) as opened:
            yield opened
    else:
        url: str = request.getfixturevalue("mongodb_url")
        prefix: str = request.getfixturevalue("mongodb_prefix")
        async with open_on_mongodb(url, prefix, tmp_path, clock, cheap_passwords) as opened:
            yield opened


@asynccontextmanager
async def open_on_mongodb(
    url: str, prefix: str, data: Path, clock: ManualClock, passwords: Passwords
) -> AsyncIterator[Services]:
    """The services on MongoDB; those that have no store there yet, on SQLite."""
    async with AsyncExitStack() as stack:
        databases = []
        for layout in (post_sqlite.LAYOUT, comment_sqlite.LAYOUT):
            database = Database.open(database_file(data, layout), layout)
            stack.push_async_callback(database.close)
            databases.append(database)
        post, comment = databases
        yield await stack.enter_async_context(
            connected(
                Kept(post_sqlite.SqlitePostStore(post), partial(SqliteOutbox, post)),
                Kept(comment_sqlite.SqliteCommentStore(comment), partial(SqliteOutbox, comment)),
                await open_account(stack, url, f"{prefix}account"),
                clock,
                passwords,
            )
        )
