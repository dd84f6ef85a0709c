"""Every page, as a stranger and as a person sees it, on a desktop in light and dark and on a phone."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from starlette.routing import compile_path

from tests.browser.conftest import NewVisitor, Running, one_process, welcoming
from tests.browser.furnishing import Furnished
from tests.browser.looking import assert_structured, assert_well_made
from tests.browser.visitor import Site, Visitor
from upthread.ui.app import PAGES

FOR_ALL = [
    "/",
    "/?sort=day",
    "/all",
    "/c/{community}",
    "/c/{empty}",
    "/d/example.org",
    "/u/{owner}",
    "/u/{owner}/comments",
    "/communities",
    "/search",
    "/search?q=shuttle",
    "/search?q=shuttle&type=comments",
    "/search?q={community}&type=communities",
    "/search?q={owner}&type=people",
    "/search?q=nothinglikethis",
    "/search?q=before:yesterday",
    "/post/{post}",
    "/post/{link}",
    "/post/{locked}",
    "/post/{post}/comment/{reply}",
    "/post/{post}/more?parent={comment}",
    "/post/{post}/history",
    "/comment/{comment}/history",
    "/login?next=/inbox",
    "/signup",
    "/logout",
    "/about",
]
FOR_PEOPLE = [
    "/new?community={community}",
    "/saved",
    "/saved?type=comments",
    "/hidden",
    "/inbox",
    "/inbox?show=unread",
    "/communities/new",
    "/c/{community}/settings",
    "/post/{post}/edit",
    "/post/{post}/delete",
    "/comment/{reply}/reply",
    "/comment/{comment}/edit",
    "/comment/{comment}/delete",
    "/settings",
    "/settings/profile",
    "/settings/password",
    "/settings/sessions",
    "/settings/delete",
]
ERRORS = [
    ("/nowhere", 404),
    ("/post/123456789", 404),
    ("/c/nowhere", 404),
    ("/post/{deleted}", 410),
    ("/comment/{deleted_comment}/reply", 410),
    ("/post/{post}/vote/1", 405),
    ("/c/{community}/settings", 403),
]
REFUSED = [
    ("/login", {"name": "nobody", "password": "wrong and long enough"}, 401),
    ("/signup", {"name": "no spaces", "password": "short"}, 422),
    ("/communities/new", {"name": "!", "title": ""}, 422),
    ("/new", {"community": "", "title": "", "link": "javascript:alert(1)"}, 422),
    ("/new", {"community": "{community}", "title": "Again", "link": "https://example.org/loom"}, 409),
    ("/comment/{reply}/reply", {"body": "x" * 10_001}, 422),
    ("/settings/profile", {"bio": "x" * 10_001}, 422),
    ("/settings/password", {"current": "wrong and long enough", "new": "short"}, 422),
    ("/settings/delete", {"password": "wrong and long enough"}, 422),
]
Check = Callable[[Page], None]
SECRETS = {"password", "current", "new"}
"""Fields that are never shown again."""


def test_no_page_is_left_out(furnished: Furnished) -> None:
    """Every address of the site that shows a page is among those looked at here."""
    looked_at = [furnished.at(path).partition("?")[0] for path in FOR_ALL + FOR_PEOPLE]
    left_out = [
        route
        for methods, route, _ in PAGES
        if "GET" in methods and "{format" not in route and not any(map(compile_path(route)[0].match, looked_at))
    ]
    assert left_out == []


@pytest.fixture(scope="module")
def stranger(browser: Browser, site: Site, numbers: Iterator[int]) -> Iterator[Visitor]:
    """Somebody without an account, who looks at one page after the other."""
    with welcoming(browser, site, numbers) as bring:
        yield bring()


@pytest.fixture(scope="module")
def owner(browser: Browser, site: Site, numbers: Iterator[int], furnished: Furnished) -> Iterator[Visitor]:
    """Somebody signed in, who looks at one page after the other."""
    with welcoming(browser, site, numbers) as bring:
        yield bring(cookies=furnished.cookies)


@pytest.fixture(scope="module")
def check_order(running: Running) -> Check:
    """Whether a page is in order; how it looks need be seen once only, whatever the site keeps its data in."""
    return assert_well_made if running is one_process else assert_structured


@pytest.mark.parametrize("path", FOR_ALL)
def test_a_stranger_sees_a_page_in_order(
    stranger: Visitor, furnished: Furnished, check_order: Check, path: str
) -> None:
    """A stranger can read the page at any width, in light and dark, and with assistive technology."""
    check_order(stranger.open(furnished.at(path)))
    assert stranger.troubles == []


@pytest.mark.parametrize("path", FOR_ALL + FOR_PEOPLE)
def test_a_person_sees_a_page_in_order(owner: Visitor, furnished: Furnished, check_order: Check, path: str) -> None:
    """Somebody signed in can use the page at any width, in light and dark, and with assistive technology."""
    check_order(owner.open(furnished.at(path)))
    assert owner.troubles == []


@pytest.mark.parametrize(("path", "status"), ERRORS)
def test_an_error_has_a_page_in_order(
    visitor: NewVisitor, furnished: Furnished, check_order: Check, path: str, status: int
) -> None:
    """What is not there, or no longer, or not for this person, is told by a page as well made as the others."""
    check_order(visitor(cookies=furnished.others_cookies).open(furnished.at(path), status))


@pytest.mark.parametrize(("path", "fields", "status"), REFUSED)
def test_a_refused_form_is_in_order(
    visitor: NewVisitor, furnished: Furnished, check_order: Check, path: str, fields: dict[str, str], status: int
) -> None:
    """A form that is refused comes back with what was typed, and with the mistake beside it and announced."""
    page = visitor(cookies=furnished.cookies, expects={status}).open(furnished.at(path))
    form = page.locator("main form[method=post]").first
    form.evaluate("form => form.noValidate = true")
    for field, text in fields.items():
        form.locator(f"[name={field}]").fill(furnished.at(text))
    form.locator(".buttons .main, .buttons .danger").last.click()
    expect(page.get_by_role("alert").first).to_be_visible()
    for field, text in fields.items():
        expected = "" if field in SECRETS else furnished.at(text)
        expect(form.locator(f"[name={field}]")).to_have_value(expected)
    check_order(page)
