"""Pages as anyone meets them: they come, they say what is there, and cost the same however much there is."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.website.conftest import Site
from upthread.account.model import Author
from upthread.comment.model import ImportedComment, ThreadRef
from upthread.post.model import ImportedPost

pytestmark = pytest.mark.anyio

PUBLIC = ["/", "/all", "/communities", "/search", "/login", "/signup", "/about", "/feed.atom", "/feed.rss", "/logout"]
OWN = [
    "/saved",
    "/saved?type=comments",
    "/hidden",
    "/inbox",
    "/inbox?show=unread",
    "/settings",
    "/settings/profile",
    "/settings/password",
    "/settings/sessions",
    "/settings/delete",
    "/communities/new",
    "/new",
]


async def fill(site: Site, posts: int, comments: int = 0) -> dict[str, int]:
    """Posts with threads, all by one author; ids by key."""
    now = site.clock.now()
    author = Author(id=(await site.services.account.import_people(["ada"], now))["ada"], name="ada")
    ids: dict[str, int] = {}
    for first in range(0, posts, 1000):
        batch = [
            ImportedPost(
                key=f"t3_{n}",
                community="python",
                title=f"Post number {n}",
                url=f"https://example.org/{n}" if n % 2 else "",
                text="Some *words*." if n % 2 == 0 else "",
                author=author,
                created_at=now - n * 60,
                ups=n % 50,
                downs=n % 7,
            )
            for n in range(first, min(first + 1000, posts))
        ]
        ids |= (await site.services.post.import_posts(batch)).ids
    post_id = ids["t3_0"]
    thread = ThreadRef(post_id=post_id, author_id=author.id, title="Post number 0", community="python")
    batch_of_comments = [
        ImportedComment(
            key=f"t1_{n}",
            post_id=post_id,
            parent_key=f"t1_{n % 40}" if n >= 40 else None,
            author=author,
            text=f"Comment number {n}",
            created_at=now - 1000 + n,
            ups=n % 11,
        )
        for n in range(comments)
    ]
    for first in range(0, comments, 1000):
        await site.services.comment.import_comments([thread], batch_of_comments[first : first + 1000])
    await site.services.settle()
    return ids


@pytest.mark.parametrize("path", PUBLIC)
async def test_public_pages_come_on_an_empty_site(site: Site, path: str) -> None:
    """Every page that needs no account comes on a site with nothing in it."""
    answer = await (await site.visitor()).get(path)
    assert answer.status_code == 200
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize("path", OWN)
async def test_own_pages_want_a_log_in_and_then_come(site: Site, path: str) -> None:
    """A page of one's own sends a stranger to the log-in page and comes for a person."""
    stranger = await (await site.visitor()).get(path)
    assert stranger.status_code == 303
    assert stranger.headers["location"].startswith("/login?next=")
    assert (await (await site.person("ada")).get(path)).status_code == 200


async def test_feeds_show_what_was_posted(site: Site) -> None:
    """A post appears on the front page, in its community, on its domain and on its author's page."""
    ada = await site.person("ada")
    await ada.post("/communities/new", data={"name": "python", "title": "Python", "description": "", "rules": ""})
    answer = await ada.post(
        "/new", data={"community": "python", "title": "A <b>bold</b> title", "link": "https://www.example.org/x"}
    )
    assert re.fullmatch(r"/post/\d+", answer.headers["location"])
    for path in ("/", "/c/python", "/d/example.org", "/u/ada", "/?sort=new", "/?sort=week", answer.headers["location"]):
        page = await (await site.visitor()).get(path)
        assert "A &lt;b&gt;bold&lt;/b&gt; title" in page.text.replace("&#x2f;", "/"), path


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nothing", 404),
        ("/post/999", 404),
        ("/post/abc", 404),
        ("/c/nothing", 404),
        ("/u/nobody", 404),
        ("/post/1/", 404),
    ],
)
async def test_what_is_not_there_is_404(site: Site, path: str, status: int) -> None:
    """An address with nothing behind it gives a page that says so and leads on."""
    answer = await (await site.visitor()).get(path)
    assert answer.status_code == status
    assert 'href="&#x2f;"' in answer.text or 'href="/"' in answer.text


