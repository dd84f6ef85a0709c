"""What a process says about itself to those who watch over it."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest
from starlette.applications import Starlette

from upthread.errors import Unavailable
from upthread.runtime import health
from upthread.runtime.health import health_routes
from upthread.runtime.requests import Requests

pytestmark = pytest.mark.anyio


async def _well() -> None:
    pass


async def _down() -> None:
    raise Unavailable(service="comment")


async def _silent() -> None:
    await asyncio.Event().wait()


def site(**checks: Callable[[], Awaitable[None]]) -> httpx.AsyncClient:
    """A client of a site with these services."""
    app = Starlette(routes=health_routes(checks, "1.2.3"))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here")


async def test_all_well() -> None:
    """A site whose services are all well says 1 for each and for itself, in the original's form."""
    async with site(post=_well, comment=_well) as client:
        answer = await client.get("/healthcheck")
        assert (await client.get("/readyz")).status_code == 200
    assert answer.json() == {"status": 1, "dependent_services": {"post": 1, "comment": 1}, "version": "1.2.3"}


@pytest.mark.parametrize("broken", [_down, _silent])
async def test_one_is_down(broken: Callable[[], Awaitable[None]], monkeypatch: pytest.MonkeyPatch) -> None:
    """With a service that fails, or says nothing in time, the site still answers and names it."""
    monkeypatch.setattr(health, "DEADLINE", 0.01)
    async with site(post=_well, comment=broken) as client:
        answer = await client.get("/healthcheck")
        ready = await client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": 0, "dependent_services": {"post": 1, "comment": 0}, "version": "1.2.3"}
    assert (ready.status_code, ready.text) == (503, "not answering: comment\n")


async def test_alive_whatever_is_down() -> None:
    """A process whose services are down is alive all the same: restarting it would help nobody."""
    async with site(comment=_down) as client:
        assert (await client.get("/livez")).status_code == 200


async def test_metrics_tell_health_as_of_now() -> None:
    """The health gauges have the original's names and are as of the moment they are asked for."""
    async with site(post=_well, comment=_down) as client:
        answer = await client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    told = answer.text.splitlines()
    labels = '{branch="",commit_hash="",version="1.2.3"}'
    assert f"ui_health{labels} 0.0" in told
    assert f"ui_health_post_availability{labels} 1.0" in told
    assert f"ui_health_comment_availability{labels} 0.0" in told


async def test_metrics_have_the_original_names() -> None:
    """Requests are counted under the name that the original's dashboards ask for, without the ending of the library."""
    Requests(Starlette())
    async with site() as client:
        told = (await client.get("/metrics")).text
    assert "# TYPE ui_request_count counter" in told
    assert "# TYPE ui_request_response_time histogram" in told
    assert "ui_request_count_total" not in told
    assert "_created" not in told
