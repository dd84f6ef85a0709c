"""What the front page weighs, what protects it, and what it looks like."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.conftest import ARTIFACTS, NewVisitor
from tests.browser.furnishing import Furnished
from tests.browser.visitor import DESKTOP, PHONE

HEAVIEST = 60 * 1024
LOOKS = ["/", "/c/weaving", "/post/{post}", "/new", "/search?q=the", "/u/penelope", "/settings", "/login", "/nowhere"]


def test_the_front_page_is_light(visitor: NewVisitor) -> None:
    """The front page with all that belongs to it is at most 60 KB over the wire."""
    reader = visitor()
    session = reader.context.new_cdp_session(reader.page)
    session.send("Network.enable")
    sizes: list[int] = []
    note: Callable[[dict[str, Any]], None] = lambda event: sizes.append(int(event["encodedDataLength"]))  # noqa: E731
    session.on("Network.loadingFinished", note)
    reader.open("/")
    reader.page.wait_for_load_state("networkidle")
    print(f"front page: {sum(sizes)} bytes in {len(sizes)} answers")  # noqa: T201 - the figure is of interest
    assert len(sizes) >= 3
    assert sum(sizes) <= HEAVIEST


@pytest.mark.parametrize(("scheme", "secure"), [("https", True), ("http", False)])
def test_cookies_are_locked(visitor: NewVisitor, scheme: str, *, secure: bool) -> None:
    """The session cookie can't be read by scripts, is not sent across sites, and stays on TLS where there is TLS."""
    person = visitor(headers={"X-Forwarded-Proto": scheme})
    answer = person.context.request.post(
        "/signup",
        form={"name": f"cookie_{scheme}", "password": "correct horse battery"},
        headers={"Sec-Fetch-Site": "same-origin"},
        max_redirects=0,
    )
    [cookie] = [one["value"] for one in answer.headers_array if one["value"].startswith("session=")]
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    assert ("Secure" in cookie) is secure


@pytest.mark.parametrize("look", ["light", "dark", "phone"])
def test_screenshots(visitor: NewVisitor, furnished: Furnished, look: str) -> None:
    """The main pages are kept as pictures, so that people can judge them."""
    owner = visitor(
        size=PHONE if look == "phone" else DESKTOP,
        scheme="dark" if look == "dark" else "light",
        cookies=furnished.cookies,
        expects={404},
    )
    folder = ARTIFACTS / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    for path in LOOKS:
        owner.page.goto(furnished.at(path))
        name = path.strip("/").partition("?")[0].replace("/", "-").replace("{", "").replace("}", "") or "front"
        owner.page.screenshot(path=folder / f"{name}-{look}.png")
