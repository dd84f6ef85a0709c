"""The site in four processes without one of them or its database, and whole again."""

from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.mongo_server import MongoServer
from tests.process.conftest import HANGING, Start
from tests.process.fleet import SECRET, SERVICES, Fleet, eventually, sign_up, text
from tests.website.missing import MISSING, ONLY, SHOWN, WITHOUT
from upthread.account.model import Actor
from upthread.comment.model import ThreadRef
from upthread.runtime import courier
from upthread.runtime.calls import circuit
from upthread.runtime.calls.wire import JSON, encode
from upthread.storage.sqlite import connect

SOON = 5.0
"""Seconds within which the site is whole again."""
LATE = 5.0
"""Seconds after which a visitor gives up. That a page comes in two is asserted in tests/website, without a clock."""
SOME = ("/", "/post/1", "/u/ada", "/inbox", "/search?q=wren")
"""Pages tried while each may take its full time."""
FORMS = {
    "post": ("/new", {"community": "birds", "title": "A robin, typed with care"}),
    "comment": ("/post/1/comment", {"body": "Typed with much care."}),
    "account": ("/settings/profile", {"bio": "A life, typed with care."}),
}
"""A form that each service has to take."""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data folder of all services."""
    return tmp_path / "data"


@pytest.fixture
def fleet(start: Start, data: Path) -> Fleet:
    """The website alone, with no service there yet."""
    fleet = Fleet(start, data)
    fleet.begin("ui")
    return fleet


@pytest.fixture
def ada(fleet: Fleet) -> Iterator[httpx.Client]:
    """Ada, who has a community, a post and a comment on a site where all is well."""
    fleet.begin(*SERVICES)
    fleet.whole()
    with fleet.visitor() as ada:
        furnish(ada)
        yield ada


def furnish(ada: httpx.Client) -> None:
    """Let Ada sign up, found a community, post and comment there."""
    sign_up(ada, "ada")
    assert ada.post("/communities/new", data={"name": "birds", "title": "Birds"}).status_code == 303
    assert ada.post("/new", data={"community": "birds", "title": "A wren"}).headers["location"] == "/post/1"
    assert ada.post("/post/1/comment", data={"body": "A little bird."}).headers["location"] == "/post/1#c1"
    eventually(lambda: "1 Comments Birds" in text(ada, "/c/birds"))
    ada.timeout = httpx.Timeout(LATE)


def without(ada: httpx.Client, missing: str, pages: tuple[str, ...]) -> None:
    """See that these pages come without a service, or say that they can't."""
    for page in pages:
        answer, becomes = ada.get(page), SHOWN[page].get(missing)
        assert answer.status_code == (503 if becomes == ONLY else 200), page
        assert (MISSING[missing] in answer.text) or becomes != WITHOUT, page
        assert (f"The {missing} service does not answer." in answer.text) == (becomes == ONLY), page


def is_whole(ada: httpx.Client, page: str) -> bool:
    """Whether a page comes with all its parts."""
    answer = ada.get(page)
    return answer.status_code == 200 and not any(note in answer.text for note in MISSING.values())


def told(ada: httpx.Client, fleet: Fleet, missing: str) -> Callable[[], bool]:
    """Do what a missing service has to be told of; whether it knows."""
    if missing == "account":
        with fleet.visitor() as guest:
            assert guest.post("/post/1/vote/1").status_code == 303
            answer = {"body": "Where was it?", "name": "Gus", "email": "g@example.org"}
            assert guest.post("/post/1/comment", data=answer).status_code == 303
        return lambda: "karma 1 for posts" in text(ada, "/u/ada") and "Where was it?" in text(ada, "/inbox")
    if missing == "comment":
        assert ada.post("/post/1/edit", data={"title": "A wood wren"}, timeout=HANGING).status_code == 303
        return lambda: "A wood wren" in text(ada, "/u/ada/comments")
    # The site would not take a comment now; this one is of a page that had the post already when it went.
    said: dict[str, object] = {
        "actor": Actor(id=-1, name="Gus", email="g@example.org"),
        "thread": ThreadRef(post_id=1, author_id=1, title="A wren", community="birds"),
        "parent_id": None,
        "text": "Where was it?",
    }
    headers = {"authorization": f"Bearer {SECRET}", "content-type": JSON}
    assert httpx.post(f"{fleet.where('comment')}/call/add", content=encode(said), headers=headers).is_success
    return lambda: "2 Comments Birds" in text(ada, "/c/birds")


