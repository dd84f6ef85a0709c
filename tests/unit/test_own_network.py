"""Who may call a service that asks for no secret."""

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from upthread.runtime.calls.own_network import OwnNetworkOnly

pytestmark = pytest.mark.anyio

SERVICE = OwnNetworkOnly(Starlette(routes=[Route("/", lambda _request: PlainTextResponse("here"))]))


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("127.0.0.1", 200),
        ("::1", 200),
        ("10.0.2.7", 200),
        ("172.18.0.3", 200),
        ("192.168.1.20", 200),
        ("100.64.3.1", 200),
        ("fd12:3456::1", 200),
        ("fe80::1%eth0", 200),
        ("::ffff:10.0.0.1", 200),
        ("8.8.8.8", 403),
        ("2606:4700::1", 403),
        ("::ffff:8.8.8.8", 403),
        ("nowhere", 403),
    ],
)
async def test_only_ones_own_network_is_answered(address: str, status: int) -> None:
    """Loopback and private networks are let in, and addresses of the internet are not."""
    transport = httpx.ASGITransport(SERVICE, client=(address, 50_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://post") as caller:
        assert (await caller.get("/")).status_code == status
