"""A service is stopped or frozen: every page that can come comes, in time, and every form comes back as it was sent."""

import asyncio
from collections.abc import Awaitable, Callable
from html.parser import HTMLParser
from typing import Any, cast

import httpx
import pytest
from starlette.routing import compile_path

from tests.website.conftest import Site
from tests.website.missing import ACCOUNT, COMMENT, MISSING, ONLY, POST, SHOWN, WITHOUT
from upthread.assembly import Doors
from upthread.errors import Unavailable, Unreached
from upthread.runtime.calls.deadline import latest
from upthread.ui.app import PAGES
from upthread.ui.patience import PAGE

pytestmark = pytest.mark.anyio

SECRET = "correct horse battery"
TEXT = 'First line\n\n    <b>"code"</b> & more\n'
"""What a form must not lose a character of."""

SENT: dict[str, tuple[set[str], dict[str, str]]] = {
    "/new": (
        {POST, ACCOUNT},
        {"community": "birds", "title": 'A "wren" & <more>', "link": "https://example.org/wren", "text": TEXT,
         "flair": "Seen", "nsfw": "1"},
    ),
    "/post/1/edit": ({POST, ACCOUNT}, {"title": "Another title", "text": TEXT}),
    "/post/1/delete": ({POST, ACCOUNT}, {}),
    "/post/1/vote/1": ({POST, ACCOUNT}, {"next": "/c/birds"}),
    "/post/1/save": ({POST, ACCOUNT}, {"value": "1", "next": "/c/birds"}),
    "/post/1/hide": ({POST, ACCOUNT}, {"value": "1", "next": "/c/birds"}),
    "/post/1/lock": ({POST, ACCOUNT}, {"value": "1", "next": "/c/birds"}),
    "/post/1/comment": ({POST, COMMENT, ACCOUNT}, {"parent": "1", "body": TEXT, "next": "/post/1"}),
    "/comment/1/edit": ({COMMENT, ACCOUNT}, {"body": TEXT}),
    "/comment/1/delete": ({COMMENT, ACCOUNT}, {}),
    "/comment/1/vote/-1": ({COMMENT, ACCOUNT}, {"next": "/post/1"}),
    "/comment/1/save": ({COMMENT, ACCOUNT}, {"value": "1", "next": "/post/1"}),
    "/preview": (set(), {"body": TEXT}),
    "/communities/new": (
        {POST, ACCOUNT},
        {"name": "trees", "title": "Trees", "description": TEXT, "rules": "Be kind."},
    ),
    "/c/birds/settings": ({POST, ACCOUNT}, {"title": "Little birds", "description": TEXT, "rules": "Be kind."}),
    "/c/birds/subscribe": ({POST, ACCOUNT}, {"value": "0", "next": "/c/birds"}),
    "/signup": ({ACCOUNT}, {"name": "bob", "password": SECRET, "next": "/c/birds"}),
    "/login": ({ACCOUNT}, {"name": "ada", "password": SECRET, "next": "/c/birds"}),
    "/logout": ({ACCOUNT}, {}),
    "/settings": (
        {ACCOUNT},
        {"theme": "dark", "language": "en", "feed_sort": "new", "comment_sort": "old", "density": "compact"},
    ),
    "/settings/profile": ({ACCOUNT}, {"bio": TEXT}),
    "/settings/password": ({ACCOUNT}, {"current": SECRET, "new": "another long password"}),
    "/settings/sessions/end": ({ACCOUNT}, {"session": "others"}),
    "/settings/delete": ({ACCOUNT}, {"password": SECRET, "content": "keep"}),
    "/theme": (set(), {"value": "dark", "next": "/c/birds"}),
    "/inbox/read": ({ACCOUNT}, {"all": "1", "next": "/inbox"}),
}  # fmt: skip
"""All forms, which services they can't do without, and what somebody sends by them."""
PASSWORDS = {"password", "current", "new"}


class Time:
    """The event loop's time, which frozen services use up without anybody having to wait."""

    spent = 0.0


class Door:
    """A service's door, as one in another process: it may be stopped or frozen, and no call is made late."""

    def __init__(self, service: object, name: str, time: Time) -> None:
        self._service = service
        self._name = name
        self._time = time
        self.state = "up"

    def __getattr__(self, method: str) -> Callable[..., Awaitable[Any]]:
        async def call(*arguments: Any, **keywords: Any) -> Any:
            left = latest() - asyncio.get_running_loop().time()
            if self.state == "stopped" or left <= 0:
                raise Unreached(service=self._name)
            if self.state == "frozen":
                await asyncio.sleep(0)
                self._time.spent += left
                raise Unavailable(service=self._name)
            return await getattr(self._service, method)(*arguments, **keywords)

        return call


@pytest.fixture
async def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    """The time of this test's event loop."""
    time, loop = Time(), asyncio.get_running_loop()
    real = loop.time
    monkeypatch.setattr(loop, "time", lambda: real() + time.spent)
    return time


@pytest.fixture
def doors(open_site: Callable[..., Site], time: Time) -> dict[str, Door]:
    """The doors of a site's services, by their names."""
    services = open_site().services
    return {name: Door(getattr(services, name), name, time) for name in MISSING}