@pytest.mark.parametrize("how", ["killed", "frozen"])
@pytest.mark.parametrize("missing", SERVICES)
def test_without_a_service(fleet: Fleet, ada: httpx.Client, missing: str, how: str) -> None:
    """Without a service pages come and say so, nothing typed is lost, and all is well and told once it is back."""
    if how == "killed":
        fleet.lose(missing)
    else:
        fleet.freeze(missing)
    without(ada, missing, tuple(SHOWN) if how == "killed" else SOME)
    form, typed = FORMS[missing]
    refused = ada.post(form, data=typed, timeout=HANGING)
    assert refused.status_code == 503
    assert all(value in refused.text for value in typed.values())
    assert f"The {missing} service" in refused.text
    arrived = told(ada, fleet, missing)

    assert ada.get("/livez").status_code == 200
    eventually(lambda: ada.get("/readyz").text == f"not answering: {missing}\n")
    health = {name: int(name != missing) for name in SERVICES}
    eventually(lambda: ada.get("/healthcheck").json()["dependent_services"] == health)
    others = [f"{fleet.where(name)}/readyz" for name in SERVICES if name != missing]
    eventually(lambda: all(httpx.get(other).is_success for other in others))

    if how == "killed":
        fleet.begin(missing)
    else:
        fleet.thaw(missing)
    eventually(lambda: all(map(partial(is_whole, ada), SOME)))
    eventually(arrived)
    fleet.whole()
    assert ada.post(form, data=typed, timeout=HANGING).status_code == 303


def test_whole_again_soon() -> None:
    """Nobody who waits for a service pauses so long that the site is not whole five seconds after it is back."""
    assert courier.LONGEST_PAUSE + circuit.PAUSE < SOON


def test_the_website_waits_for_the_others(fleet: Fleet) -> None:
    """The website starts alone and says what is missing, and is whole once the services have come."""
    with fleet.visitor() as visitor:
        assert MISSING["post"] in visitor.get("/").text
        assert visitor.get("/livez").status_code == 200
        assert visitor.get("/readyz").status_code == 503
        fleet.begin(*SERVICES)
        fleet.whole()
        assert MISSING["post"] not in visitor.get("/").text


def test_a_database_that_takes_nothing(ada: httpx.Client, data: Path) -> None:
    """While a SQLite file is locked pages come, a form that it can't take comes back, and afterwards it is taken."""
    with closing(connect(data / "post.sqlite3")) as other:
        other.execute("BEGIN IMMEDIATE")
        assert all(ada.get(page).status_code == 200 for page in SOME)
        refused = ada.post("/post/1/edit", data={"title": "A wood wren"}, timeout=HANGING)
        assert refused.status_code == 503
        assert "A wood wren" in refused.text
        assert "look before you send it again" in refused.text
    assert ada.post("/post/1/edit", data={"title": "A wood wren"}, timeout=HANGING).status_code == 303
    assert "A wood wren" in text(ada, "/c/birds")


def test_a_mongodb_that_is_gone(start: Start, tmp_path: Path) -> None:
    """While the MongoDB of all services is gone pages say what is missing, and the site is whole once it is back."""
    with MongoServer(tmp_path / "mongodb", "--sync-on-commit") as server:
        fleet = Fleet(start, tmp_path / "data", DATABASE_URL=server.url)
        fleet.begin("ui", *SERVICES)
        fleet.whole()
        with fleet.visitor() as ada:
            furnish(ada)
            server.kill()
            for page in SOME:
                answer = ada.get(page)
                assert answer.status_code in {200, 503}, page
                assert MISSING["account"] in answer.text, page
            refused = ada.post("/new", data={"community": "birds", "title": "A robin"}, timeout=HANGING)
            assert refused.status_code == 503
            assert "A robin" in refused.text
            assert {ada.get("/livez").status_code, ada.get("/readyz").status_code} == {200, 503}
            server.start()
            fleet.whole()
            eventually(lambda: all(map(partial(is_whole, ada), SOME)))
            assert ada.post("/new", data={"community": "birds", "title": "A robin"}, timeout=HANGING).status_code == 303
