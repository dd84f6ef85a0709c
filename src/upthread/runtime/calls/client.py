"""A service that is elsewhere, as an object of the service's own type: every public method calls the real one.

Whatever goes wrong on the way is :class:`~upthread.errors.Unavailable`, in bounded time: a call ends at its deadline, a
service that does not answer is not asked for a while (:mod:`.circuit`), and what is repeated is repeated twice.
"""

import asyncio
import functools
import random as chance
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

import aiohttp
import structlog
from prometheus_client import Counter, Gauge, Histogram

from upthread.errors import Unavailable, Unreached, UpthreadError
from upthread.runtime.calls import trace
from upthread.runtime.calls.circuit import Circuit
from upthread.runtime.calls.deadline import latest
from upthread.runtime.calls.methods import Method, describe, service_name
from upthread.runtime.calls.wire import DEADLINE, JSON, LARGEST, PATH, PROBLEM, decoder
from upthread.runtime.logs import request_id

CONNECT = 1.0
"""Seconds for making a connection. Services are near each other; where this takes longer, nobody is there."""
CONNECTIONS = 256
"""Connections to one service; further calls wait for one as long as for making one."""
IDLE = 30.0
"""Seconds for which an unused connection is kept: fewer than the service keeps it, or a call may meet its end."""
FRESH = 1
"""Seconds for which an address is believed. A container that returns may have another one."""
ATTEMPTS = 3
"""How often a call is tried, the first time included."""
PAUSE = 0.05
"""Seconds before the second attempt at most, doubling from one to the next. The moment is left to chance, so that those
whose calls failed together do not come back together."""
FAIR = 0.25
"""Seconds within which a service that is well answers nearly always. One that was given less time has not failed."""
BROKEN_OFF = frozenset({502, 503, 504})
"""Statuses of a service that is stopping, or of a proxy that does not reach it: the call may have been performed."""

S = TypeVar("S")
Sleep = Callable[[float], Awaitable[None]]

log = structlog.get_logger(__name__)

calls = Counter("upthread_calls", "Calls to other services, by how they ended.", ["service", "method", "outcome"])
durations = Histogram(
    "upthread_call_seconds",
    "Seconds that a call took, with all its attempts.",
    ["service", "method"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
repeats = Counter("upthread_call_repeats", "Calls that were tried again.", ["service", "method"])
in_use = Gauge(
    "upthread_call_connections",
    "Calls under way: each has a connection of its own, or waits for one.",
    ["service"],
    multiprocess_mode="livesum",
)
limit = Gauge(
    "upthread_call_connections_limit", "Connections that there may be.", ["service"], multiprocess_mode="livesum"
)


@asynccontextmanager
async def far(
    service: type[S],
    url: str,
    secret: str = "",
    *,
    now: Callable[[], float] = time.monotonic,
    sleep: Sleep = asyncio.sleep,
    random: Callable[[], float] = chance.random,
) -> AsyncIterator[S]:
    """A service in another process, until the end of the block. It need not be there yet.

    Args:
        service: its type, such as PostService.
        url: where it is, such as ``http://post:8080``.
        secret: what it wants to be told, if anything.
        now: tells seconds, for the circuit.
        sleep: waits some seconds, between attempts.
        random: a number from 0 to 1, for how long.

    Raises:
        TypeError: a method could not be called from afar (see :func:`.methods.describe`).
    """
    name = service_name(service)
    headers = {"Content-Type": JSON} | ({"Authorization": f"Bearer {secret}"} if secret else {})
    async with aiohttp.ClientSession(
        headers=headers,
        timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT),
        connector=aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=IDLE, ttl_dns_cache=FRESH),
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding"),
    ) as session:
        line = _Line(name, url.rstrip("/") + PATH, session, Circuit(name, now), sleep, random)
        methods = {method.name: _stub(service, method, line) for method in describe(service)}
        kind = type(f"Far{service.__name__}", (service,), methods)
        yield cast("S", object.__new__(kind))


def _stub(service: type, method: Method, line: "_Line") -> Callable[..., Awaitable[Any]]:
    @functools.wraps(getattr(service, method.name))
    async def stub(_self: object, *args: Any, **kwargs: Any) -> Any:
        return await line.call(method, method.encode_arguments(*args, **kwargs))

    return stub


_decode_problem = decoder(dict[str, Any])


class _Failed(Exception):
    """An attempt that the service has not answered."""

    def __init__(self, reason: str, *, sent: bool, again: bool) -> None:
        super().__init__(reason)
        self.sent = sent
        """Whether the call may have been performed."""
        self.again = again


