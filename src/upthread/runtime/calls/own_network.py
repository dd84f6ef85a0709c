"""A service that asks for no secret answers its own network only: nobody whose address is one of the internet's."""

import ipaddress
from functools import lru_cache

import structlog
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

log = structlog.get_logger(__name__)


class OwnNetworkOnly:
    """Refuses (403) whoever comes from elsewhere. A proxy on the same network is near, whomever it speaks for."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it."""
        client = scope.get("client")
        if scope["type"] != "http" or client is None or _is_near(client[0]):
            await self._app(scope, receive, send)
            return
        log.warning("refused as no secret is set", address=client[0])
        refusal = PlainTextResponse("Without UPTHREAD_CALL_SECRET this service answers its own network only.\n", 403)
        await refusal(scope, receive, send)


@lru_cache(maxsize=1024)
def _is_near(address: str) -> bool:
    """Whether an address is loopback's, a private network's, or otherwise none that the internet could lead to."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return not ip.is_global
