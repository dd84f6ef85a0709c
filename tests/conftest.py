"""What every test shares: one event loop library and a clock that stands still."""

import pytest

from upthread.runtime.clock import ManualClock

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
