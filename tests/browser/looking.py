"""What has to hold for every page, whatever it shows: axe-core finds nothing, it fits, and it says what it is."""

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT, AxeResults  # type: ignore[import-untyped]  # it has no types
from playwright.sync_api import Page

from tests.browser.visitor import DESKTOP, PHONE, SMALLEST

ALL_RULES: dict[str, Any] = {
    "resultTypes": ["violations"],
    "preload": False,  # of style sheets, for rules that are not in use
    # part of WCAG 2.2 AA, which axe leaves off until more sites are asked for it
    "rules": {"target-size": {"enabled": True}},
}
COLOUR_RULES: dict[str, Any] = {
    "resultTypes": ["violations"],
    "preload": False,
    "runOnly": ["color-contrast", "link-in-text-block"],
}
"""What may come out differently in another colour scheme."""

STRUCTURE = """() => ({
    title: document.title,
    language: document.documentElement.lang,
    headings: document.querySelectorAll("h1").length,
    ids: [...document.querySelectorAll("[id]")].map(element => element.id)
        .filter((id, place, all) => all.indexOf(id) !== place),
})"""
TOO_WIDE = """() => document.documentElement.scrollWidth <= window.innerWidth ? [] :
    [...document.querySelectorAll("body *")]
        .filter(element => element.getBoundingClientRect().right > window.innerWidth + 1)
        .map(element => element.outerHTML.slice(0, 200))"""
SHORTEN = """() => document.querySelectorAll(".posts > :nth-child(n+5)").forEach(post => post.remove())"""
"""Axe takes its time for each row, and the fifth post is made as the first."""


def assert_well_made(page: Page) -> None:
    """The page that is shown is in order on a phone and on a desktop, in light and in dark."""
    page.emulate_media(color_scheme="light")
    assert_structured(page)
    fingers = page.context.new_cdp_session(page)
    fingers.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    for size in (SMALLEST, PHONE):
        page.set_viewport_size(size)
        assert page.evaluate(TOO_WIDE) == [], f"too wide at {size['width']} px"
    page.evaluate(SHORTEN)
    page.evaluate(AXE_SCRIPT)
    assert_no_violations(page, ALL_RULES)
    fingers.send("Emulation.setTouchEmulationEnabled", {"enabled": False})
    page.set_viewport_size(DESKTOP)
    assert_no_violations(page, ALL_RULES)
    page.emulate_media(color_scheme="dark")
    assert_no_violations(page, COLOUR_RULES)


def assert_structured(page: Page) -> None:
    """The page has a title, one heading of its own, a language, and nothing in it is named twice."""
    structure = page.evaluate(STRUCTURE)
    assert structure["headings"] == 1
    assert structure["title"].endswith("Upthread")
    assert structure["language"]
    assert not structure["ids"], "two elements share an id"


def assert_no_violations(page: Page, options: dict[str, Any]) -> None:
    """axe-core finds nothing."""
    found = AxeResults(page.evaluate("options => axe.run(options)", options))
    assert found.violations_count == 0, found.generate_report()
