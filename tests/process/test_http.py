"""How HTTP is spoken on a connection: answers from memory among others, and clients that do not behave."""

import asyncio
import gzip
import itertools
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import cast

import pytest
import structlog
from prometheus_client import REGISTRY
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tests.process.conftest import HANGING
from upthread.runtime import http, logs
from upthread.runtime.http import HEAD_BYTES, PIPELINED, Connection, Server
from upthread.runtime.requests import Requests
from upthread.runtime.serving import listen
from upthread.ui import cache
from upthread.ui.cache import SHARED, PageCache
from upthread.ui.proxies import BehindProxies

pytestmark = pytest.mark.anyio

PAGE = 40_000
"""Bytes of the page that everyone is given."""


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """On the event loop that the site has, as what it does with what is written is its own."""
    return "asyncio", {"use_uvloop": True}


@dataclass
class Site:
    """A tiny site on a socket, whose page is numbered by how often it was made."""

    release: asyncio.Event = field(default_factory=asyncio.Event)
    made: "itertools.count[int]" = field(default_factory=itertools.count)
    host: str = field(init=False)
    port: int = field(init=False)
    server: Server = field(init=False)
    visitors: list["Visitor"] = field(default_factory=list)

    async def page(self, request: Request) -> Response:
        """A page for everyone."""
        request.scope[SHARED] = True
        return PlainTextResponse(f"{next(self.made)}".ljust(PAGE, "x"))

    async def scheme(self, request: Request) -> Response:
        """A page for everyone who came in the same way."""
        request.scope[SHARED] = True
        return PlainTextResponse(f"{next(self.made)} {request.url.scheme}")

    async def slow(self, _request: Request) -> Response:
        """An answer that waits until it is released."""
        await self.release.wait()
        return PlainTextResponse("slow")

    async def echo(self, request: Request) -> Response:
        """What was sent."""
        return Response(await request.body())

    async def visit(self) -> "Visitor":
        """A new connection."""
        self.visitors.append(Visitor(*await asyncio.open_connection(self.host, self.port)))
        return self.visitors[-1]

    async def ask(self, text: str) -> bytes:
        """Everything that comes for this on a connection of its own."""
        visitor = await self.visit()
        visitor.send(text)
        return await visitor.rest()


@dataclass
class Visitor:
    """Somebody who speaks HTTP by hand."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, text: str) -> None:
        """Send what is written, with the line ends of HTTP."""
        self.writer.write(text.replace("\n", "\r\n").encode())

    def stop_reading(self) -> None:
        """Take nothing more."""
        cast("asyncio.Transport", self.writer.transport).pause_reading()

    def read_on(self) -> None:
        """Take what comes again."""
        cast("asyncio.Transport", self.writer.transport).resume_reading()

    async def answer(self, *, body: bool = True) -> tuple[str, dict[str, str], bytes]:
        """The next answer: status line, headers, body."""
        async with asyncio.timeout(HANGING):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
            status, *lines = head.strip().split("\r\n")
            headers = dict(line.split(": ", 1) for line in lines)
            length = int(headers.get("content-length", 0)) if body else 0
            return status.removeprefix("HTTP/1.1 "), headers, await self.reader.readexactly(length)

    async def rest(self) -> bytes:
        """Everything that still comes until the connection is closed."""
        async with asyncio.timeout(HANGING):
            return await self.reader.read()

    async def get(self, path: str = "/", *lines: str) -> tuple[str, dict[str, str], bytes]:
        """Ask and be answered."""
        self.send("\n".join([f"GET {path} HTTP/1.1", "Host: here", *lines, "", ""]))
        return await self.answer()


@asynccontextmanager
async def running(*, most: int = 100, trusted: Sequence[str] = ()) -> AsyncIterator[Site]:
    """A site that takes so many connections and trusts these proxies, until the end of the block."""
    site = Site()
    routes = [
        Route("/", site.page),
        Route("/scheme", site.scheme),
        Route("/slow", site.slow),
        Route("/echo", site.echo, methods=["POST"]),
    ]
    listener = listen("127.0.0.1", 0)[0]
    site.host, site.port = listener.getsockname()
    app = BehindProxies(PageCache(Starlette(routes=routes)), trusted)
    site.server = server = Server(Requests(app), listener, most)
    server.start()
    try:
        yield site
    finally:
        site.release.set()
        for visitor in site.visitors:
            visitor.writer.transport.abort()
        server.stop()
        await server.ended()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """A site that trusts nobody."""
    async with running() as site:
        yield site


@pytest.fixture(autouse=True)
def _lasting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages are as good as new for as long as a test takes."""
    monkeypatch.setattr(cache, "FRESH", HANGING)
    monkeypatch.setattr(cache, "STALE", HANGING)


