"""Whatever people write, nothing of it ever runs in another's browser, and it shows as what it is: text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import NewVisitor, welcoming
from tests.browser.hostile import ELSEWHERE, ODD_LINKS, PAYLOADS, REFUSED_LINKS
from tests.browser.visitor import Site, Visitor
from upthread.account.model import BIO_LIMIT
from upthread.post.model import FLAIR_LIMIT

EVERYTHING = "\n\n".join(PAYLOADS)
MARKUP = [payload for payload in PAYLOADS if re.match(r"</?[a-zA-Z]+[\s/>]", payload) and "\0" not in payload]
"""What begins as HTML: as Markdown it is text like any other."""
UNHARMED = """() => {
    const own = location.origin + "/";
    const handlers = [...document.querySelectorAll("*")].filter((element) =>
        element.getAttributeNames().some((name) => name.startsWith("on") || name === "style" || name === "srcdoc"));
    const scripts = [...document.scripts].filter((script) => !script.src.startsWith(own + "static/"));
    const links = [...document.querySelectorAll("[href], [action], [formaction], [src], [data]")].filter((element) =>
        ["href", "action", "formaction", "src", "data"].some((name) =>
            /^\\s*(javascript|data|vbscript):/i.test(element.getAttribute(name) ?? "")));
    // what could load or run something by itself
    const strange = [...document.querySelectorAll("iframe, object, embed, base, svg script, meta[http-equiv], style")];
    const found = [...handlers, ...scripts, ...links, ...strange].map((element) => element.outerHTML.slice(0, 200));
    return { pwned: window.pwned ?? null, found };
}"""
TEXTS = "elements => elements.map(element => element.textContent)"
ORIGINS = "places => places.map(place => new URL(place, location.href).origin)"


@dataclass(frozen=True)
class Traps:
    """Where somebody has put every payload into every place that takes text."""

    community: str
    post: str
    """Its text is all payloads, and each of them is a comment on it."""
    writer: str


@pytest.fixture(scope="module")
def traps(browser: Browser, site: Site, numbers: Iterator[int]) -> Traps:
    """A community of somebody who means harm."""
    with welcoming(browser, site, numbers) as bring:
        writer = bring().sign_up("eris")
        writer.send("/communities/new", name="traps", title=PAYLOADS[0], description=EVERYTHING, rules=EVERYTHING)
        writer.send("/settings/profile", bio=EVERYTHING[:BIO_LIMIT])
        post = writer.send("/new", community="traps", title=PAYLOADS[11], text=EVERYTHING)
        for payload in PAYLOADS:
            writer.send(f"{post}/comment", body=payload)
            writer.send("/new", community="traps", title=payload, text=payload, flair=payload[:FLAIR_LIMIT])
        for link in ODD_LINKS:
            writer.send("/new", community="traps", title=link, link=link)
        writer.send(f"{post}/edit", title=PAYLOADS[12], text=EVERYTHING[::-1])
        return Traps("traps", post, writer.name)


@pytest.fixture(params=[False, True], ids=["policy", "no-policy"])
def reader(visitor: NewVisitor, request: pytest.FixtureRequest) -> Visitor:
    """Somebody who reads; also with a browser that knows no Content-Security-Policy, so that cleaning alone must do."""
    return visitor(ignores_policy=request.param)


def assert_unharmed(page: Page) -> None:
    """Nothing ran, and nothing in the page could."""
    assert page.evaluate(UNHARMED) == {"pwned": None, "found": []}, page.url


def seen(text: str) -> str:
    """A text as a reader sees it: without what can't be seen, and with all space alike."""
    return " ".join(re.sub("[\0\ufffd\ufeff\u202a-\u202e]", "", text).split())


def test_nothing_written_runs(reader: Visitor, traps: Traps) -> None:
    """Titles, texts, comments, flairs, links, descriptions, rules and profiles full of hostile markup do nothing."""
    for path in (
        traps.post,
        f"{traps.post}/history",
        f"/u/{traps.writer}",
        f"/u/{traps.writer}/comments",
        "/communities",
        f"/search?q=script+community:{traps.community}",
        f"/search?q=script+community:{traps.community}&type=comments",
        "/search?q=traps&type=communities",
        f"/c/{traps.community}?sort=new",
    ):
        assert_unharmed(reader.open(path))
    following = reader.page.get_by_role("link", name="Next page")
    while following.count():
        reader.open(following.get_attribute("href") or "")
        assert_unharmed(reader.page)


