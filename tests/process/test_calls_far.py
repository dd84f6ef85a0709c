"""What a service is like from afar: the same, over a real socket, with the caller's id, trace, secret and deadline."""

import math
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from tests.process.toy import NOON, Colour, Leaf, ToyService, served
from upthread.errors import (
    ERRORS,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    RateLimited,
    SignInNeeded,
    StartError,
    Unavailable,
    Unreached,
    UpthreadError,
)
from upthread.runtime.calls import server, trace
from upthread.runtime.calls.client import far
from upthread.runtime.calls.deadline import within
from upthread.runtime.logs import request_id

pytestmark = pytest.mark.anyio

SECRET = "s" * 32
TREE = Leaf("root", [Leaf("left", number=0), Leaf("right", [Leaf("ünter\u2028\U0001f9f5")])])
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def near() -> ToyService:
    """The service in person."""
    return ToyService()


@pytest.fixture
async def toy(near: ToyService) -> AsyncIterator[ToyService]:
    """The same service from afar."""
    async with served(near) as url, far(ToyService, url) as toy:
        yield toy


@pytest.mark.parametrize(
    ("method", "value"),
    [
        ("whole", 0),
        ("whole", -(2**63)),
        ("whole", 10**30),
        ("number", 0.1),
        ("number", -1e300),
        ("text", ""),
        ("text", '"\\\x00\n\u2028é\U0001f9f5'),
        ("text", "half a character: \ud83d"),
        ("data", bytes(range(256))),
        ("choice", -1),
        ("choice", "x"),
        ("colour", Colour.RED),
        ("moment", NOON),
        ("leaf", TREE),
        ("perhaps", None),
        ("perhaps", TREE),
        ("leaves", []),
        ("leaves", [TREE] * 3),
        ("pair", (1, "one")),
        ("names", frozenset({"a", "b"})),
        ("by_name", {"": TREE, "b": Leaf("b")}),
        ("by_id", {-1: "a", 10**12: "b"}),
    ],
)
async def test_values_come_back_as_they_were(toy: ToyService, near: ToyService, method: str, value: Any) -> None:
    """Whatever the type, far and near give the same answer."""
    answer = await getattr(toy, method)(value)
    assert answer == await getattr(near, method)(value) == value
    assert type(answer) is type(value)


async def test_arguments_by_place_by_name_and_left_out(toy: ToyService, near: ToyService) -> None:
    """Arguments are passed as they are near, defaults included."""
    for service in (toy, near):
        assert await service.nothing() is None  # type: ignore[func-returns-value]
        assert await service.mixed(1) == (1, "two", False)
        assert await service.mixed(1, "2", third=True) == (1, "2", True)
        assert await service.mixed(second="2", first=1) == (1, "2", False)


async def test_it_is_a_service_of_its_type(toy: ToyService) -> None:
    """Whoever holds the service can't tell where it is."""
    assert isinstance(toy, ToyService)
    assert toy.mixed.__doc__ == ToyService.mixed.__doc__


NAMED = [
    UpthreadError("Something with {brackets} and {number}.", brackets="{}", number=3),
    Invalid("A title has at most {limit} characters.", field="title", limit=300),
    SignInNeeded("Log in to do this."),
    Forbidden("Only moderators can lock a post."),
    NotFound("There is no {thing} “{name}”.", thing="community", name="düne\ud800"),
    Conflict("This was changed by somebody else."),
    Gone("This post has been deleted."),
    RateLimited("Try again in {retry_after} s.", retry_after=7),
    Unavailable(service="database"),
    Unreached(service="database"),
    StartError("There is no room here."),
]


def test_no_named_error_is_forgotten() -> None:
    """All named errors are in the list for the next test."""
    assert {type(error) for error in NAMED} == set(ERRORS.values())


@pytest.mark.parametrize("error", NAMED, ids=lambda error: error.code)
async def test_named_errors_keep_their_type(toy: ToyService, near: ToyService, error: UpthreadError) -> None:
    """An error raised afar is raised here with the same type, message and parameters, and the call is not repeated."""
    near.error = error
    with pytest.raises(UpthreadError) as caught:
        await toy.fail()
    assert type(caught.value) is type(error)
    assert vars(caught.value) == vars(error)
    assert str(caught.value) == str(error)
    assert near.performed == 1


@pytest.mark.parametrize("error", [RuntimeError("a bug"), TimeoutError("its own"), KeyError("x")])
async def test_bugs_make_a_service_unavailable(toy: ToyService, near: ToyService, error: Exception) -> None:
    """An unexpected error there is a missing service here, is not asked for again, and opens no circuit."""
    near.error = error
    for _ in range(10):
        with pytest.raises(Unavailable, match="The toy service does not answer"):
            await toy.fail()
    assert near.performed == 10
    assert await toy.whole(1) == 1


async def test_request_id_and_trace_are_carried_on(toy: ToyService) -> None:
    """What a request does in another service is found under the same id, and in the same trace."""
    headers = {"traceparent": f"00-{'4b' * 16}-{'f0' * 8}-01", "tracestate": "vendor=a1"}
    request_id.set("from-the-page")
    trace.extract(headers)
    assert await toy.which_request() == "from-the-page"
    assert await toy.which_trace() == headers


async def test_calls_outside_of_requests_have_an_id_too(toy: ToyService) -> None:
    """What a courier calls is logged under an id of its own."""
    assert request_id.get() == ""
    assert len(await toy.which_request()) == 32


