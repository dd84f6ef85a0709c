"""The main pages as pictures, kept as an artefact of the test run so that people can judge what no test can."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.browser.conftest import ARTIFACTS, NewVisitor
from tests.browser.furnishing import Furnished
from tests.browser.visitor import DESKTOP, PHONE

FOLDER = ARTIFACTS / "screenshots"
PAGES = {
    "front": "/",
    "community": "/c/{community}",
    "thread": "/post/{post}",
    "submit": "/new?community={community}",
    "search": "/search?q=the",
    "profile": "/u/{other}",
    "inbox": "/inbox",
    "history": "/post/{post}/history",
    "settings": "/settings",
    "about": "/about",
    "not-here": "/nowhere",
}
FOR_STRANGERS = {"welcome": "/", "login": "/login", "communities": "/communities"}
LOOKS: Mapping[str, dict[str, Any]] = {
    "light": {"size": DESKTOP, "scheme": "light"},
    "dark": {"size": DESKTOP, "scheme": "dark"},
    "phone": {"size": PHONE, "scheme": "light"},
}


@pytest.mark.parametrize("running", ["sqlite"], indirect=True)
@pytest.mark.parametrize("look", LOOKS)
def test_main_pages_are_kept_as_pictures(visitor: NewVisitor, furnished: Furnished, look: str) -> None:
    """Everyone can see how the site looks without starting it."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    person = visitor(cookies=furnished.cookies, expects={404}, **LOOKS[look])
    stranger = visitor(**LOOKS[look])
    for reader, pages in ((person, PAGES), (stranger, FOR_STRANGERS)):
        for name, path in pages.items():
            reader.page.goto(furnished.at(path))
            reader.page.screenshot(path=FOLDER / f"{name}-{look}.png")
