"""Who a visitor is behind proxies, and how they came."""

import pytest
from starlette.types import Receive, Scope, Send

from upthread.runtime.memory import Ready
from upthread.ui.proxies import BehindProxies

TRUSTED = ["10.0.0.0/8", "2001:db8::1/128"]


class Website:
    """Has nothing ready."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer nothing."""

    def from_memory(self, scope: Scope) -> Ready | None:  # noqa: ARG002 - it looks at nothing
        """Nothing."""
        return None


def seen(client: str, *headers: tuple[str, str]) -> tuple[str, str]:
    """The address and scheme that the website is told, by a request that passes twice."""
    scope: Scope = {
        "client": (client, 1234),
        "scheme": "http",
        "headers": [(name.encode(), value.encode()) for name, value in headers],
    }
    proxies = BehindProxies(Website(), TRUSTED)
    proxies.from_memory(scope)
    once = dict(scope)
    proxies.from_memory(scope)
    assert scope == once
    return scope["client"][0], str(scope["scheme"])


FOR, PROTO = "x-forwarded-for", "x-forwarded-proto"


@pytest.mark.parametrize("proxy", ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1"])
def test_trusted_proxies_are_believed(proxy: str) -> None:
    """Where a trusted proxy says who asks and how, that is how it is seen."""
    assert seen(proxy, (FOR, "192.0.2.7"), (PROTO, "https")) == ("192.0.2.7", "https")


@pytest.mark.parametrize("stranger", ["192.0.2.1", "2001:db8::2", "", "unix:", "1" * 100])
def test_nobody_else_is(stranger: str) -> None:
    """What anybody else says about whom they ask for is passed over."""
    assert seen(stranger, (FOR, "192.0.2.7"), (PROTO, "https")) == (stranger, "http")


@pytest.mark.parametrize(
    ("said", "visitor"),
    [
        (["192.0.2.7, 10.0.0.2"], "192.0.2.7"),
        (["198.51.100.1, 192.0.2.7", " 10.0.0.2 ,10.0.0.3"], "192.0.2.7"),
        (["10.0.0.9, 10.0.0.2"], "10.0.0.9"),
        (["made up, 192.0.2.7"], "192.0.2.7"),
        (["192.0.2.7, made up"], "made up"),
        ([""], "10.1.2.3"),
        ([], "10.1.2.3"),
    ],
)
def test_the_last_stranger_asks(said: list[str], visitor: str) -> None:
    """Of several addresses the visitor's is the last that is no proxy's: those before it are what the visitor says."""
    assert seen("10.1.2.3", *((FOR, value) for value in said))[0] == visitor


@pytest.mark.parametrize("said", ["ftp", "", "javascript"])
def test_schemes_are_known_ones(said: str) -> None:
    """A scheme that is not one of the web's is passed over."""
    assert seen("10.1.2.3", (PROTO, said)) == ("10.1.2.3", "http")