class _Line:
    """How one service is called."""

    def __init__(
        self,
        service: str,
        base: str,
        session: aiohttp.ClientSession,
        circuit: Circuit,
        sleep: Sleep,
        random: Callable[[], float],
    ) -> None:
        self._service = service
        self._base = base
        self._session = session
        self._circuit = circuit
        self._sleep = sleep
        self._random = random
        self._in_use = in_use.labels(service)
        limit.labels(service).set(CONNECTIONS)
        place = urlsplit(base)
        self._spans: trace.Attributes = {"server.address": place.hostname or "", "server.port": place.port or 80}

    async def call(self, method: Method, arguments: bytes) -> Any:
        """Make a call, and count it.

        Raises:
            UpthreadError: what the service has raised; Unreached if it was not asked; Unavailable if that is not sure.
        """
        began = time.perf_counter()
        outcome = "cancelled"
        full_name = f"{self._service}/{method.name}"
        try:
            span = trace.span(full_name, "client", {"rpc.method": full_name, **self._spans})
            with span, self._in_use.track_inprogress():
                result = await self._in_time(method, arguments)
            outcome = "ok"
        except UpthreadError as error:
            outcome = error.code
            raise
        finally:
            count, duration = _figures(self._service, method.name, outcome)
            count.inc()
            duration.observe(time.perf_counter() - began)
        return result

    async def _in_time(self, method: Method, arguments: bytes) -> Any:
        until = latest()
        given = until - asyncio.get_running_loop().time()
        if given <= 0:
            raise Unreached(service=self._service)
        try:
            async with asyncio.timeout_at(until):
                return await self._repeatedly(method, arguments, until)
        except TimeoutError:
            if given >= FAIR:
                self._circuit.failed()
            log.warning("call took too long", service=self._service, method=method.name, seconds=round(given, 3))
            raise Unavailable(service=self._service) from None

    async def _repeatedly(self, method: Method, arguments: bytes, until: float) -> Any:
        sent = False
        for attempt in range(ATTEMPTS):
            if attempt:
                repeats.labels(self._service, method.name).inc()
                await self._sleep(self._random() * PAUSE * 2 ** (attempt - 1))
            if not self._circuit.admits():
                break
            try:
                return await self._attempt(method, arguments, until)
            except _Failed as failure:
                sent = sent or failure.sent
                self._circuit.failed()
                log.warning("call failed", service=self._service, method=method.name, reason=str(failure))
                if not failure.again:
                    break
        raise (Unavailable if sent else Unreached)(service=self._service)

    async def _attempt(self, method: Method, arguments: bytes, until: float) -> Any:
        headers = {DEADLINE: str(max(1, int((until - asyncio.get_running_loop().time()) * 1000)))}
        if own_id := request_id.get():
            headers["Request-Id"] = own_id
        trace.inject(headers)
        try:
            async with self._session.post(
                self._base + method.name, data=arguments, headers=headers, allow_redirects=False
            ) as answer:
                if answer.status in BROKEN_OFF and answer.content_type != PROBLEM:
                    raise _Failed(f"status {answer.status}", sent=True, again=method.idempotent)
                if answer.content_length is None or answer.content_length > LARGEST:
                    raise self._unusable(method, f"it has {answer.content_length} bytes")
                body = await answer.read()
        except aiohttp.ClientConnectorError as error:  # so the call was not made, whatever it is
            raise _Failed(str(error), sent=False, again=True) from None
        except aiohttp.ConnectionTimeoutError as error:  # nor was this one, but to wait again would be too long
            raise _Failed(str(error), sent=False, again=False) from None
        except aiohttp.ClientError as error:
            raise _Failed(str(error) or type(error).__name__, sent=True, again=method.idempotent) from None
        self._circuit.succeeded()
        return self._understood(method, answer.status, answer.content_type, body)

    def _understood(self, method: Method, status: int, media_type: str, body: bytes) -> Any:
        try:
            if status == 200:  # noqa: PLR2004 - "OK"
                return method.decode_answer(body)
            if media_type != PROBLEM:
                raise self._unusable(method, f"status {status}: {body[:200].decode(errors='replace')}")
            error = UpthreadError.of_problem(_decode_problem(body))
        except ValueError as mismatch:
            raise self._unusable(method, str(mismatch)) from None
        raise error

    def _unusable(self, method: Method, reason: str) -> Unavailable:
        """The service is there, but something is wrong with it or with us: to ask again would not help."""
        log.error("answer of no use", service=self._service, method=method.name, reason=reason)
        return Unavailable(service=self._service)


@functools.cache
def _figures(service: str, method: str, outcome: str) -> tuple[Counter, Histogram]:
    return calls.labels(service, method, outcome), durations.labels(service, method)