def test_titles_show_as_typed(visitor: NewVisitor, traps: Traps) -> None:
    """A title with markup in it reads as it was typed, wherever it is listed."""
    reader = visitor()
    page = reader.open(f"/c/{traps.community}?sort=new")
    titles = page.locator(".posts h2 > a:first-child").evaluate_all(TEXTS)
    following = page.get_by_role("link", name="Next page")
    while following.count():
        reader.open(following.get_attribute("href") or "")
        titles += page.locator(".posts h2 > a:first-child").evaluate_all(TEXTS)
    assert {seen(payload) for payload in PAYLOADS + ODD_LINKS} <= {seen(title) for title in titles}


def test_markup_in_comments_shows_as_typed(visitor: NewVisitor, traps: Traps) -> None:
    """HTML in a comment reads as it was typed."""
    page = visitor().open(traps.post)
    bodies = page.locator(".comment > details > .prose").evaluate_all(TEXTS)
    assert {seen(payload) for payload in MARKUP} <= {seen(body) for body in bodies}


def test_no_address_runs(person: NewVisitor) -> None:
    """Hostile markup in an address shows as text in the fields that it fills, or is passed over."""
    reader = person(ignores_policy=True)
    for payload in PAYLOADS:
        page = reader.open(f"/search?{urlencode({'q': payload})}")
        assert_unharmed(page)
        # browsers leave line ends out of a field of one line
        assert seen(page.locator("#q").input_value()).replace(" ", "") == seen(payload).replace(" ", "")
    for path in (
        f"/new?{urlencode(dict.fromkeys(('community', 'title', 'link', 'text'), EVERYTHING))}",
        f"/login?{urlencode({'next': EVERYTHING})}",
        f"/?{urlencode({'sort': EVERYTHING})}",
    ):
        assert_unharmed(reader.open(path))
    assert_unharmed(reader.open(f"/?{urlencode({'after': EVERYTHING})}", 422))
    assert_unharmed(reader.open(f"/c/{urlencode({PAYLOADS[0]: ''})}", 404))


def test_nobody_is_led_elsewhere(visitor: NewVisitor, site: Site) -> None:
    """After a form one goes on to a page of this site, whatever its address asked for."""
    reader = visitor()
    page = reader.open("/login")
    places = []
    for place in ELSEWHERE + PAYLOADS:
        answer = reader.context.request.post(
            "/theme",
            form={"value": "auto", "next": place},
            headers={"Sec-Fetch-Site": "same-origin"},
            max_redirects=0,
        )
        assert answer.status == 303
        places.append(answer.headers["location"])
        assert "session" not in answer.headers.get("set-cookie", "")
    assert set(page.evaluate(ORIGINS, places)) == {site.url}


def test_hostile_links_are_refused(person: NewVisitor) -> None:
    """A post can't link to anything that is no web page, or that hides where it leads."""
    writer = person()
    for link in REFUSED_LINKS:
        answer = writer.context.request.post(
            "/new",
            form={"community": "hiking", "title": "Click", "link": link},
            headers={"Sec-Fetch-Site": "same-origin"},
        )
        assert answer.status == 422, link


def test_guests_names_do_not_run(visitor: NewVisitor, guest_site: Site) -> None:
    """The names that guests give themselves show as text."""
    guest = visitor(to=guest_site, ignores_policy=True)
    post = guest.send("/new", title="By guests", text="x", name="Gus", email="g@example.org")
    for payload in PAYLOADS:
        guest.send(f"{post}/comment", body="Hello", name=payload[:40], email="g@example.org")
    assert_unharmed(guest.open(post))
    names = guest.page.locator(".who").evaluate_all(TEXTS)
    assert {seen(payload[:40]) for payload in MARKUP} <= {seen(name).removesuffix(" guest") for name in names}
    assert not re.search("[\u202a-\u202e]", "".join(names))