@pytest.fixture
async def ada(open_site: Callable[..., Site], doors: dict[str, Door]) -> httpx.AsyncClient:
    """Ada, who has a community, a post and a comment on a site where any service may go missing."""
    site = open_site(Doors(**cast("Any", doors)))
    ada = await site.person("ada")
    await ada.post("/communities/new", data={"name": "birds", "title": "Birds"})
    await ada.post("/new", data={"community": "birds", "title": "A wren", "text": "Seen today."})
    answer = await ada.post("/post/1/comment", data={"body": "A little bird."})
    assert answer.headers["location"] == "/post/1#c1"
    return ada


class FormAgain(HTMLParser):
    """The form on a page that offers to send it again, as a browser reads it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.types: dict[str, str] = {}
        self._inside = False
        self._text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Enter a form or a field."""
        given = {name: value or "" for name, value in attributes}
        if tag == "form":
            self._inside = "again" in given.get("class", "").split()
            self.action = given["action"] if self._inside else self.action
        elif self._inside and tag in {"input", "textarea"}:
            self.fields[given["name"]] = given.get("value", "")
            self.types[given["name"]] = given.get("type", tag)
            self._text = given["name"] if tag == "textarea" else ""

    def handle_data(self, data: str) -> None:
        """Take the text of a field, whose first line break is the page's."""
        if self._text:
            self.fields[self._text] = data.removeprefix("\n")
            self._text = ""

    def handle_endtag(self, tag: str) -> None:
        """Leave a form."""
        self._inside = self._inside and tag != "form"


def test_every_page_and_form_is_tried() -> None:
    """No page and no form of the site is left out here."""
    shown, sent = ([path.partition("?")[0] for path in table] for table in (SHOWN, SENT))
    for methods, template, _ in PAGES:
        pattern, _, _ = compile_path(template)
        assert "GET" not in methods or any(map(pattern.match, shown)), template
        assert "POST" not in methods or any(map(pattern.match, sent)), template


@pytest.mark.parametrize("state", ["stopped", "frozen"])
@pytest.mark.parametrize("missing", MISSING)
async def test_what_can_come_comes_in_time(
    ada: httpx.AsyncClient, doors: dict[str, Door], time: Time, missing: str, state: str
) -> None:
    """With a service stopped or frozen each page comes in time and says what is missing."""
    doors[missing].state = state
    for path, needs in SHOWN.items():
        time.spent = 0.0
        answer = await ada.get(path)
        assert time.spent <= PAGE, path
        expected = needs.get(missing)
        assert answer.status_code == (503 if expected == ONLY else 200), path
        noted = expected == WITHOUT or (expected == ONLY and missing == ACCOUNT)
        assert [name for name, note in MISSING.items() if note in answer.text] == ([missing] if noted else []), path
        assert (f"The {missing} service does not answer." in answer.text) == (expected == ONLY), path


@pytest.mark.parametrize("path", SENT)
async def test_forms_come_back_and_can_be_sent_again(ada: httpx.AsyncClient, doors: dict[str, Door], path: str) -> None:
    """A form that a missing service could not take comes back with all but passwords, and can be sent again later."""
    needs, fields = SENT[path]
    secrets = {name: value for name, value in fields.items() if name in PASSWORDS}
    again = dict(fields)
    for missing in needs:
        doors[missing].state = "stopped"
        refused = await ada.post(path, data=again)
        assert refused.status_code == 503
        assert f"The {missing} service does not answer, so this was not done." in refused.text
        form = FormAgain(refused.text)
        assert form.action == path
        assert form.fields == fields | dict.fromkeys(secrets, "")
        assert all(form.types[name] == "password" for name in secrets)
        again = form.fields | secrets
        doors[missing].state = "up"
    for name in MISSING.keys() - needs:
        doors[name].state = "stopped"
    taken = await ada.post(path, data=again)
    assert taken.status_code == (200 if path == "/preview" else 303)
    assert "/login" not in taken.headers.get("location", "")


async def test_who_may_have_been_heard_is_told_so(ada: httpx.AsyncClient, doors: dict[str, Door]) -> None:
    """A form whose service was asked and has not answered comes back with the advice to look first."""
    doors["comment"].state = "frozen"
    sent = {"body": TEXT, "next": "/post/1"}
    refused = await ada.post("/post/1/comment", data=sent)
    assert refused.status_code == 503
    assert "It may have done this all the same: look before you send it again." in refused.text
    assert FormAgain(refused.text).fields == sent
    told = await ada.post("/post/1/comment", data=sent, headers={"x-fragment": "1"})
    assert told.status_code == 503
    assert "look before you send it again" in told.json()["detail"]


async def test_waiting_for_anothers_page_counts(
    open_site: Callable[..., Site], doors: dict[str, Door], time: Time
) -> None:
    """Two strangers who open the same page at once while its service is frozen wait no longer than one does."""
    doors["post"].state = "frozen"
    site = open_site(Doors(**cast("Any", doors)))
    strangers = [await site.visitor() for _ in range(2)]
    answers = await asyncio.gather(*(stranger.get("/post/1") for stranger in strangers))
    assert [answer.status_code for answer in answers] == [503, 503]
    assert time.spent <= PAGE
