"""The services that the contract suite runs against: near and far, on SQLite and on MongoDB."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
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
    Services,
    couriers_from,
    open_kept,
    open_services,
    prepare_files,
    running,
)
from upthread.comment.service import CommentService
from upthread.databases import ROOMS, MongoAddress, Places, files_in
from upthread.fleet import service_app, service_on
from upthread.post.service import PostService
from upthread.runtime.calls.client import far
from upthread.runtime.calls.server import call_routes
from upthread.runtime.clock import ManualClock
from upthread.settings import Secret, Settings

SECRET = "for the tests of the contract only"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test of the suite near and far, on each engine."""
    if "engine" in metafunc.fixturenames:
        metafunc.parametrize("engine", ["sqlite", "mongodb"])
        metafunc.parametrize("distance", ["near", "far"])


@pytest.fixture
def places(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Places:
    """Where the services keep their data, which is nothing yet."""
    if engine == "sqlite":
        return files_in(tmp_path / "data")
    url: str = request.getfixturevalue("mongodb_url")
    prefix: str = request.getfixturevalue("mongodb_emptied")
    return {room: MongoAddress(Secret(url), f"{prefix}{room}", "DATABASE_URL") for room in ROOMS}


@pytest.fixture
async def services(
    places: Places, distance: str, clock: ManualClock, cheap_passwords: Passwords
) -> AsyncIterator[Services]:
    """All three services, empty, on databases of their own."""
    opened = open_far if distance == "far" else open_services
    async with opened(places, clock, cheap_passwords) as services:
        yield services


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
async def open_far(places: Places, clock: ManualClock, passwords: Passwords) -> AsyncIterator[Services]:
    """The services, called over HTTP by whoever calls them, their couriers too."""
    prepare_files(places)
    async with AsyncExitStack() as stack:
        kept = {room: await open_kept(stack, places[room], room) for room in ROOMS}
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
        yield Services(doors.post, doors.comment, doors.account, couriers, ())
