"""A service that does next to nothing, to see how calls behave; ``python -m tests.process.toy PORT`` serves it."""

import asyncio
import enum
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Literal

import msgspec
import structlog
from starlette.applications import Starlette
from starlette.types import ASGIApp

from tests.loopback import on_loopback
from upthread.runtime import logs
from upthread.runtime.calls import deadline, trace
from upthread.runtime.calls.methods import idempotent
from upthread.runtime.calls.server import call_routes
from upthread.runtime.logs import request_id
from upthread.runtime.serving import listen, serve

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Colour(enum.Enum):
    """An enumeration."""

    RED = "red"


class Leaf(msgspec.Struct, frozen=True):
    """A structure that holds others of its kind."""

    name: str
    children: list["Leaf"] = []
    number: int | None = None


class ToyService:
    """Answers with what it was given, or with what it knows of the call."""

    def __init__(self) -> None:
        self.performed = 0
        self.begun = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.error: Exception | None = None
        self.behind: ToyService | None = None

    # what can be said

    async def nothing(self) -> None:
        """Nothing in, nothing out."""

    async def whole(self, value: int) -> int:
        """A whole number of any size."""
        return value

    async def number(self, value: float) -> float:
        """A number."""
        return value

    async def text(self, value: str) -> str:
        """A text."""
        return value

    async def data(self, value: bytes) -> bytes:
        """Bytes."""
        return value

    async def choice(self, value: Literal[-1, 0, "x"]) -> Literal[-1, 0, "x"]:
        """One of a few."""
        return value

    async def colour(self, value: Colour) -> Colour:
        """A member of an enumeration."""
        return value

    async def moment(self, value: datetime) -> datetime:
        """A time."""
        return value

    async def leaf(self, value: Leaf) -> Leaf:
        """A structure of structures."""
        return value

    async def perhaps(self, value: Leaf | None) -> Leaf | None:
        """A structure, or none."""
        return value

    async def leaves(self, value: list[Leaf]) -> list[Leaf]:
        """A list."""
        return value

    async def pair(self, value: tuple[int, str]) -> tuple[int, str]:
        """A tuple."""
        return value

    async def names(self, value: frozenset[str]) -> frozenset[str]:
        """A set."""
        return value

    async def by_name(self, value: dict[str, Leaf]) -> dict[str, Leaf]:
        """A dict by names."""
        return value

    async def by_id(self, value: dict[int, str]) -> dict[int, str]:
        """A dict by numbers."""
        return value

    async def mixed(self, first: int, second: str = "two", *, third: bool = False) -> tuple[int, str, bool]:
        """Arguments by place and by name, with defaults."""
        return first, second, third

    # what can happen

    async def fail(self) -> int:
        """End with whatever error it was given."""
        self.performed += 1
        if self.error is not None:
            raise self.error
        return self.performed

    async def hang(self) -> None:
        """Never end."""
        self.performed += 1
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled.set()

    async def once(self) -> int:
        """How often something was done."""
        self.performed += 1
        return self.performed

    @idempotent
    async def again(self) -> int:
        """The same, for what may be repeated."""
        self.performed += 1
        return self.performed

    async def die(self) -> None:
        """Kill the process."""
        os.kill(os.getpid(), signal.SIGKILL)

    # what it knows of the call

    async def which_request(self) -> str:
        """The id of the request."""
        return request_id.get()

    async def which_trace(self) -> dict[str, str]:
        """The trace that it would hand on."""
        headers: dict[str, str] = {}
        trace.inject(headers)
        return headers

    async def time_left(self) -> float:
        """Seconds left for this call, or for that of the service behind."""
        if self.behind is not None:
            return await self.behind.time_left()
        return deadline.latest() - asyncio.get_running_loop().time()


@asynccontextmanager
async def served(service: ToyService, secret: str = "") -> AsyncIterator[str]:
    """Serve it in this event loop, on a socket like any other; where it is."""
    async with on_loopback(Starlette(routes=call_routes(service, secret))) as url:
        yield url


@asynccontextmanager
async def _application() -> AsyncIterator[ASGIApp]:
    yield Starlette(routes=call_routes(ToyService()))


if __name__ == "__main__":
    logs.configure()
    listeners = listen("127.0.0.1", int(sys.argv[1]))
    url = f"http://127.0.0.1:{listeners[0].getsockname()[1]}"
    serve(_application, listeners, lambda: structlog.get_logger().info("listening", url=url))
