"""The services that the contract suite runs against: near and far on SQLite, near on MongoDB."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from tests.contract.original import OriginalUi
from tests.loopback import on_loopback
from upthread.account.passwords import Passwords
from upthread.account.service import AccountService
from upthread.assembly import (
    Doors,
    Kept,
    Services,
    connected,
    couriers_from,
    kept_in,
    open_file,
    open_services,
    prepare_files,
    running,
)
from upthread.comment import sqlite as comment_sqlite
from upthread.comment.service import CommentService
from upthread.databases import ROOMS, file_in, files_in
from upthread.fleet import service_app, service_on
from upthread.mongo_assembly import open_account
from upthread.post import sqlite as post_sqlite
from upthread.post.service import PostService
from upthread.runtime.calls.client import far
from upthread.runtime.calls.server import call_routes
from upthread.runtime.clock import ManualClock
from upthread.settings import Settings
from upthread.storage.outbox import SqliteOutbox
from upthread.storage.sqlite import Database

SECRET = "for the tests of the contract only"
ON_MONGODB = ("account",)
"""The rooms that have a store on MongoDB. Tests of the others run on SQLite only."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test of the suite near and far, and on each engine that its room has."""
    if "engine" in metafunc.fixturenames:
        room = metafunc.module.__name__.rpartition(".")[2].split("_")[1]
        metafunc.parametrize("engine", ["sqlite", "far", "mongodb"] if room in ON_MONGODB else ["sqlite", "far"])


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
    elif engine == "far":
        async with open_far(tmp_path / "data", clock, cheap_passwords) as opened:
            yield opened
    else:
        url: str = request.getfixturevalue("mongodb_url")
        prefix: str = request.getfixturevalue("mongodb_prefix")
        async with open_on_mongodb(url, prefix, tmp_path, clock, cheap_passwords) as opened:
            yield opened


@pytest.fixture
async def original(services: Services) -> AsyncIterator[OriginalUi]:
    """What the original's website sees of the services, each on a port of its own."""
    settings = Settings.from_environment({})
    async with AsyncExitStack() as stack:
        urls = [
            await stack.enter_async_context(on_loopback(service_app(room, services, settings)))
            for room in ("post", "comment")
        ]
        yield OriginalUi(*[await stack.enter_async_context(httpx.AsyncClient(base_url=url)) for url in urls])


@asynccontextmanager
async def open_far(data: Path, clock: ManualClock, passwords: Passwords) -> AsyncIterator[Services]:
    """The services on SQLite, called over HTTP by whoever calls them, their couriers too."""
    prepare_files(files_in(data))
    async with AsyncExitStack() as stack:
        databases = {room: await open_file(stack, file_in(data, room), room) for room in ROOMS}
        kept = {room: kept_in(databases[room], room) for room in ROOMS}
        near = {room: service_on(room, kept[room], clock, passwords) for room in ROOMS}
        app = Starlette(routes=[Mount(f"/{room}", routes=call_routes(near[room], SECRET)) for room in ROOMS])
        url = await stack.enter_async_context(on_loopback(app))
        doors = Doors(
            post=await stack.enter_async_context(far(PostService, f"{url}/post", SECRET)),
            comment=await stack.enter_async_context(far(CommentService, f"{url}/comment", SECRET)),
            account=await stack.enter_async_context(far(AccountService, f"{url}/account", SECRET)),
        )
        couriers = tuple(courier for room in ROOMS for courier in couriers_from(room, kept[room], doors))
        await stack.enter_async_context(running(couriers))
        yield Services(doors.post, doors.comment, doors.account, couriers, tuple(databases.values()))


@asynccontextmanager
async def open_on_mongodb(
    url: str, prefix: str, data: Path, clock: ManualClock, passwords: Passwords
) -> AsyncIterator[Services]:
    """The services on MongoDB; those that have no store there yet, on SQLite."""
    async with AsyncExitStack() as stack:
        databases = []
        for layout in (post_sqlite.LAYOUT, comment_sqlite.LAYOUT):
            database = Database.open(file_in(data, layout.name), layout)
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
