"""What keeps others out of a visitor's browser: cookies and headers, as the browser takes them."""

import pytest

from tests.browser.conftest import NewVisitor
from tests.browser.furnishing import Furnished
from tests.browser.visitor import PASSWORD, Site, Visitor

HTTPS = {"X-Forwarded-Proto": "https"}
FORBIDDEN = ("unsafe-inline", "unsafe-eval", "http:", "https:", "*")
"""What no Content-Security-Policy here may have in it."""


def signed_up(visitor: Visitor, name: str) -> Visitor:
    """Have them sign up through the page, as cookies are the browser's affair."""
    page = visitor.open("/signup")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    visitor.press("Make an account")
    page.get_by_text(f"Welcome, {name}!").wait_for()
    return visitor


def test_cookies_are_out_of_reach(visitor: NewVisitor) -> None:
    """No script can read the cookies, and no other site's form sends them; without TLS they work without it."""
    reader = signed_up(visitor(), "themis")
    reader.page.locator("footer").get_by_role("button", name="Dark").click()
    cookies = reader.context.cookies()
    assert "session" in {cookie["name"] for cookie in cookies}
    assert {(cookie["httpOnly"], cookie["sameSite"], cookie["secure"]) for cookie in cookies} == {(True, "Lax", False)}
    assert reader.page.evaluate("document.cookie") == ""


def test_cookies_stay_on_tls(visitor: NewVisitor) -> None:
    """Behind a proxy that speaks TLS, every cookie is sent over TLS only."""
    reader = signed_up(visitor(headers=HTTPS), "dike")
    assert {cookie["secure"] for cookie in reader.context.cookies()} == {True}


def test_strangers_cannot_pretend_to_be_the_proxy(visitor: NewVisitor, guest_site: Site) -> None:
    """A site that trusts no proxy takes no notice of what a visitor says about the protocol and the address."""
    reader = visitor(to=guest_site, headers=HTTPS | {"X-Forwarded-For": "203.0.113.7"})
    signed_up(reader, "hermes")
    assert {cookie["secure"] for cookie in reader.context.cookies()} == {False}
    page = reader.open("/settings/sessions")
    assert "127.0.0.1" in page.locator("main").inner_text()
    assert "203.0.113.7" not in page.locator("main").inner_text()


@pytest.mark.parametrize("path", ["/", "/post/{post}", "/login", "/nowhere", "/static/nothing.css", "/feed.atom"])
def test_every_answer_is_guarded(visitor: NewVisitor, furnished: Furnished, path: str) -> None:
    """Whatever the address, the browser is told to run and load nothing but the site's own, and to show it nowhere."""
    reader = visitor(expects={404})
    answer = reader.context.request.get(furnished.at(path))
    policy = answer.headers["content-security-policy"]
    rules = {rule.split()[0]: rule.split()[1:] for rule in policy.split(";")}
    assert rules["default-src"] == ["'none'"]
    assert rules["script-src"] == rules["style-src"] == ["'self'"]
    assert rules["frame-ancestors"] == rules["base-uri"] == ["'none'"]
    assert not {word for words in rules.values() for word in words} & set(FORBIDDEN)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "strict-origin-when-cross-origin"


def test_another_sites_form_does_nothing(person: NewVisitor) -> None:
    """A form on another site that is sent here by a visitor's browser is refused, and nothing has changed."""
    victim = person(expects={403})
    victim.forgives(r"^asked elsewhere")
    form = f"""<form method="post" action="{victim.site.url}/settings/profile">
        <input name="bio" value="Hacked"><button>Win a prize</button></form>"""
    victim.page.route("http://evil.example/", lambda route: route.fulfill(content_type="text/html", body=form))
    victim.page.goto("http://evil.example/")
    with victim.page.expect_navigation() as navigation:
        victim.page.get_by_role("button").click()
    assert navigation.value.status == 403
    page = victim.open(f"/u/{victim.name}")
    assert "Hacked" not in page.locator("main").inner_text()
