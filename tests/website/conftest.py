"""The website over real services, asked in this process: what pages say and do, without a browser."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from upthread.account.passwords import Passwords
from upthread.assembly import Doors, Services, open_services
from upthread.runtime.clock import ManualClock
from upthread.settings import Settings
from upthread.ui.app import make_app

BASE = "http://upthread.test"


@dataclass
class Site:
    """A site, and visitors that come to it, each with cookies of their own."""

    services: Services
    clock: ManualClock
    app: object
    stack: AsyncExitStack
    visitors: list[httpx.AsyncClient] = field(default_factory=list)

    async def visitor(self, **headers: str) -> httpx.AsyncClient:
        """Somebody new with a browser."""
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)  # type: ignore[arg-type]  # ASGI's types differ
        client = httpx.AsyncClient(
            transport=transport,
            base_url=BASE,
            headers={"sec-fetch-site": "same-origin", "accept-language": "en", **headers},
        )
        return await self.stack.enter_async_context(client)

    async def person(self, name: str) -> httpx.AsyncClient:
        """Somebody who has just signed up."""
        client = await self.visitor()
        answer = await client.post("/signup", data={"name": name, "password": "correct horse battery"})
        assert answer.status_code == 303, answer.text
        return client

    def statements(self) -> int:
        """Reads run so far in all databases."""
        return sum(database.statements for database in self.services.databases)


@pytest.fixture
async def open_site(
    tmp_path: Path, clock: ManualClock, cheap_passwords: Passwords
) -> AsyncIterator[Callable[..., object]]:
    """Opens a site with the settings asked for, over the services themselves or what stands in front of them."""
    async with AsyncExitStack() as stack:
        services = await stack.enter_async_context(open_services(tmp_path / "data", clock, cheap_passwords))

        def opened(doors: Doors = services, **settings: str) -> Site:
            environment = {f"UPTHREAD_{name.upper()}": value for name, value in settings.items()}
            app = make_app(doors, Settings.from_environment(environment), clock, b"a secret for tests")
            return Site(services, clock, app, stack)

        yield opened


@pytest.fixture
async def site(open_site: Callable[..., Site]) -> Site:
    """A site as it is without any setting, empty."""
    return open_site()
