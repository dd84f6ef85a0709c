"""What is around every request: id, log line, figures, and the end in time."""

import asyncio
import re

import httpx
import pytest
import structlog
from prometheus_client import REGISTRY
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from upthread.runtime.calls import trace
from upthread.runtime.logs import request_id
from upthread.runtime.memory import Ready
from upthread.runtime.requests import Requests

pytestmark = pytest.mark.anyio


async def _hello(request: Request) -> Response:
    return PlainTextResponse(f"{request_id.get()} {request.scope['request_id']}")


async def _wait(request: Request) -> Response:
    request.app.state.begun.set()
    await request.app.state.release.wait()
    return PlainTextResponse("waited")


async def _crash(_request: Request) -> Response:
    raise RuntimeError("a bug")


async def _left(_request: Request) -> Response:
    raise ClientDisconnect


@pytest.fixture
def app() -> Starlette:
    """An application that can be made to wait, to fail and to be left."""
    routes = [Route("/hello/{name}", _hello), Route("/wait", _wait), Route("/left", _left), Route("/livez", _hello)]
    app = Starlette(routes=[*routes, Route("/crash", _crash, methods=["GET", "POST"])])
    app.state.begun, app.state.release = asyncio.Event(), asyncio.Event()
    return app


@pytest.fixture
def requests(app: Starlette) -> Requests:
    """The application with what is around every request."""
    return Requests(app)


@pytest.fixture
def client(requests: Requests) -> httpx.AsyncClient:
    """Somebody who asks it."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(requests), base_url="http://here")


def counted(path: str, *, method: str = "GET", status: int = 200) -> float:
    """How often such a request has been counted in this process."""
    labels = {"method": method, "path": path, "http_status": str(status)}
    return REGISTRY.get_sample_value("ui_request_count_total", labels) or 0.0


async def test_makes_an_id(client: httpx.AsyncClient) -> None:
    """A request without an id gets one, which the application sees and the answer tells."""
    answer = await client.get("/hello/ann")
    given = answer.headers["request-id"]
    assert re.fullmatch("[0-9a-f]{32}", given)
    assert answer.text == f"{given} {given}"


@pytest.mark.parametrize("given", ["7", "5f0c2a9e-8d6b-4c1e-9f7a-1d2e3f405162", "A.b_c:d"])
async def test_keeps_a_good_id(client: httpx.AsyncClient, given: str) -> None:
    """An id that comes with a request is kept."""
    assert (await client.get("/hello/ann", headers={"Request-Id": given})).headers["request-id"] == given


@pytest.mark.parametrize("given", ["", "a b", "a\tb", "<script>", "é", "x" * 101])
async def test_replaces_a_bad_id(client: httpx.AsyncClient, given: str) -> None:
    """An id that is empty, too long or has strange characters is replaced."""
    answer = await client.get("/hello/ann", headers=[(b"Request-Id", given.encode())])
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["request-id"])


async def test_takes_up_the_trace() -> None:
    """The trace that a request belongs to is handed on with what is asked of others on its behalf."""
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    async def ask_others(_request: Request) -> Response:
        headers: dict[str, str] = {}
        trace.inject(headers)
        return PlainTextResponse(headers["traceparent"])

    app = Requests(Starlette(routes=[Route("/", ask_others)]))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
        assert (await client.get("/", headers={"Traceparent": parent})).text == parent


async def test_logs_without_the_query(client: httpx.AsyncClient) -> None:
    """The log line of a request has method, path, status and time, and nothing of the query."""
    with structlog.testing.capture_logs() as records:
        await client.get("/hello/ann?q=secret")
    [record] = records
    assert record.pop("duration_ms") >= 0
    assert record == {"event": "request", "log_level": "info", "method": "GET", "path": "/hello/ann", "status": 200}


async def test_logs_machines_quietly(client: httpx.AsyncClient) -> None:
    """What an orchestrator asks every few seconds is logged at level debug."""
    with structlog.testing.capture_logs() as records:
        await client.get("/livez")
    assert [record["log_level"] for record in records] == ["debug"]


async def test_counts_by_route(client: httpx.AsyncClient) -> None:
    """Requests are counted under their route's template, whatever address or method a client makes up."""
    before = counted("/hello/{name}"), counted("(none)", status=404), counted("/crash", method="OTHER", status=405)
    for path in ("/hello/ann", "/hello/bob", "/nowhere/1", "/nowhere/2"):
        await client.get(path)
    await client.request("BREW", "/crash")
    after = counted("/hello/{name}"), counted("(none)", status=404), counted("/crash", method="OTHER", status=405)
    assert [now - then for then, now in zip(before, after, strict=True)] == [2, 2, 1]


