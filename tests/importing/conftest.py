"""A folder to import into, the command that does it, and a look at what came of it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest
from click.testing import CliRunner, Result

from upthread.assembly import Services, open_services
from upthread.importing.command import import_group

T = TypeVar("T")
Look = Callable[[Services], Awaitable[T]]


class Site:
    """A site in a folder of its own that dumps are imported into by the command."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"

    def run(self, *arguments: str | Path) -> Result:
        """Run ``upthread import reddit`` with these arguments."""
        command = ["reddit", *map(str, arguments), "--data", str(self.data)]
        return CliRunner().invoke(import_group, command, catch_exceptions=False)

    def look(self, look: Look[T]) -> T:
        """What this function finds by the services' doors."""

        async def opened() -> T:
            async with open_services(self.data) as services:
                return await look(services)

        return asyncio.run(opened())


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A site that nothing has been imported into yet."""
    return Site(tmp_path)
