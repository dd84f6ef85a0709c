"""The original's website beside ours, on the same processes."""

import threading
from pathlib import Path

import httpx
import pytest

from tests.process.conftest import Start
from tests.process.fleet import Fleet, eventually

POST = {"title": "A wren", "link": "https://example.org/wren", "created_at": "1600000000"}


@pytest.fixture
def site(start: Start, tmp_path: Path) -> Fleet:
    """Our four processes, which have a secret and are told to serve the original's website all the same."""
    fleet = Fleet(start, tmp_path / "data", UPTHREAD_SEED_CONTRACT="on")
    fleet.begin("ui", "post", "comment", "account")
    fleet.whole()
    return fleet


def test_two_websites_show_the_same(site: Fleet) -> None:
    """What is posted and said at either website is at the other, and 64 votes of both at once are all counted."""
    post, comment = site.where("post"), site.where("comment")
    warning = "the original's paths ask for no secret: whoever reaches this port can write"
    assert [name for name, process in site.processes.items() if warning in process.events()] == ["post", "comment"]
    assert httpx.post(f"{post}/add_post", data=POST).text == "OK"
    (made,) = httpx.get(f"{post}/posts").json()
    post_id = made["_id"]["$oid"]
    assert (made["title"], made["created_at"], made["votes"]) == ("A wren", "1600000000", 0)

    with site.visitor() as visitor:
        page = visitor.get(f"/post/{post_id}")
        assert page.headers["location"] == "/post/1"
        assert "A wren" in visitor.get("/post/1").text
        said = {"name": "Cid", "email": "cid@example.org", "body": "Said at ours."}
        assert visitor.post("/post/1/comment", data=said).status_code == 303
        said = {"name": "Ann", "email": "ann@example.org", "body": "Said at theirs.", "post_id": post_id}
        assert httpx.post(f"{comment}/add_comment", data=said).status_code == 200
        assert "Said at theirs." in visitor.get("/post/1").text
        eventually(lambda: "2 comments" in visitor.get("/post/1").text)

    bodies = [(each["body"], each["email"]) for each in httpx.get(f"{comment}/{post_id}/comments").json()]
    assert bodies == [("Said at ours.", ""), ("Said at theirs.", "ann@example.org")]

    def vote_there() -> None:
        httpx.post(f"{post}/vote", data={"id": post_id, "type": "1"}).raise_for_status()

    def vote_here() -> None:
        with site.visitor() as guest:
            guest.post("/post/1/vote/1")

    voters = [threading.Thread(target=vote) for vote in [vote_there, vote_here] * 32]
    for voter in voters:
        voter.start()
    for voter in voters:
        voter.join()
    assert httpx.get(f"{post}/post/{post_id}").json()["votes"] == 64


def test_a_secret_keeps_the_original_out(start: Start, tmp_path: Path) -> None:
    """Where services ask each other for a secret, paths that ask for none are not there unless somebody says so."""
    fleet = Fleet(start, tmp_path / "data")
    fleet.begin("post", "comment")
    assert httpx.get(f"{fleet.where('post')}/posts").status_code == 404
    assert httpx.post(f"{fleet.where('post')}/add_post", data=POST).status_code == 404
    assert httpx.get(f"{fleet.where('comment')}/{'0' * 24}/comments").status_code == 404


def test_without_a_secret_it_is_let_in(start: Start, tmp_path: Path) -> None:
    """Two processes without any setting of ours are enough for the original's website."""
    fleet = Fleet(start, tmp_path / "data", UPTHREAD_CALL_SECRET="")
    fleet.begin("post", "comment")
    assert httpx.post(f"{fleet.where('post')}/add_post", data=POST).status_code == 200
    (made,) = httpx.get(f"{fleet.where('post')}/posts").json()
    said = {"post_id": made["_id"]["$oid"], "name": "Ann", "email": "ann@example.org", "body": "Yes", "created_at": "1"}
    assert httpx.post(f"{fleet.where('comment')}/add_comment/", data=said).status_code == 200
    (shown,) = httpx.get(f"{fleet.where('comment')}/{said['post_id']}/comments").json()
    del shown["_id"]
    assert shown == said