async def test_counts_by_process(app: Starlette) -> None:
    """What a service answers is told under the service's name, not the website's."""
    before = counted("/hello/{name}")
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(Requests(app, "post")), base_url="http://here"
    ) as client:
        await client.get("/hello/ann")
    labels = {"method": "GET", "path": "/hello/{name}", "http_status": "200"}
    assert REGISTRY.get_sample_value("post_request_count_total", labels) == 1
    assert counted("/hello/{name}") == before


async def test_crashes_end_here(client: httpx.AsyncClient) -> None:
    """An application's bug answers 500 and is logged with its traceback."""
    with structlog.testing.capture_logs() as records:
        answer = await client.get("/crash")
    assert answer.status_code == 500
    assert [record["event"] for record in records] == ["request failed", "request"]
    assert records[0]["exc_info"]


async def test_crashes_before_an_answer_are_answered() -> None:
    """Where the application says nothing before it fails, the client is still told something, with an id."""

    async def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    async with httpx.AsyncClient(transport=httpx.ASGITransport(Requests(broken)), base_url="http://here") as client:
        answer = await client.get("/")
    assert answer.status_code == 500
    assert answer.headers["request-id"]


async def test_memory_that_fails_is_asked_as_an_application() -> None:
    """A bug in what is found in memory is answered and logged like any other, and not taken for bad HTTP."""

    class Broken:
        async def __call__(self, scope: Scope, *_: object) -> None:
            self.from_memory(scope)

        def from_memory(self, scope: Scope) -> Ready | None:
            raise RuntimeError(scope["path"])

    requests = Requests(Broken())
    assert requests.from_memory({"type": "http", "method": "GET", "path": "/", "headers": []}) is None
    async with httpx.AsyncClient(transport=httpx.ASGITransport(requests), base_url="http://here") as client:
        assert (await client.get("/")).status_code == 500


async def test_clients_that_leave_are_no_errors(requests: Requests) -> None:
    """A client that goes away in the middle of its own request is noted as such, not as a bug."""
    scope = {"type": "http", "method": "GET", "path": "/left", "headers": [], "query_string": b"", "root_path": ""}

    async def nothing(*_: object) -> dict[str, str]:
        return {"type": "http.disconnect"}

    with structlog.testing.capture_logs() as records:
        await requests(scope, nothing, nothing)  # type: ignore[arg-type]
    assert [(record["event"], record["status"]) for record in records] == [("request", 499)]


async def test_ended_waits_for_all(app: Starlette, requests: Requests, client: httpx.AsyncClient) -> None:
    """A process can wait until no request is running."""
    running = asyncio.create_task(client.get("/wait"))
    await app.state.begun.wait()
    ended = asyncio.create_task(requests.ended())
    await asyncio.sleep(0)
    assert not ended.done()
    app.state.release.set()
    await ended
    assert (await running).text == "waited"


async def test_cut_requests_are_told(app: Starlette, requests: Requests, client: httpx.AsyncClient) -> None:
    """A request that is cut gets an answer that says so."""
    running = asyncio.create_task(client.get("/wait"))
    await app.state.begun.wait()
    assert requests.cut() == 1
    assert (await running).status_code == 503
    await requests.ended()
