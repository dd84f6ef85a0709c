"""What callers see of a service that fails, is killed, and comes back."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from prometheus_client import REGISTRY

from tests.process.conftest import Start
from tests.process.toy import ToyService
from upthread.errors import Unavailable
from upthread.runtime.calls import client
from upthread.runtime.calls.circuit import FAILURES
from upthread.runtime.calls.circuit import PAUSE as CIRCUIT_PAUSE
from upthread.runtime.calls.client import ATTEMPTS, FAIR, PAUSE, far
from upthread.runtime.calls.deadline import within

pytestmark = pytest.mark.anyio

TOY = "tests.process.toy"


def response(status: str, body: bytes, media_type: str = "application/json") -> bytes:
    """An answer on the wire."""
    return f"HTTP/1.1 {status}\r\ncontent-type: {media_type}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


ONE = response("200 OK", b"1")
SILENCE = b"nothing, on an open connection"
DROPPED = b""
CUT_OFF = ONE[:-1]
STOPPING = response("503 Service Unavailable", b"The site is stopping.", "text/plain")
NO_GATEWAY = response("502 Bad Gateway", b"<html>nginx</html>", "text/html")
MISSING_DATABASE = response(
    "503 Service Unavailable",
    b'{"type": "urn:upthread:unavailable", "message": "The {service} service does not answer.",'
    b' "parameters": {"service": "database"}}',
    "application/problem+json",
)


class Actor:
    """A server that answers requests by a script, with its last line for ever."""

    def __init__(self) -> None:
        self.script = [ONE]
        self.calls = 0
        self.connections = 0
        self.asked = asyncio.Event()

    async def play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.connections += 1
        while head := await self._head(reader):
            await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
            answer = self.script[min(self.calls, len(self.script) - 1)]
            self.calls += 1
            self.asked.set()
            if answer is SILENCE:
                await reader.read()  # until the caller leaves
                break
            writer.write(answer)
            if answer in {DROPPED, CUT_OFF}:
                break
        writer.close()

    async def _head(self, reader: asyncio.StreamReader) -> bytes:
        try:
            return await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return b""


class Still:
    """Time that stands still, and what was slept in it."""

    def __init__(self) -> None:
        self.time = 0.0
        self.slept: list[float] = []

    def now(self) -> float:
        """The time it was set to."""
        return self.time

    async def sleep(self, seconds: float) -> None:
        """Take note, and go on at once."""
        self.slept.append(seconds)


@pytest.fixture
def still() -> Still:
    """Time that stands still."""
    return Still()


@pytest.fixture
async def actor() -> Actor:
    """A server that answers 1 to everything unless told otherwise."""
    return Actor()


@asynccontextmanager
async def far_toy(url: str, still: Still) -> AsyncIterator[ToyService]:
    """A service where time stands still, and chance is always a half."""
    async with far(ToyService, url, now=still.now, sleep=still.sleep, random=lambda: 0.5) as toy:
        yield toy


@pytest.fixture
async def toy(actor: Actor, still: Still) -> AsyncIterator[ToyService]:
    """The service that the actor plays."""
    server = await asyncio.start_server(actor.play, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    async with server, far_toy(f"http://{host}:{port}", still) as toy:
        yield toy


@pytest.fixture
def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@pytest.mark.parametrize("failure", [DROPPED, CUT_OFF, STOPPING, NO_GATEWAY])
async def test_idempotent_calls_are_repeated(toy: ToyService, actor: Actor, still: Still, failure: bytes) -> None:
    """A call that may be repeated is, after longer and longer pauses, until it is answered."""
    actor.script = [failure, failure, ONE]
    assert await toy.again() == 1
    assert actor.calls == 3
    assert still.slept == [PAUSE / 2, PAUSE]


@pytest.mark.parametrize("failure", [DROPPED, CUT_OFF, STOPPING, NO_GATEWAY])
async def test_repeats_are_bounded(toy: ToyService, actor: Actor, failure: bytes) -> None:
    """When all attempts have failed, the caller is told; it is never asked more often than that."""
    actor.script = [failure]
    with pytest.raises(Unavailable, match="toy"):
        await toy.again()
    assert actor.calls == ATTEMPTS


@pytest.mark.parametrize("failure", [DROPPED, CUT_OFF, STOPPING, NO_GATEWAY])
async def test_other_calls_are_made_once(toy: ToyService, actor: Actor, still: Still, failure: bytes) -> None:
    """A call that may have been performed is not repeated unless it may be."""
    actor.script = [failure]
    with pytest.raises(Unavailable):
        await toy.once()
    assert actor.calls == 1
    assert still.slept == []


@pytest.mark.parametrize(
    "answer",
    [
        MISSING_DATABASE,
        response("500 Internal Server Error", b"Something went wrong.", "text/plain"),
        response("404 Not Found", b"Not Found", "text/plain"),
        response("302 Found", b"", "text/html"),
        response("200 OK", b'"a text"'),
        response("200 OK", b"no JSON"),
        response("404 Not Found", b"no JSON", "application/problem+json"),
        b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n",
    ],
)
async def test_answers_are_not_asked_for_again(toy: ToyService, actor: Actor, answer: bytes) -> None:
    """A service that answers, however wrongly, is not asked again, and counts as being there."""
    actor.script = [answer]
    for _ in range(FAILURES + 1):
        with pytest.raises(Unavailable):
            await toy.again()
    assert actor.calls == FAILURES + 1


async def test_calls_that_were_not_made_are_repeated(closed_port: int, still: Still) -> None:
    """Where no connection comes about nothing can have been performed, so any call is tried again."""
    labels = {"service": "toy", "method": "once"}
    before = REGISTRY.get_sample_value("upthread_call_repeats_total", labels) or 0
    async with far_toy(f"http://127.0.0.1:{closed_port}", still) as toy:
        with pytest.raises(Unavailable):
            await toy.once()
    assert still.slept == [PAUSE / 2, PAUSE]
    assert REGISTRY.get_sample_value("upthread_call_repeats_total", labels) == before + 2


async def test_unknown_hosts_are_missing_services(still: Still) -> None:
    """A service whose name nobody knows yet is one that does not answer yet."""
    async with far_toy("http://nowhere.invalid:8080", still) as toy:
        with pytest.raises(Unavailable):
            await toy.once()


async def test_a_service_that_is_down_is_left_alone(toy: ToyService, actor: Actor, still: Still) -> None:
    """After some failures in a row callers are told at once; one call in each pause looks, until one is answered."""
    actor.script = [DROPPED]
    for _ in range(FAILURES):
        with pytest.raises(Unavailable):
            await toy.once()
    for _ in range(3):
        with pytest.raises(Unavailable):
            await toy.again()
    assert actor.calls == FAILURES
    still.time += CIRCUIT_PAUSE
    for _ in range(3):
        with pytest.raises(Unavailable):
            await toy.again()
    assert actor.calls == FAILURES + 1
    actor.script = [ONE]
    still.time += CIRCUIT_PAUSE
    assert [await toy.again() for _ in range(3)] == [1, 1, 1]


async def test_circuit_ends_repeating(toy: ToyService, actor: Actor) -> None:
    """Attempts count one by one, so a call stops repeating when the service counts as down."""
    actor.script = [DROPPED]
    for _ in range(3):
        with pytest.raises(Unavailable):
            await toy.again()
    assert actor.calls == FAILURES


async def test_little_time_is_no_failure(toy: ToyService, actor: Actor) -> None:
    """A service that was given hardly any time is not taken for one that is down."""
    actor.script = [SILENCE]
    for _ in range(FAILURES):
        with within(FAIR / 10), pytest.raises(Unavailable):
            await toy.again()
    actor.script = [ONE]
    assert await toy.again() == 1


async def test_silence_is_a_failure(toy: ToyService, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that had time enough and said nothing is not called any more."""
    monkeypatch.setattr(client, "FAIR", 0.0)
    actor.script = [SILENCE]
    for _ in range(FAILURES):
        with within(FAIR / 10), pytest.raises(Unavailable):
            await toy.again()
    actor.script = [ONE]
    with pytest.raises(Unavailable):
        await toy.again()


async def test_connections_are_used_again(toy: ToyService, actor: Actor) -> None:
    """Calls one after the other share a connection."""
    for _ in range(5):
        await toy.once()
    assert (actor.calls, actor.connections) == (5, 1)


async def test_a_caller_that_leaves_is_no_failure(toy: ToyService, actor: Actor) -> None:
    """Calls whose page was given up say nothing about the service."""
    actor.script = [SILENCE]
    for _ in range(FAILURES + 1):
        task = asyncio.create_task(toy.again())
        await actor.asked.wait()
        actor.asked.clear()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    actor.script = [ONE]
    assert await toy.again() == 1


async def test_killed_in_the_middle_of_a_call(start: Start, still: Still) -> None:
    """A service killed during a call is missing for that call; when it is back, the same caller reaches it."""
    first = start("0", module=TOY)
    url = first.listening()
    async with far_toy(url, still) as toy:
        assert await toy.once() == 1
        with pytest.raises(Unavailable):
            await toy.die()
        first.end()
        with pytest.raises(Unavailable):
            await toy.again()
        second = start(str(urlsplit(url).port), module=TOY)
        second.listening()
        still.time += CIRCUIT_PAUSE
        assert await toy.once() == 1