async def test_deadlines_shrink_along_the_way(near: ToyService) -> None:
    """Two calls on, no more time is left than the page had given."""
    last = ToyService()
    async with served(last) as last_url, far(ToyService, last_url) as behind:
        near.behind = behind
        async with served(near) as url, far(ToyService, url) as toy:
            with within(100):
                assert 30 < await last.time_left() <= 100
                with within(20), within(25):
                    assert 0 < await toy.time_left() <= 20
            assert 20 < await toy.time_left() <= 30


async def test_hanging_calls_end_at_their_deadline(toy: ToyService, near: ToyService) -> None:
    """A call that takes too long ends here as a missing service, and there by being cancelled."""
    with within(0.25), pytest.raises(Unavailable):
        await toy.hang()
    await near.cancelled.wait()
    assert near.performed == 1


async def test_nothing_is_begun_after_the_deadline(near: ToyService) -> None:
    """When the page's time is over, a service is not even called; nor is a call that comes too late performed."""
    async with served(near) as url, far(ToyService, url) as toy, httpx.AsyncClient(base_url=url) as client:
        with within(0), pytest.raises(Unavailable):
            await toy.once()
        for late in ("0", "-5"):
            answer = await client.post("/call/once", content="{}", headers=JSON | {"Deadline-Ms": late})
            assert answer.status_code == 504
        assert near.performed == 0
        assert await toy.once() == 1


async def test_secret_opens(near: ToyService) -> None:
    """With the right secret a service that has one can be called."""
    async with served(near, SECRET) as url, far(ToyService, url, SECRET) as toy:
        assert await toy.once() == 1


@pytest.mark.parametrize("secret", ["", "t" * 32, SECRET + "s", "é" * 16])
async def test_wrong_secret_keeps_out(near: ToyService, secret: str) -> None:
    """Without the right secret nothing is performed, and the caller finds the reason in its log."""
    async with served(near, SECRET) as url, far(ToyService, url, secret) as toy:
        with capture_logs() as logs, pytest.raises(Unavailable):
            await toy.once()
    assert near.performed == 0
    assert "the secret is missing or wrong" in str([entry for entry in logs if entry["log_level"] == "error"])


def test_open_doors_are_pointed_out() -> None:
    """A service without a secret says at start that anyone may call it; one with a secret has nothing to say."""
    with capture_logs() as logs:
        server.call_routes(ToyService(), SECRET)
        assert not logs
        server.call_routes(ToyService())
    assert logs[0]["log_level"] == "warning"
    assert logs[0]["service"] == "toy"


@pytest.mark.parametrize(
    ("path", "content", "headers", "status"),
    [
        ("/call/whole", "{}", {}, 400),
        ("/call/whole", '{"value": "1"}', {}, 400),
        ("/call/whole", '{"value": 1', {}, 400),
        ("/call/choice", '{"value": 5}', {}, 400),
        ("/call/whole", '{"value": 1}', {"Deadline-Ms": "soon"}, 400),
        ("/call/whole", '{"value": 1}', {"Content-Type": "text/plain"}, 415),
        ("/call/text", '{"value": "' + 200 * "x" + '"}', {}, 413),
        ("/call/missing", "{}", {}, 404),
        ("/call/served", "{}", {}, 404),
        ("/call/__init__", "{}", {}, 404),
        ("/call/whole", '{"value": 1}', {}, 200),
    ],
)
async def test_misshapen_calls_are_refused(
    near: ToyService,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    content: str,
    headers: dict[str, str],
    status: int,
) -> None:
    """A call that is not in order is told so, and costs no more than reading so much of it."""
    monkeypatch.setattr(server, "LARGEST", 100)
    async with served(near) as url, httpx.AsyncClient(base_url=url) as client:
        answer = await client.post(path, content=content, headers=JSON | headers)
    assert answer.status_code == status, answer.text


async def test_can_be_called_by_hand(near: ToyService) -> None:
    """People can call a method with curl, and read answers and errors."""
    near.error = NotFound("There is no {thing}.", thing="post")
    async with served(near) as url, httpx.AsyncClient(base_url=url, headers=JSON) as client:
        assert (await client.post("/call/leaf", content='{"value": {"name": "x"}}')).json()["name"] == "x"
        problem = await client.post("/call/fail", content="{}")
        assert (await client.get("/call/leaf")).status_code == 405
    assert problem.status_code == 404
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.json()["title"] == "There is no post."


async def test_infinity_does_not_cross(toy: ToyService) -> None:
    """JSON knows no infinity; whoever sends one hears of it rather than getting something else."""
    with pytest.raises(Unavailable):
        await toy.number(math.inf)


async def test_calls_are_counted(toy: ToyService, near: ToyService) -> None:
    """Operators see how many calls of each method ended how, and how long they took."""

    def count(outcome: str) -> float:
        labels = {"service": "toy", "method": "fail", "outcome": outcome}
        return REGISTRY.get_sample_value("upthread_calls_total", labels) or 0

    def timed() -> float:
        return REGISTRY.get_sample_value("upthread_call_seconds_count", {"service": "toy", "method": "fail"}) or 0

    before = count("ok"), count("gone"), timed()
    await toy.fail()
    near.error = Gone("It was here.")
    with pytest.raises(Gone):
        await toy.fail()
    assert (count("ok"), count("gone"), timed()) == (before[0] + 1, before[1] + 1, before[2] + 2)
