"""Pages that are the same for everyone are made once and given from memory for about a second.

This stands in front of the framework, so that the thousandth visitor of a busy second costs a dictionary look-up; where
the server can, it asks for that alone (:mod:`upthread.runtime.memory`).
Only a visitor without any cookie is served from here, and only pages that say they may be shared (:data:`SHARED`).
A page past its second is still given while one request renews it, so nobody waits and nothing piles up.
"""

import asyncio
import gzip
import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import structlog
from prometheus_client import Counter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from upthread.runtime.calls.deadline import within
from upthread.runtime.memory import RawHeaders, Ready
from upthread.ui.language import negotiate
from upthread.ui.patience import PAGE

SHARED = "upthread.shared"
"""The key in an ASGI scope by which a page says that everyone without cookies may be given the same."""
FRESH = 1.0
"""Seconds for which a page is given without asking again."""
STALE = 10.0
"""Seconds after which an unasked page is made anew before it is given, rather than behind the visitor's back."""
KEPT_BYTES = 32 * 1024 * 1024
"""Memory for pages; those not asked for longest go first."""
LONGEST_PREFERENCE = 200
"""Bytes of an Accept-Language that are read; browsers send some 30."""

log = structlog.get_logger(__name__)
served = Counter("ui_page_cache", "Pages given to visitors without cookies.", ["how"])

Key = tuple[bytes | str, ...]
Headers = dict[bytes, bytes]


@dataclass(slots=True)
class Made:
    """What the application has answered."""

    status: int = 500
    headers: RawHeaders = field(default_factory=list)
    body: bytes = b""
    shared: bool = False
    route: Any = None
    crash: Exception | None = None
    """What the application raised, whether or not it has answered before."""


@dataclass(slots=True)
class Entry:
    """A page kept: as it is, gzipped, and the news that nothing is new since a visitor has seen it."""

    made_at: float
    etag: bytes
    plain: Ready
    zipped: Ready
    unchanged: Ready
    renewing: bool = False

    @property
    def size(self) -> int:
        """Bytes that it takes."""
        return sum(len(ready.head) + len(ready.body) for ready in (self.plain, self.zipped, self.unchanged))

    def to(self, method: str, headers: Headers) -> Ready:
        """The answer to a request with these headers."""
        if self.etag in headers.get(b"if-none-match", b""):
            return self.unchanged
        ready = self.zipped if b"gzip" in headers.get(b"accept-encoding", b"") else self.plain
        return ready if method == "GET" else ready.without_body()


