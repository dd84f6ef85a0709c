"""What the front page weighs."""

from collections.abc import Callable
from typing import Any

from tests.browser.conftest import NewVisitor

Figure = Callable[[str, object], None]
HEAVIEST = 60_000
"""Bytes, as they go over the wire."""


def test_the_front_page_is_light(visitor: NewVisitor, record_property: Figure) -> None:
    """A first visit of the front page with all that belongs to it is quick on any line."""
    reader = visitor()
    network = reader.context.new_cdp_session(reader.page)
    network.send("Network.enable")
    network.send("Network.setCacheDisabled", {"cacheDisabled": True})
    addresses: dict[str, str] = {}
    weights: dict[str, int] = {}

    def note_request(event: dict[str, Any]) -> None:
        addresses[event["requestId"]] = event["request"]["url"].removeprefix(reader.site.url)

    def note_end(event: dict[str, Any]) -> None:
        weights[addresses[event["requestId"]]] = int(event["encodedDataLength"])

    network.on("Network.requestWillBeSent", note_request)
    network.on("Network.loadingFinished", note_end)
    page = reader.open("/")
    # A browser without a window shows no icon beside a title, so it does not fetch it by itself.
    page.evaluate("fetch(document.querySelector('link[rel=icon]').href)")
    page.wait_for_load_state("networkidle")
    parts = ", ".join(f"{address} {weight:,}" for address, weight in weights.items())
    record_property("The front page weighs", f"{sum(weights.values()):,} bytes: {parts}")
    assert {address.rpartition(".")[2] for address in weights} == {"/", "css", "js", "svg"}
    assert sum(weights.values()) <= HEAVIEST
