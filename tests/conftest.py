"""What every test shares: one event loop library, a clock that stands still, properties that run alike each time."""

import argon2
import pytest
from hypothesis import settings

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
