"""The site in four processes: ``upthread ui`` and the services ``post``, ``comment`` and ``account``.

Each is put together as in :mod:`upthread.assembly`, and is handed far doors where the others are elsewhere.
Nobody waits for anybody at start: who is not there yet is called again later.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp

from upthread import __version__
from upthread.account.passwords import Passwords
from upthread.account.service import AccountService
from upthread.assembly import Doors, Kept, couriers_from, open_kept, prepare_files, running
from upthread.comment.seed import seed_routes as comment_seed_routes
from upthread.comment.service import CommentService
from upthread.databases import Room, place_of
from upthread.post.seed import seed_routes as post_seed_routes
from upthread.post.service import PostService
from upthread.runtime import logs
from upthread.runtime.calls.client import far
from upthread.runtime.calls.own_network import OwnNetworkOnly
from upthread.runtime.calls.server import StraightToCalls, call_routes
from upthread.runtime.clock import Clock, SystemClock
from upthread.runtime.health import health_routes
from upthread.runtime.secret import site_secret
from upthread.runtime.serving import address, listen, serve
from upthread.runtime.traces import traced
from upthread.settings import Settings
from upthread.ui.app import make_app

SERVICES: dict[Room, type[Any]] = {"post": PostService, "comment": CommentService, "account": AccountService}

log = structlog.get_logger(__name__)


def run_ui(settings: Settings) -> None:
    """Serve the website until SIGTERM or SIGINT; the services are wherever the settings say, and may come and go.

    Raises:
        StartError: it can't be done as asked.
    """
    logs.configure(settings.log_level, readable=settings.readable_logs)
    listeners = listen(settings.host, settings.port, settings.workers)
    secret = site_secret(settings)

    @asynccontextmanager
    async def website() -> AsyncIterator[ASGIApp]:
        async with AsyncExitStack() as stack:
            yield make_app(await far_doors(stack, settings), settings, SystemClock(), secret)

    url = address(settings.host, listeners[0])
    announce = partial(log.info, "listening", url=url, process="ui")
    serve(traced(website, settings, "ui"), listeners, announce)


def run_service(room: Room, settings: Settings, port: int) -> None:
    """Serve one service until SIGTERM or SIGINT.

    Args:
        room: which.
        settings: where the others are, where its database is, and the rest.
        port: where to listen; 0 takes any that is free.

    Raises:
        StartError: it can't be done as asked; nothing was changed.
    """
    logs.configure(settings.log_level, readable=settings.readable_logs)
    listeners = listen(settings.host, port, settings.workers)
    place = place_of(room, settings)
    prepare_files({room: place})

    @asynccontextmanager
    async def service() -> AsyncIterator[ASGIApp]:
        async with AsyncExitStack() as stack:
            kept = await open_kept(stack, place, room)
            own = service_on(room, kept, SystemClock(), Passwords())
            doors = await far_doors(stack, settings, {room: own})
            await stack.enter_async_context(running(couriers_from(room, kept, doors)))
            yield service_app(room, doors, settings)

    url = address(settings.host, listeners[0])
    announce = partial(log.info, "listening", url=url, process=room, data=str(place))
    serve(traced(service, settings, room), listeners, announce, room)


def service_on(room: Room, kept: Kept[Any], clock: Clock, passwords: Passwords) -> Any:
    """The service of this room, on what it keeps."""
    if room == "account":
        return AccountService(kept.store, clock, passwords)
    return SERVICES[room](kept.store, clock)


def service_app(room: Room, doors: Doors, settings: Settings) -> ASGIApp:
    """A service's door on HTTP, with what tells how it is; its database counts as what it depends on."""
    service = getattr(doors, room)
    version = settings.version or __version__
    health = health_routes({f"{room}db": service.check}, version, process=room, commit=settings.commit)
    calls = call_routes(service, settings.call_secret)
    routes = [*calls, *health]
    if settings.serves_seed_contract:
        routes += _seed_routes(room, doors)
        if settings.call_secret and room != "account":
            log.warning("the original's paths ask for no secret: whoever reaches this port can write", service=room)
    app = Starlette(routes=routes)
    app.router.redirect_slashes = False
    quick = StraightToCalls(app, calls)
    return quick if settings.call_secret else OwnNetworkOnly(quick)


def _seed_routes(room: Room, doors: Doors) -> list[Route]:
    if room == "post":
        return post_seed_routes(doors.post)
    return comment_seed_routes(doors.comment, doors.post) if room == "comment" else []


async def far_doors(stack: AsyncExitStack, settings: Settings, near: dict[Room, Any] | None = None) -> Doors:
    """The three doors: those that are near as they are given, the others far; closed with the stack."""
    doors: dict[Room, Any] = dict(near or {})
    for room, kind in SERVICES.items():
        if room not in doors:
            host, port = getattr(settings, f"{room}_host"), getattr(settings, f"{room}_port")
            url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
            doors[room] = await stack.enter_async_context(far(kind, url, settings.call_secret))
    return Doors(post=doors["post"], comment=doors["comment"], account=doors["account"])
