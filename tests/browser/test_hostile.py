"""Whatever people write, nothing of it ever runs in another's browser."""

from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import NewVisitor
from tests.browser.hostile import PAYLOADS
from tests.browser.visitor import Site, Visitor

UNHARMED = """() => {
    const own = location.origin + "/";
    const handlers = [...document.querySelectorAll("*")].filter((element) =>
        element.getAttributeNames().some((name) => name.startsWith("on") || name === "style" || name === "srcdoc"));
    const scripts = [...document.scripts].filter((script) => !script.src.startsWith(own + "static/"));
    const links = [...document.querySelectorAll("[href], [action], [formaction], [src], [data]")].filter((element) =>
        /^\\s*(javascript|data|vbscript):/i.test(element.href || element.action || element.src || element.data || ""));
    // what could load or run something by itself
    const strange = [...document.querySelectorAll("iframe, object, embed, base, svg script, meta[http-equiv], style")];
    const found = [...handlers, ...scripts, ...links, ...strange].map((element) => element.outerHTML.slice(0, 200));
    return { pwned: window.pwned ?? null, found };
}"""


def assert_unharmed(page: Page, where: str) -> None:
    """Nothing ran, and nothing in the page could."""
    assert page.evaluate(UNHARMED) == {"pwned": None, "found": []}, where


@pytest.fixture(params=[False, True], ids=["policy", "no-policy"])
def reader(visitor: NewVisitor, request: pytest.FixtureRequest) -> Visitor:
    """Somebody who reads; also with a browser that knows no Content-Security-Policy, so that cleaning alone must do."""
    return visitor(ignores_policy=request.param)


def test_nothing_written_runs(visitor: NewVisitor, reader: Visitor) -> None:
    """Titles, texts, comments, flairs, descriptions, rules and profiles full of hostile markup show as text."""
    kind = "loose" if reader.ignores_policy else "strict"
    writer = visitor().sign_up(f"eve_{kind}")
    everything = "\n\n".join(PAYLOADS)
    place = f"traps_{kind}"
    writer.send("/communities/new", name=place, title=PAYLOADS[0], description=everything, rules=everything)
    writer.send("/settings/profile", bio="\n\n".join(PAYLOADS[:25])[:2000])
    collection = writer.send("/new", community=place, title=PAYLOADS[11], text=everything)
    for payload in PAYLOADS:
        writer.send(f"{collection}/comment", body=payload)
        writer.send("/new", community=place, title=payload[:300], text=payload, flair=payload[:64].strip() or "x")
    writer.send(f"{collection}/edit", title=PAYLOADS[12], text=everything[::-1])
    paths = [
        f"/c/{place}?sort=new",
        collection,
        f"{collection}/history",
        f"/u/{writer.name}",
        f"/u/{writer.name}/comments",
        "/communities",
        "/?sort=new",
        f"/search?q=script+community:{place}",
        f"/search?q=script+community:{place}&type=comments",
        "/search?q=traps&type=communities",
    ]
    for path in paths:
        assert_unharmed(reader.open(path), path)
    page = reader.open(f"/c/{place}?sort=new")
    while page.get_by_role("link", name="Next page").count():
        page.get_by_role("link", name="Next page").click()
        page.wait_for_load_state()
        assert_unharmed(page, page.url)


def test_no_address_runs(reader: Visitor) -> None:
    """Searches, sorts, cursors and places to return to that hold hostile markup are shown as text or passed over."""
    reader.expected |= {404, 422}
    for payload in PAYLOADS[::5]:
        for parameter in (
            f"/search?{urlencode({'q': payload})}",
            f"/login?{urlencode({'next': payload})}",
            f"/new?{urlencode({'title': payload})}",
        ):
            reader.page.goto(parameter)
            assert_unharmed(reader.page, parameter)
    for payload in PAYLOADS[::10]:
        reader.page.goto(f"/?{urlencode({'sort': payload, 'after': payload})}")
        assert_unharmed(reader.page, payload)


def test_hostile_links_are_refused(visitor: NewVisitor) -> None:
    """A post can't link to anything that is no web page."""
    writer = visitor().sign_up("eve_links")
    writer.send("/communities/new", name="trap_links", title="Links")
    for link in (
        "javascript:window.pwned=1",
        "JAVASCRIPT:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
    ):
        answer = writer.context.request.post(
            "/new",
            form={"community": "trap_links", "title": "Click", "link": link},
            headers={"Sec-Fetch-Site": "same-origin"},
        )
        assert answer.status == 422, link


def test_guests_names_do_not_run(visitor: NewVisitor, guest_site: Site) -> None:
    """The names that guests give themselves show as text."""
    guest = visitor(to=guest_site)
    post = guest.send("/new", title="By guests", text="x", name="Gus", email="g@example.org")
    for payload in PAYLOADS:
        guest.send(f"{post}/comment", body="Hello", name=payload[:40].strip() or "x", email="g@example.org")
    assert_unharmed(guest.open(post), post)
