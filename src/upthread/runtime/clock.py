"""The one source of time. Everything that asks for the time is given a clock, so tests can hold it still."""

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time in whole Unix seconds, UTC."""

    def now(self) -> int:
        """Seconds since 1970-01-01T00:00:00Z."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        """Seconds since 1970-01-01T00:00:00Z."""
        return int(time.time())


class ManualClock:
    """A clock that stands still until it is told to move: for tests, and for imports that bring their own time."""

    def __init__(self, now: int) -> None:
        self._now = now

    def now(self) -> int:
        """The time it was last set to."""
        return self._now

    def advance(self, seconds: int) -> None:
        """Move forward (or back, if negative)."""
        self._now += seconds
