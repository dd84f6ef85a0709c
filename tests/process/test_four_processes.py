"""The site in four processes, as its visitors see it: whole, without one of them, and whole again."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.process.conftest import Start
from tests.process.fleet import Fleet, eventually, sign_up
from upthread import __version__

MISSING = {
    "post": "some problems with the post service",
    "comment": "Can&#x27;t show comments, some problems with the comment service",
    "account": "Can&#x27;t tell who you are, some problems with the account service",
}
PROMPT = 2.0
"""Seconds within which a page comes whatever is down."""


@pytest.fixture
def fleet(start: Start, tmp_path: Path) -> Fleet:
    """The website alone, with no service there yet."""
    fleet = Fleet(start, tmp_path / "data")
    fleet.begin("ui")
    return fleet


@pytest.fixture
def site(fleet: Fleet) -> Fleet:
    """All four."""
    fleet.begin(*MISSING)
    fleet.whole()
    return fleet


@pytest.fixture
def ann(site: Fleet) -> Iterator[httpx.Client]:
    """Ann, who has signed up, founded a community and posted there."""
    with site.visitor() as ann:
        sign_up(ann, "ann")
        assert ann.post("/communities/new", data={"name": "birds", "title": "Birds"}).status_code == 303
        posted = ann.post("/new", data={"community": "birds", "title": "A wren", "text": "Seen today."})
        assert posted.headers["location"] == "/post/1"
        yield ann


def shown(visitor: httpx.Client, page: str) -> httpx.Response:
    """A page that has to come promptly."""
    began = time.monotonic()
    answer = visitor.get(page)
    assert time.monotonic() - began < PROMPT, page
    return answer


def text(visitor: httpx.Client, page: str) -> str:
    """What can be read on a page."""
    return " ".join(re.sub(r"<[^>]+>", " ", visitor.get(page).text).split())


def test_what_one_does_arrives_everywhere(site: Fleet, ann: httpx.Client) -> None:
    """Through four processes a comment is counted, an answer is in the inbox, and votes are karma."""
    with site.visitor() as bob:
        sign_up(bob, "bob")
        assert bob.post("/post/1/comment", data={"body": "Lovely little bird."}).status_code == 303
        assert bob.post("/post/1/vote/1").status_code == 303
    eventually(lambda: "1 Comments Birds" in text(ann, "/c/birds"))
    eventually(lambda: "bob replied new Lovely little bird." in text(ann, "/inbox"))
    eventually(lambda: "karma 1 for posts" in text(ann, "/u/ann"))


def test_the_website_waits_for_the_others(fleet: Fleet) -> None:
    """The website starts alone and says what is missing, and is whole once the services have come."""
    with fleet.visitor() as visitor:
        assert MISSING["post"] in shown(visitor, "/").text
        assert visitor.get("/livez").status_code == 200
        assert visitor.get("/readyz").status_code == 503
        fleet.begin(*MISSING)
        eventually(lambda: visitor.get("/readyz").status_code == 200)
        assert visitor.get("/").status_code == 200


def test_a_service_tells_how_it_is(site: Fleet) -> None:
    """Each service answers the original's health check for its database, and lets nobody in without the secret."""
    for room in MISSING:
        health = httpx.get(f"{site.where(room)}/healthcheck").json()
        assert (health["status"], health["dependent_services"]) == (1, {f"{room}db": 1})
        labels = f'{{branch="",commit_hash="",version="{__version__}"}}'
        assert f"{room}_health{labels} 1.0" in httpx.get(f"{site.where(room)}/metrics").text
        assert httpx.post(f"{site.where(room)}/call/check", json={}).status_code == 403


def gone(site: Fleet, ann: httpx.Client, room: str, pages: dict[str, int]) -> None:
    """Stop a service and see that these pages come, with these statuses, and say what is missing."""
    site.stop(room)
    for page, status in pages.items():
        answer = shown(ann, page)
        assert (page, answer.status_code) == (page, status)
        assert MISSING[room] in answer.text if status == 200 else f"The {room} service does not answer." in answer.text


def keeps(ann: httpx.Client, form: str, **fields: str) -> None:
    """Send a form that can't be taken now, and see that it comes back with what was typed."""
    refused = ann.post(form, data=fields)
    assert refused.status_code == 503
    assert all(value in refused.text for value in fields.values())


def test_without_the_comment_service(site: Fleet, ann: httpx.Client) -> None:
    """Without comments a post comes and says so, a comment that was typed stays, and all is well afterwards."""
    gone(site, ann, "comment", {"/post/1": 200, "/u/ann/comments": 200})
    assert "Seen today." in text(ann, "/post/1")
    assert all(shown(ann, page).status_code == 200 for page in ("/", "/c/birds", "/u/ann", "/inbox", "/settings"))
    keeps(ann, "/post/1/comment", body="Typed with much care.")
    site.begin("comment")
    eventually(lambda: MISSING["comment"] not in ann.get("/post/1").text)
    assert ann.post("/post/1/comment", data={"body": "Typed with much care."}).status_code == 303
    eventually(lambda: "1 Comments Birds" in text(ann, "/c/birds"))


def test_without_the_account_service(site: Fleet, ann: httpx.Client) -> None:
    """Without accounts everybody reads, pages say why nobody is signed in, and everybody is again afterwards."""
    gone(site, ann, "account", {"/": 200, "/c/birds": 200, "/post/1": 200, "/inbox": 503, "/settings": 503})
    keeps(ann, "/new", community="birds", title="A robin, typed with care")
    keeps(ann, "/post/1/comment", body="Typed with much care.")
    site.begin("account")
    eventually(lambda: MISSING["account"] not in ann.get("/").text)
    assert "A wren" in text(ann, "/u/ann")


def test_without_the_post_service(site: Fleet, ann: httpx.Client) -> None:
    """Without posts pages say so, what was typed stays, and all is well afterwards."""
    gone(site, ann, "post", {"/": 200, "/u/ann": 200, "/c/birds": 503, "/post/1": 503, "/communities": 503})
    assert all(shown(ann, page).status_code == 200 for page in ("/inbox", "/settings", "/about"))
    keeps(ann, "/new", community="birds", title="A robin, typed with care")
    site.begin("post")
    eventually(lambda: "A wren" in ann.get("/").text)
    assert ann.post("/new", data={"community": "birds", "title": "A robin"}).status_code == 303


def test_facts_wait_for_who_is_down(site: Fleet, ann: httpx.Client) -> None:
    """What was voted while the account service was down is karma once it is back, and counted once."""
    site.stop("account")
    with site.visitor() as guest:
        assert guest.post("/post/1/vote/1").status_code == 303
    site.begin("account")
    eventually(lambda: "karma 1 for posts" in text(ann, "/u/ann"))
