"""What is around every request, whatever application answers it: its id, its log line, its figures, its end in time.

Raw ASGI, because it is paid for on every request. It is the outermost layer (:func:`upthread.runtime.serving.serve`
puts it there), so nothing is answered that is not logged, and the process can end when all that runs has ended.
"""

import asyncio
import itertools
import re
import secrets
import time
from contextvars import Context

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from upthread.runtime import metrics
from upthread.runtime.calls import trace
from upthread.runtime.logs import request_id
from upthread.runtime.memory import Ready, Remembering

ACCEPTABLE_ID = re.compile(rb"[A-Za-z0-9._:-]{1,100}")
"""What a Request-Id from outside may look like; anything else is replaced, as it goes into logs and other calls."""
CLIENT_LEFT = 499
"""Status in logs and figures of a request whose client did not wait; the number that nginx uses for it."""
QUIET = frozenset({"/livez", "/readyz", "/healthcheck", "/metrics"})
"""Asked by machines every few seconds: logged at level debug."""

log = structlog.get_logger(__name__)


class Requests:
    """ASGI middleware that gives each request an id, logs and counts it, and knows which are still running.

    It takes up the trace that a request belongs to as well, to be handed on with what is asked of other services.
    """

    def __init__(self, app: ASGIApp, process: str = "ui") -> None:
        """Begin.

        Args:
            app: answers the requests.
            process: what the names of the requests' figures begin with.
        """
        self._app = app
        self._memory = app if isinstance(app, Remembering) else None
        self._figures = metrics.request_figures(process)
        self._running: set[asyncio.Task[object]] = set()
        self._ended = asyncio.Event()
        self._cut = False
        self._log = log.bind()  # once, as that takes longer than to find that a line is not wanted
        self._first_half = secrets.token_hex(8)  # of all ids made here; no other process has it
        self._second_halves = map("{:016x}".format, itertools.count())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request. Errors end here: the client has had its answer, the log has the rest.

        The application finds the id as ``scope["request_id"]``, to show it on a page that says something went wrong.
        """
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a server runs each request in a task; this tells mypy
        arrived = time.perf_counter()
        own_id = self._take_up(scope)
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                # A copy: a cache may hold on to the headers it gave.
                message = {**message, "headers": [*message.get("headers", ()), (b"request-id", own_id.encode())]}
            await send(message)

        self._running.add(task)
        try:
            await self._app(scope, receive, send_with_id)
        except ClientDisconnect:
            status = CLIENT_LEFT
        except Exception:
            log.exception("request failed", method=scope["method"], path=scope["path"])
            if not status:
                await _answer(send_with_id, 500, b"Something went wrong here; it has been noted.\n")
        except asyncio.CancelledError:
            if not self._cut:
                raise
            if not status:
                await _answer(send_with_id, 503, b"The site is stopping; try again in a moment.\n")
        finally:
            self._running.discard(task)
            if not self._running:
                self._ended.set()
            self._note(scope, status or 500, time.perf_counter() - arrived)

    def from_memory(self, scope: Scope) -> tuple[Ready, str] | None:
        """The answer to a request if the application has it ready, and the request's id, which has to be told with it.

        None if it has to be called. What is given is logged and counted here like any other answer.
        """
        return Context().run(self._from_memory, scope, self._memory) if self._memory is not None else None

    def _from_memory(self, scope: Scope, memory: Remembering) -> tuple[Ready, str] | None:
        arrived = time.perf_counter()
        own_id = self._take_up(scope)
        try:
            ready = memory.from_memory(scope)
        except Exception:  # noqa: BLE001 - it will fail again when it is called, where that can be answered
            return None
        if ready is None:
            return None
        self._note(scope, ready.status, time.perf_counter() - arrived)
        return ready, own_id

    async def ended(self) -> None:
        """Return when no request is running."""
        while self._running:
            self._ended.clear()
            await self._ended.wait()

    def cut(self) -> int:
        """End the requests that still run, with an answer that says so where none has begun; how many."""
        self._cut = True
        for task in self._running:
            task.cancel()
        return len(self._running)

    def _take_up(self, scope: Scope) -> str:
        """The request's id, given or new. All that is done for it from here on belongs to this id and to its trace."""
        headers = dict(scope["headers"])
        given = headers.get(b"request-id")
        if given and ACCEPTABLE_ID.fullmatch(given):
            own_id: str = given.decode()
        else:
            own_id = self._first_half + next(self._second_halves)
        scope["request_id"] = own_id
        request_id.set(own_id)
        if b"traceparent" in headers:
            trace.extract({name: headers.get(name.encode(), b"").decode("latin-1") for name in trace.HEADERS})
        return own_id

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        path = scope["path"]
        self._figures.count(scope, status, seconds)
        tell = self._log.debug if path in QUIET else self._log.info
        # The path without its query: that may hold what somebody searched for, or a token.
        tell("request", method=scope["method"], path=path, status=status, duration_ms=round(seconds * 1000, 2))


async def _answer(send: Send, status: int, text: bytes) -> None:
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(text)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
