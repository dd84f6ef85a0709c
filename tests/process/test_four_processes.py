"""The site in four processes, as its visitors see it when all is well."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.process.conftest import Start
from tests.process.fleet import SERVICES, Fleet, eventually, sign_up, text
from upthread import __version__


@pytest.fixture
def site(start: Start, tmp_path: Path) -> Fleet:
    """All four."""
    fleet = Fleet(start, tmp_path / "data")
    fleet.begin("ui", *SERVICES)
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


def test_what_one_does_arrives_everywhere(site: Fleet, ann: httpx.Client) -> None:
    """Through four processes a comment is counted, an answer is in the inbox, and votes are karma."""
    with site.visitor() as bob:
        sign_up(bob, "bob")
        assert bob.post("/post/1/comment", data={"body": "Lovely little bird."}).status_code == 303
        assert bob.post("/post/1/vote/1").status_code == 303
    eventually(lambda: "1 Comments Birds" in text(ann, "/c/birds"))
    eventually(lambda: "bob replied new Lovely little bird." in text(ann, "/inbox"))
    eventually(lambda: "karma 1 for posts" in text(ann, "/u/ann"))


def test_a_service_tells_how_it_is(site: Fleet) -> None:
    """Each service answers the original's health check for its database, and lets nobody in without the secret."""
    for room in SERVICES:
        health = httpx.get(f"{site.where(room)}/healthcheck").json()
        assert (health["status"], health["dependent_services"]) == (1, {f"{room}db": 1})
        labels = f'{{branch="",commit_hash="",version="{__version__}"}}'
        assert f"{room}_health{labels} 1.0" in httpx.get(f"{site.where(room)}/metrics").text
        assert httpx.post(f"{site.where(room)}/call/check", json={}).status_code == 403
