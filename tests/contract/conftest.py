"""The services that the contract suite runs against: so far near, on SQLite."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from upthread.account.passwords import Passwords

from upthread.assembly import Services, open_services
from upthread.runtime.clock import ManualClock


@pytest.fixture
async def services(tmp_path: Path, clock: ManualClock, cheap_passwords: Passwords) -> AsyncIterator[Services]:
    """All three services, empty, on files of their own."""
    async with open_services(tmp_path / "data", clock, cheap_passwords) as opened:
        yield opened
