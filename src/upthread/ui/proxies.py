"""Who a visitor is and how they came, where a proxy stands in front of the site."""

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

from starlette.types import Receive, Scope, Send

from upthread.runtime.memory import Ready, Remembering

LONGEST_ADDRESS = 45
"""Letters of an IPv6 address with an IPv4 address in it. What is longer is none, and not worth remembering."""


class BehindProxies:
    """Believes the ``X-Forwarded-For`` and ``X-Forwarded-Proto`` of proxies that are trusted, and of nobody else.

    A request may pass here twice, when it is looked for in memory and when it is answered: that changes nothing, as
    the address found is still the last that is not a proxy's.
    """

    def __init__(self, app: Remembering, trusted: Iterable[str]) -> None:
        """Stand in front of the application.

        Args:
            app: the website.
            trusted: networks of proxies.
        """
        self._app = app
        self._networks = [ipaddress.ip_network(network) for network in trusted]
        self._is_known = lru_cache(maxsize=1024)(self._is_in_networks)  # 4 µs to find out

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request as its visitor's."""
        self._see_through(scope)
        await self._app(scope, receive, send)

    def from_memory(self, scope: Scope) -> Ready | None:
        """The same from memory."""
        self._see_through(scope)
        return self._app.from_memory(scope)

    def _see_through(self, scope: Scope) -> None:
        client = scope.get("client")
        if client is None or not self._is_trusted(client[0]):
            return
        came_by: list[str] = []
        for name, value in scope["headers"]:
            if name == b"x-forwarded-for":
                came_by += [address for part in value.decode("latin-1").split(",") if (address := part.strip())]
            elif name == b"x-forwarded-proto" and (scheme := value.strip()) in (b"http", b"https"):
                scope["scheme"] = scheme.decode()
        if came_by:
            # Each proxy adds whom it was asked by. What stands before a stranger is what that one says.
            strangers = (address for address in reversed(came_by) if not self._is_trusted(address))
            scope["client"] = (next(strangers, came_by[0]), 0)

    def _is_trusted(self, address: str) -> bool:
        return len(address) <= LONGEST_ADDRESS and self._is_known(address)

    def _is_in_networks(self, address: str) -> bool:
        try:
            ip = ipaddress.ip_address(address)
        except ValueError:
            return False
        if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:  # as a socket for both kinds calls them
            ip = ip.ipv4_mapped
        return any(ip in network for network in self._networks)