class PageCache:
    """ASGI middleware that keeps shared pages."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._entries: OrderedDict[Key, Entry] = OrderedDict()
        self._bytes = 0
        self._making: dict[Key, asyncio.Future[Entry | None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._hits = served.labels("from memory")
        self._misses = served.labels("made")

    def from_memory(self, scope: Scope) -> Ready | None:
        """The answer to a request whose page is kept."""
        asked = _asked(scope)
        return self._recall(scope, *asked) if asked else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from memory where that is right, else from the application."""
        asked = _asked(scope)
        if asked is None:
            return await self._app(scope, receive, send)
        ready = self._recall(scope, *asked)
        if ready is None:
            key, headers = asked
            entry = await self._make(key, scope, receive, send)
            if entry is None:  # not a page to share: the application has answered this request itself
                return None
            self._misses.inc()
            ready = entry.to(scope["method"], headers)
        return await _send(ready, send)

    def _recall(self, scope: Scope, key: Key, headers: Headers) -> Ready | None:
        """The answer, if the page is kept. One past its second is renewed meanwhile."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        age = time.monotonic() - entry.made_at
        if age >= STALE:
            return None
        if age >= FRESH and not entry.renewing:
            entry.renewing = True
            task = asyncio.create_task(self._renew(key, scope))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._entries.move_to_end(key)
        self._hits.inc()
        scope["route"] = entry.plain.route
        return entry.to(scope["method"], headers)

    async def _make(self, key: Key, scope: Scope, receive: Receive, send: Send) -> Entry | None:
        """Have the page made, by one request for all that ask meanwhile; None if ``send`` has had the answer."""
        making = self._making.get(key)
        if making is not None:
            with within(PAGE):  # together: who has waited for another's page in vain has less time for their own
                entry = await asyncio.shield(making)
                if entry is None:
                    await self._app(scope, receive, send)
                else:
                    scope["route"] = entry.plain.route
            return entry
        promise: asyncio.Future[Entry | None] = asyncio.get_running_loop().create_future()
        self._making[key] = promise
        entry = None
        try:
            answer = await self._ask(scope, receive)
            if answer.shared:
                entry = self._keep(key, answer)
            elif answer.crash is None or answer.headers:
                await _send(answer, send)
            if answer.crash is not None:
                raise answer.crash
        finally:
            del self._making[key]
            promise.set_result(entry)
        return entry

    async def _renew(self, key: Key, scope: Scope) -> None:
        answer = await self._ask(scope, _no_body)
        if answer.crash is not None:
            log.error("page could not be renewed", path=scope["path"], exc_info=answer.crash)
        if answer.shared:
            self._keep(key, answer)
        else:
            self._drop(key)

    async def _ask(self, scope: Scope, receive: Receive) -> Made:
        answer = Made()
        # Each asks for the whole page with a scope of its own; what this visitor has in memory is compared later.
        asked = dict(scope) | {
            "method": "GET",
            "headers": [
                pair for pair in scope["headers"] if pair[0] not in (b"if-none-match", b"accept-encoding", b"range")
            ],
            "state": dict(scope.get("state") or {}),
            "extensions": {},  # a server's own ways to send a file would pass by us
        }
        parts: list[bytes] = []

        async def collect(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = list(message["headers"])
            elif message["type"] == "http.response.body":
                parts.append(message.get("body", b""))

        try:
            await self._app(asked, receive, collect)
        except Exception as error:  # noqa: BLE001 - the framework answers first and then raises what nobody foresaw
            answer.crash = error
        answer.body = b"".join(parts)
        answer.shared = bool(asked.get(SHARED)) and answer.crash is None
        answer.route = scope["route"] = asked.get("route")
        return answer

    def _keep(self, key: Key, made: Made) -> Entry:
        self._drop(key)
        etag = b'W/"' + hashlib.blake2b(made.body, digest_size=12).hexdigest().encode() + b'"'
        common = [pair for pair in made.headers if pair[0] not in (b"content-length", b"etag", b"vary")]
        common += [(b"etag", etag), (b"vary", b"accept-encoding, accept-language, cookie")]
        zipped = gzip.compress(made.body, compresslevel=5, mtime=0)
        entry = Entry(
            made_at=time.monotonic(),
            etag=etag,
            plain=Ready(made.status, [*common, _length(made.body)], made.body, made.route),
            zipped=Ready(made.status, [*common, (b"content-encoding", b"gzip"), _length(zipped)], zipped, made.route),
            unchanged=Ready(304, [pair for pair in common if pair[0] != b"content-type"], b"", made.route),
        )
        self._entries[key] = entry
        self._bytes += entry.size
        while self._bytes > KEPT_BYTES:
            self._drop(next(iter(self._entries)))
        return entry

    def _drop(self, key: Key) -> None:
        entry = self._entries.pop(key, None)
        if entry:
            self._bytes -= entry.size


def _asked(scope: Scope) -> tuple[Key, Headers] | None:
    """What is asked for, if anyone who asks so may be given the same, and the headers that say in what form."""
    if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
        return None
    headers = dict(scope["headers"])
    if b"cookie" in headers or b"authorization" in headers or b"x-fragment" in headers:
        return None
    path = scope["path"]
    if path.startswith("/static/"):  # browsers keep these themselves, whoever they are at the time
        return None
    language = _language(headers.get(b"accept-language", b"")[:LONGEST_PREFERENCE])
    return (scope["scheme"], headers.get(b"host", b""), path, scope["query_string"], language), headers


@lru_cache(maxsize=1000)
def _language(accept_language: bytes) -> str:
    return negotiate(accept_language.decode("latin-1"))


def _length(body: bytes) -> tuple[bytes, bytes]:
    return (b"content-length", str(len(body)).encode())


async def _no_body() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _send(answer: Ready | Made, send: Send) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    await send({"type": "http.response.body", "body": answer.body})