# from memory


async def test_from_memory_is_the_same(site: Site) -> None:
    """What comes from memory is what was made for the visitor before: status, headers and page, but for the id."""
    visitor = await site.visit()
    made, kept = await visitor.get(), await visitor.get()
    assert made[0] == kept[0] == "200 OK"
    assert made[2] == kept[2]
    assert list(made[1]) != []
    for headers in (made[1], kept[1]):
        assert re.fullmatch("[0-9a-f]{32}", headers.pop("request-id"))
        assert parsedate_to_datetime(headers.pop("date")) <= datetime.now(UTC)
    assert made[1] == kept[1]


async def test_from_memory_without_a_task(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page in memory is given without the application being called."""
    visitor = await site.visit()
    await visitor.get()
    monkeypatch.setattr(Requests, "__call__", None)
    assert (await visitor.get())[0] == "200 OK"


async def test_from_memory_is_noted(site: Site) -> None:
    """An answer from memory keeps the id it was asked with, and is logged with it and counted like any other."""
    counted = {"method": "GET", "path": "/", "http_status": "200"}
    visitor = await site.visit()
    await visitor.get()
    before = REGISTRY.get_sample_value("ui_request_count_total", counted) or 0
    with structlog.testing.capture_logs([logs.add_ids]) as records:
        _, headers, _ = await visitor.get("/", "Request-Id: from-outside", f"Traceparent: 00-{'a' * 32}-{'b' * 16}-01")
    assert headers["request-id"] == "from-outside"
    (record,) = records
    assert record.pop("duration_ms") >= 0
    assert record == {
        "event": "request", "log_level": "info", "method": "GET", "path": "/", "status": 200,
        "request_id": "from-outside", "trace_id": "a" * 32,
    }  # fmt: skip
    assert REGISTRY.get_sample_value("ui_request_count_total", counted) == before + 1


async def test_from_memory_in_each_form(site: Site) -> None:
    """From memory come gzipped pages for those who take them, 304 for those who have the page, heads for HEAD."""
    visitor = await site.visit()
    _, plain, page = await visitor.get()
    _, zipped, packed = await visitor.get("/", "Accept-Encoding: gzip")
    assert (zipped["content-encoding"], gzip.decompress(packed)) == ("gzip", page)
    status, unchanged, nothing = await visitor.get("/", f"If-None-Match: {plain['etag']}")
    assert (status, unchanged["etag"], nothing) == ("304 Not Modified", plain["etag"], b"")
    visitor.send("HEAD / HTTP/1.1\nHost: here\n\n")
    status, head, _ = await visitor.answer(body=False)
    assert (status, head["content-length"]) == ("200 OK", str(PAGE))
    assert (await visitor.get())[2] == page  # nothing else came in between


@pytest.mark.parametrize(("trusted", "seen"), [(["127.0.0.0/8"], b"https"), (["10.0.0.0/8"], b"http")])
async def test_from_memory_behind_a_proxy(trusted: list[str], seen: bytes) -> None:
    """What comes from memory is the page for those who came as the proxy says, if it is trusted."""
    async with running(trusted=trusted) as site:
        visitor = await site.visit()
        assert (await visitor.get("/scheme"))[2] == b"0 http"
        assert (await visitor.get("/scheme", "X-Forwarded-Proto: https"))[2].endswith(b" " + seen)
        made = next(site.made)
        assert (await visitor.get("/scheme", "X-Forwarded-Proto: https"))[2].endswith(b" " + seen)
        assert (await visitor.get("/scheme"))[2] == b"0 http"
        assert next(site.made) == made + 1


async def test_nobody_is_believed_unasked() -> None:
    """Where no proxy is trusted, not even somebody on the same machine is believed, for a page that has to be made."""
    async with running() as site:
        visitor = await site.visit()
        assert (await visitor.get("/scheme", "X-Forwarded-Proto: https", "Cookie: a=b"))[2] == b"0 http"


@pytest.mark.parametrize("asked", ["GET / HTTP/1.0\nHost: here", "GET / HTTP/1.1\nHost: here\nConnection: close"])
async def test_from_memory_for_the_last_time(site: Site, asked: str) -> None:
    """A visitor who asks once gets the page, from memory too, is told that the connection ends, and it does."""
    for _ in range(2):
        whole = await site.ask(f"{asked}\n\nGET / HTTP/1.1\n\n")
        head, _, page = whole.partition(b"\r\n\r\n")
        assert b"\r\nconnection: close" in head
        assert page == b"0".ljust(PAGE, b"x")


async def test_what_comes_with_a_question_is_passed_over(site: Site) -> None:
    """A GET with a body is answered from memory like one without, and so is the next request."""
    visitor = await site.visit()
    await visitor.get()
    visitor.send("GET / HTTP/1.1\nHost: here\nContent-Length: 5\n\nhello")
    assert (await visitor.answer())[0] == "200 OK"
    assert (await visitor.get())[0] == "200 OK"


# several requests


async def test_answers_come_in_order(site: Site) -> None:
    """Requests sent in one go are answered one after the other, those from memory in their place among others."""
    visitor = await site.visit()
    await visitor.get()
    page, slow = "GET / HTTP/1.1\nHost: here\n\n", "GET /slow HTTP/1.1\nHost: here\n\n"
    posted = "POST /echo HTTP/1.1\nHost: here\nContent-Length: 5\n\nhello"
    visitor.send(page + page + slow + page + posted + page)
    got = [(await visitor.answer())[2][:5] for _ in range(2)]
    site.release.set()
    got += [(await visitor.answer())[2][:5] for _ in range(4)]
    assert got == [b"0xxxx", b"0xxxx", b"slow", b"0xxxx", b"hello", b"0xxxx"]


async def test_traces_do_not_mix(site: Site) -> None:
    """A request that waits for another's answer is not taken for a part of that one's trace."""
    visitor = await site.visit()
    with structlog.testing.capture_logs([logs.add_ids]) as records:
        visitor.send(f"GET /slow HTTP/1.1\nTraceparent: 00-{'a' * 32}-{'b' * 16}-01\n\nGET /nowhere HTTP/1.1\n\n")
        site.release.set()
        await visitor.answer()
        await visitor.answer()
    assert [record.get("trace_id") for record in records] == ["a" * 32, None]


async def test_too_many_requests_at_once(site: Site) -> None:
    """Who sends more requests than may wait gets the answers that are due, and the connection is closed."""
    visitor = await site.visit()
    visitor.send("GET /slow HTTP/1.1\nHost: here\n\n" * (PIPELINED + 10))
    site.release.set()
    assert (await visitor.rest()).count(b"HTTP/1.1 200 OK") == PIPELINED + 1


async def test_who_does_not_read(site: Site) -> None:
    """Pages for a visitor who asks and asks, but takes nothing, do not pile up; they come once they are taken."""
    visitor = await site.visit()
    await visitor.get()
    visitor.stop_reading()
    visitor.send("GET / HTTP/1.1\nHost: here\n\n" * PIPELINED)
    (connection,) = site.server.state.connections
    assert isinstance(connection, Connection)
    flow, transport = connection.flow, connection.transport
    await until(lambda: flow.write_paused)
    assert transport.get_write_buffer_size() < 4 * PAGE
    visitor.read_on()
    for _ in range(PIPELINED):
        assert (await visitor.answer())[2] == b"0".ljust(PAGE, b"x")


async def test_expected_bodies(site: Site) -> None:
    """Who asks before sending a body is told to go on."""
    visitor = await site.visit()
    visitor.send("POST /echo HTTP/1.1\nHost: here\nContent-Length: 5\nExpect: 100-continue\n\n")
    assert (await visitor.answer())[0] == "100 Continue"
    visitor.send("hello")
    assert (await visitor.answer())[2] == b"hello"


# who does not behave


@pytest.mark.parametrize("said", ["nonsense\n\n", "GET nonsense HTTP/1.1\n\n", "GET / HTTP/1.1\nno colon\n\n"])
async def test_nonsense(site: Site, said: str) -> None:
    """What is no HTTP is refused, and the connection closed."""
    assert (await site.ask(said)).startswith(b"HTTP/1.1 400 ")


async def test_nonsense_after_a_request(site: Site) -> None:
    """A request is answered before what came after it is found to be nonsense."""
    visitor = await site.visit()
    visitor.send("GET /slow HTTP/1.1\nHost: here\n\nnonsense\n\n")
    site.release.set()
    assert (await visitor.answer())[2] == b"slow"
    assert await visitor.rest() == b""


async def test_long_heads(site: Site) -> None:
    """A request whose head is too long is refused before it has ended."""
    assert (await site.ask("GET / HTTP/1.1\nX: ".ljust(HEAD_BYTES, "x"))).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("before", ["GET / HTTP/1.1\n", "POST /echo HTTP/1.1\nTransfer-Encoding: chunked\n\n1\n.\n0\n"])
async def test_endless_heads(site: Site, before: str) -> None:
    """Who sends headers without end, before a request's body or after it, can't go on for long."""
    visitor = await site.visit()
    visitor.send(before)
    await until(lambda: len(site.server.state.connections) == 1)
    sent = 0
    with suppress(ConnectionError):
        while site.server.state.connections:
            visitor.send("X: ".ljust(1000, "x") + "\n")
            sent += 1000
            await visitor.writer.drain()
            await asyncio.sleep(0)
    assert sent < 16 * HEAD_BYTES


@pytest.mark.parametrize("sent", ["", "GET / HTTP/1.1\nHost: h", "GET / HTTP/1.1\nHost: here\n\n"])
async def test_silence(site: Site, monkeypatch: pytest.MonkeyPatch, sent: str) -> None:
    """A connection is closed on which nothing comes, or no whole request, be it the first or the next one."""
    await site.ask("GET / HTTP/1.0\n\n")
    monkeypatch.setattr(http, "IDLE", 0.05)
    assert len(re.findall(b"HTTP/1.1 200 OK", await site.ask(sent))) == sent.endswith("\n\n")


async def test_who_reads_nothing_for_long(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A visitor who takes nothing of the answers is not waited for without end."""
    await site.ask("GET / HTTP/1.0\n\n")
    monkeypatch.setattr(http, "IDLE", 0.05)
    visitor = await site.visit()
    visitor.stop_reading()
    visitor.send("GET / HTTP/1.1\nHost: here\n\n" * PIPELINED)
    await until(lambda: len(site.server.state.connections) == 1)
    await until(lambda: not site.server.state.connections)


@pytest.mark.parametrize("path", ["/", "/scheme", "/nowhere"])
@pytest.mark.parametrize("cookie", ["", "Cookie: theme=light"])
async def test_an_answer_comes_in_one_piece(site: Site, path: str, cookie: str) -> None:
    """Head and body are written together, from memory and composed anew, so that a reader wakes up once."""
    visitor = await site.visit()
    lines = "\n".join(line for line in (f"GET {path} HTTP/1.1", "Host: here", cookie) if line)
    for _ in range(2):
        visitor.send(f"{lines}\n\n")
        async with asyncio.timeout(HANGING):
            _, _, body = (await visitor.reader.read(1 << 20)).partition(b"\r\n\r\n")
        assert body
        while len(body) < PAGE and path == "/":
            body += await visitor.reader.read(1 << 20)


async def test_who_leaves(site: Site) -> None:
    """Visitors who go away while answers are due to them harm nobody, and are no errors."""
    visitor = await site.visit()
    await visitor.get()
    (connection,) = site.server.state.connections
    assert isinstance(connection, Connection)
    with structlog.testing.capture_logs() as records:
        visitor.send("GET /slow HTTP/1.1\nHost: here\n\n" + "GET / HTTP/1.1\nHost: here\n\n" * 2)
        await until(lambda: len(connection.pipeline) == 2)
        connection.transport.abort()  # as when a write finds that nobody is there
        await until(lambda: not site.server.state.connections)
        site.release.set()
        await until(lambda: not site.server.state.tasks)
    assert [record["event"] for record in records] == ["request"]


async def test_more_than_can_be_taken() -> None:
    """Connections beyond what the process can have wait until others are closed, and are served then."""
    async with running(most=2) as site:
        first, second = await site.visit(), await site.visit()
        await first.get()
        await second.get()
        third = await site.visit()
        third.send("GET / HTTP/1.1\nHost: here\nConnection: close\n\n")
        await first.get("/nowhere")
        assert len(site.server.state.connections) == 2
        first.writer.close()
        assert (await third.answer())[0] == "200 OK"


async def until(true: Callable[[], bool]) -> None:
    """Let the event loop run until something is true."""
    async with asyncio.timeout(HANGING):
        while not true():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0)
