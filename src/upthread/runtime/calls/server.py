"""A service's door on HTTP, for other services.

``POST /call/<method>`` with the arguments as a JSON object answers 200 and the result as JSON, or the named error as
problem details. Any other answer is a text that says what is wrong with the call itself.
"""

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
import structlog
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from upthread.errors import UpthreadError
from upthread.runtime.calls.deadline import PATIENCE, within
from upthread.runtime.calls.methods import Method, describe, service_name
from upthread.runtime.calls.wire import DEADLINE, JSON, LARGEST, PATH, PROBLEM, REFUSAL, encode
from upthread.runtime.metrics import count_error

log = structlog.get_logger(__name__)


def call_routes(service: object, secret: str = "") -> list[Route]:
    """Routes by which all methods of a service can be called.

    Args:
        service: whose door is opened.
        secret: what callers have to know. Without one, everybody on the same network may call
            (:mod:`.own_network`); the log says so.

    Raises:
        TypeError: a method could not be called from afar (see :func:`.methods.describe`).
    """
    kind = type(service)
    if not secret:
        log.warning("no secret is set: everyone on the same network can call the service", service=service_name(kind))
    return [
        Route(PATH + method.name, _Endpoint(method, getattr(service, method.name), secret), methods=["POST"])
        for method in describe(kind)
    ]


class StraightToCalls:
    """ASGI middleware in front of a framework that has these routes too: a call need not pass through all of it.

    The framework's way to a route costs as much as a short call itself; whatever is no call still takes it.
    """

    def __init__(self, app: ASGIApp, routes: Sequence[Route]) -> None:
        self._app = app
        self._routes = {route.path: route for route in routes}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a call by its method's endpoint, and let the framework answer the rest."""
        route = self._routes.get(scope.get("path", "")) if scope.get("method") == "POST" else None
        if route is None:
            await self._app(scope, receive, send)
            return
        scope["route"] = route
        await route.app(scope, receive, send)


class _Refused(Exception):
    """Something is wrong with the call itself, whatever it is for."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class _Endpoint:
    """Answers calls of one method: bare ASGI, as every page pays for it several times."""

    def __init__(self, method: Method, perform: Callable[..., Awaitable[Any]], secret: str) -> None:
        self._method = method
        self._perform = perform
        self._authorization = f"Bearer {secret}".encode() if secret else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call. An exception without a name goes on to whoever logs it and answers 500."""
        status, media_type = 200, JSON
        try:
            body = await self._result(Headers(raw=scope["headers"]), Request(scope, receive))
        except UpthreadError as error:
            count_error(error)
            status, media_type, body = error.status, PROBLEM, encode(error.problem())
        except _Refused as refusal:
            log.warning("call refused", method=self._method.name, status=refusal.status, reason=str(refusal))
            status, media_type, body = refusal.status, REFUSAL, str(refusal).encode()
        headers = [(b"content-type", media_type.encode()), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _result(self, headers: Headers, request: Request) -> bytes:
        if self._authorization is not None:
            given = headers.get("authorization", "").encode()
            if not hmac.compare_digest(given, self._authorization):
                raise _Refused(403, "the secret is missing or wrong")
        if headers.get("content-type") != JSON:  # browsers send it nowhere without having asked, so no page can call us
            raise _Refused(415, f"the arguments have to be {JSON}")
        seconds = _time_left(headers)
        try:
            async with asyncio.timeout(seconds) as limit:
                arguments = self._arguments(await _body(request))
                with within(seconds):
                    result = await self._perform(**arguments)
        except TimeoutError:
            if not limit.expired():  # it is the method's own
                raise
            raise _Refused(504, "the time for this call is over") from None
        return encode(result)

    def _arguments(self, body: bytes) -> dict[str, Any]:
        try:
            return msgspec.structs.asdict(self._method.decode_arguments(body))
        except ValueError as error:
            raise _Refused(400, str(error)) from None


def _time_left(headers: Headers) -> float:
    text = headers.get(DEADLINE)
    if text is None:  # somebody tries it by hand
        return PATIENCE
    try:
        seconds = int(text) / 1000
    except ValueError:
        raise _Refused(400, f"{DEADLINE} is not a whole number") from None
    if seconds <= 0:
        raise _Refused(504, "the time for this call was over before it came")
    return seconds


async def _body(request: Request) -> bytes:
    chunks, length = [], 0
    async for chunk in request.stream():
        chunks.append(chunk)
        length += len(chunk)
        if length > LARGEST:
            raise _Refused(413, f"the arguments have more than {LARGEST} bytes")
    return b"".join(chunks)
