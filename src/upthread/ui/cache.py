"""Pages that are the same for everyone are made once and given from memory for about a second.

This stands in front of the framework, so that the thousandth visitor of a busy second costs a dictionary look-up.
Only a visitor without any cookie is served from here, and only pages that say they may be shared (:data:`SHARED`).
A page past its second is still given while one request renews it, so nobody waits and nothing piles up.
"""

import asyncio
import gzip
import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import structlog
from prometheus_client import Counter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from upthread.runtime.calls.deadline import within
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

log = structlog.get_logger(__name__)
served = Counter("ui_page_cache", "Pages given to visitors without cookies.", ["how"])

RawHeaders = list[tuple[bytes, bytes]]
Key = tuple[bytes | str, ...]


@dataclass(slots=True)
class Answer:
    """A whole HTTP answer, as the application gave it."""

    status: int = 500
    headers: RawHeaders = field(default_factory=list)
    body: bytes = b""
    shared: bool = False
    route: Any = None
    """Which route answered, for the request's figures."""
    crash: Exception | None = None
    """What the application raised, whether or not it has answered before."""


@dataclass(slots=True)
class Entry:
    """A page kept: plain and gzipped, each with its headers and entity tag."""

    made_at: float
    plain: Answer
    zipped: Answer
    etag: bytes
    renewing: bool = False

    @property
    def size(self) -> int:
        """Bytes that it takes."""
        return len(self.plain.body) + len(self.zipped.body)


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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from memory where that is right, else from the application."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            return await self._app(scope, receive, send)
        headers = dict(scope["headers"])
        if b"cookie" in headers or b"authorization" in headers or b"x-fragment" in headers:
            return await self._app(scope, receive, send)
        if scope["path"].startswith("/static/"):  # browsers keep these themselves, whoever they are at the time
            return await self._app(scope, receive, send)
        language = negotiate(headers.get(b"accept-language", b"").decode("latin-1"))
        key = (scope["scheme"], headers.get(b"host", b""), scope["path"], scope["query_string"], language)

        entry = self._entries.get(key)
        age = time.monotonic() - entry.made_at if entry else STALE
        if entry is None or age >= STALE:
            entry = await self._make(key, scope, receive, send)
            if entry is None:  # not a page to share: the application has answered this request itself
                return None
            self._misses.inc()
        else:
            self._entries.move_to_end(key)
            scope["route"] = entry.plain.route
            self._hits.inc()
            if age >= FRESH and not entry.renewing:
                entry.renewing = True
                task = asyncio.create_task(self._renew(key, scope))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        return await _give(entry, headers, scope["method"], send)

    async def _make(self, key: Key, scope: Scope, receive: Receive, send: Send) -> Entry | None:
        """Have the page made, by one request for all that ask meanwhile; None if ``send`` has had the answer."""
        making = self._making.get(key)
        if making is not None:
            with within(PAGE):  # together: who has waited for another's page in vain has less time for their own
                entry = await asyncio.shield(making)
                if entry is None:
                    await self._app(scope, receive, send)
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

    async def _ask(self, scope: Scope, receive: Receive) -> Answer:
        answer = Answer()
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

    def _keep(self, key: Key, answer: Answer) -> Entry:
        self._drop(key)
        etag = b'W/"' + hashlib.blake2b(answer.body, digest_size=12).hexdigest().encode() + b'"'
        headers = [pair for pair in answer.headers if pair[0] not in (b"content-length", b"etag", b"vary")]
        headers += [(b"etag", etag), (b"vary", b"accept-encoding, accept-language, cookie")]
        zipped = gzip.compress(answer.body, compresslevel=5, mtime=0)
        entry = Entry(
            made_at=time.monotonic(),
            plain=Answer(answer.status, [*headers, _length(answer.body)], answer.body, route=answer.route),
            zipped=Answer(answer.status, [*headers, (b"content-encoding", b"gzip"), _length(zipped)], zipped),
            etag=etag,
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


def _length(body: bytes) -> tuple[bytes, bytes]:
    return (b"content-length", str(len(body)).encode())


async def _no_body() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _give(entry: Entry, headers: dict[bytes, bytes], method: str, send: Send) -> None:
    if entry.etag in headers.get(b"if-none-match", b""):
        kept = [pair for pair in entry.plain.headers if pair[0] not in (b"content-length", b"content-type")]
        await _send(Answer(304, kept), send)
        return
    answer = entry.zipped if b"gzip" in headers.get(b"accept-encoding", b"") else entry.plain
    await _send(answer if method == "GET" else Answer(answer.status, answer.headers), send)


async def _send(answer: Answer, send: Send) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    await send({"type": "http.response.body", "body": answer.body})
