"""How long a call may take: no longer than whoever asked for the page, or for the call before this, still waits."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

PATIENCE = 30.0
"""Seconds that a call may take where nobody has said how long they wait: between services, and for commands."""

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)
"""On the event loop's clock."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Let the calls made in here end so many seconds from now, or earlier where less time is left anyway."""
    own, given = asyncio.get_running_loop().time() + seconds, _deadline.get()
    token = _deadline.set(own if given is None else min(own, given))
    try:
        yield
    finally:
        _deadline.reset(token)


def latest() -> float:
    """When a call made now has to end, on the event loop's clock."""
    given = _deadline.get()
    return asyncio.get_running_loop().time() + PATIENCE if given is None else given