async def test_a_deleted_post_is_410_and_keeps_its_comments(site: Site) -> None:
    """The page of a deleted post says that it was deleted and still shows the discussion."""
    ids = await fill(site, 1, comments=3)
    post_id = ids["t3_0"]
    await site.services.account.reset_password("ada", "correct horse battery")
    ada = await site.visitor()
    await ada.post("/login", data={"name": "ada", "password": "correct horse battery"})
    assert (await ada.post(f"/post/{post_id}/delete")).status_code == 303
    page = await (await site.visitor()).get(f"/post/{post_id}")
    assert page.status_code == 410
    assert "Post number 0" not in page.text
    assert "Comment number 2" in page.text


async def test_a_page_costs_the_same_number_of_reads_on_a_large_site(open_site: Callable[..., Site]) -> None:
    """No page asks the database more often when there are more posts or comments."""
    paths = [
        "/",
        "/?sort=new",
        "/?sort=week",
        "/?sort=controversial",
        "/c/python",
        "/u/ada",
        "/d/example.org",
        "/post/{id}",
    ]
    site = open_site()
    counts: list[list[int]] = []
    ids: dict[str, int] = {}
    for posts, comments in ((30, 60), (2000, 2000)):
        ids = await fill(site, posts, comments)
        person = await site.visitor()
        measured = []
        for path in paths:
            before = site.statements()
            answer = await person.get(path.format(id=ids["t3_0"]), headers={"cookie": "theme=dark"})
            assert answer.status_code == 200
            measured.append(site.statements() - before)
        counts.append(measured)
    assert counts[0] == counts[1], dict(zip(paths, zip(*counts, strict=True), strict=True))


async def test_pages_by_key_show_every_post_once(site: Site) -> None:
    """Following "next" from the front page shows every post exactly once."""
    await fill(site, 130)
    visitor = await site.visitor()
    seen: list[str] = []
    path: str | None = "/?sort=new"
    while path:
        page = (await visitor.get(path)).text
        seen += re.findall(r"Post number (\d+)<", page)
        following = re.search(r'href="([^"]*after=[^"]*)"', page)
        path = following[1].replace("&amp;", "&").replace("&#x2f;", "/").replace("&#x3D;", "=") if following else None
    assert sorted(map(int, seen)) == list(range(130))


async def test_a_damaged_cursor_gets_a_message(site: Site) -> None:
    """An address whose cursor was mangled gives a page that says what to do, not a crash."""
    answer = await (await site.visitor()).get("/?after=!!!")
    assert answer.status_code == 422
    assert "start again from the first page" in answer.text


async def test_pages_come_in_the_language_of_the_browser(site: Site) -> None:
    """A browser that prefers Russian gets Russian pages, others English ones."""
    russian = await (await site.visitor(**{"accept-language": "ru-RU,ru;q=0.9,en;q=0.5"})).get("/login")
    english = await (await site.visitor(**{"accept-language": "de, en;q=0.5"})).get("/login")
    assert '<html lang="ru"' in russian.text
    assert "Войти" in russian.text
    assert '<html lang="en"' in english.text


async def test_shared_pages_are_made_once_and_revalidated(site: Site) -> None:
    """Two visitors without cookies get the same bytes from one rendering, and a repeated visit is a 304."""
    await fill(site, 5)
    first = await (await site.visitor()).get("/")
    before = site.statements()
    second = await (await site.visitor()).get("/")
    assert site.statements() == before
    assert first.content == second.content
    again = await (await site.visitor()).get("/", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""


async def test_a_persons_page_is_never_shared(site: Site) -> None:
    """What is made for somebody signed in says so to every cache, and nobody else is given it."""
    ada = await site.person("ada")
    own = await ada.get("/")
    assert own.headers["cache-control"] == "private, no-store"
    assert "ada" not in (await (await site.visitor()).get("/")).text


async def test_crashes_give_a_page_with_the_request_id(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault that nobody foresaw gives a page that apologises, not a bare error."""

    async def broken(*_arguments: Any, **_keywords: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(site.services.post, "feed", broken)
    answer = await (await site.visitor()).get("/")
    assert answer.status_code == 500
    assert "Our mistake" in answer.text


@pytest.mark.parametrize("kind", ["atom", "rss"])
async def test_feeds_are_well_formed_whatever_titles_hold(site: Site, kind: str) -> None:
    """Atom and RSS stay well-formed XML with titles full of markup and control characters."""
    from xml.etree import ElementTree as ET  # noqa: PLC0415 - parses what we made ourselves

    hostile = "]]><script>alert(1)</script> & \x01 \ufffe <!-- \U0001f9f5"
    post = ImportedPost(
        key="t3_x", community="python", title=hostile, author=Author(0, ""), created_at=site.clock.now()
    )
    await site.services.post.import_posts([post])
    for path in (f"/feed.{kind}", f"/c/python/feed.{kind}"):
        answer = await (await site.visitor()).get(path)
        text = "".join(ET.fromstring(answer.content).itertext())  # noqa: S314 - as above
        assert "<script>alert(1)</script>" in text


async def test_style_and_script_come_whole_and_for_ever(site: Site) -> None:
    """What a page's head names comes with a year's leave to keep it, and an outdated address is 404."""
    visitor = await site.visitor()
    page = (await visitor.get("/")).text.replace("&#x2f;", "/")
    for path in re.findall(r'(?:href|src)="(/static/[^"]+)"', page):
        for encoding in ("gzip", "zstd"):
            answer = await visitor.get(path, headers={"accept-encoding": encoding})
            assert answer.status_code == 200
            assert answer.content
            assert "immutable" in answer.headers["cache-control"]
            assert len(answer.content) < 1000 or answer.headers["content-encoding"] == encoding
    assert (await visitor.get("/static/site.0123456789.css")).status_code == 404


async def test_every_feed_that_a_page_names_is_there(site: Site) -> None:
    """The Atom and RSS addresses in the heads of pages lead to feeds."""
    ids = await fill(site, 3, comments=2)
    visitor = await site.visitor()
    for path in ("/", "/all", "/c/python", "/u/ada", "/d/example.org", f"/post/{ids['t3_0']}"):
        page = (await visitor.get(path)).text.replace("&#x2f;", "/").replace("&amp;", "&")
        named = re.findall(r'<link rel="alternate" type="application/[a-z]+\+xml"[^>]* href="([^"]+)"', page)
        assert len(named) == 2, path
        for address in named:
            assert (await visitor.get(address)).headers["content-type"].startswith("application/"), address


async def test_lists_and_threads_show_what_others_have_done(site: Site) -> None:
    """A page that was shown a moment ago shows at once what somebody else has written, voted or deleted since."""
    ada, bob = await site.person("ada"), await site.person("bob")
    await ada.post("/communities/new", data={"name": "python", "title": "Python"})
    post = (await ada.post("/new", data={"community": "python", "title": "Early", "text": "x"})).headers["location"]
    said = await ada.post(f"{post}/comment", data={"body": "Said *first*"})
    comment = said.headers["location"].partition("#c")[2]

    async def shown() -> tuple[str, str]:
        """A list and a thread as Bob has them."""
        return (await bob.get("/c/python")).text, (await bob.get(post)).text

    listed, thread = await shown()
    assert "+1 &minus;0" not in listed
    assert ">Early<" in listed
    assert "Said <em>first</em>" in thread
    await ada.post(f"{post}/vote/1")
    await ada.post(f"/comment/{comment}/edit", data={"body": "Said *again*"})
    await ada.post(f"{post}/edit", data={"title": "Late", "text": "x"})
    listed, thread = await shown()
    assert "+1 &minus;0" in listed
    assert ">Late<" in listed
    assert "Said <em>again</em>" in thread
    assert f'formaction="/comment/{comment}/vote/1' in thread
    await bob.post(f"/comment/{comment}/vote/1")
    assert f'formaction="/comment/{comment}/vote/0' in (await bob.get(post)).text
    assert f'formaction="/comment/{comment}/vote/1' in (await ada.get(post)).text
    await ada.post(f"/comment/{comment}/delete")
    listed, thread = await shown()
    assert "Said <em>" not in thread
    assert "This comment was deleted by its author." in thread
