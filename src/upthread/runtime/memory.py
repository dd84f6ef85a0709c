"""Answers that are ready: what an application may offer besides ASGI, as giving one costs no task and no message.

An application that has some is asked for one before it is called (:class:`upthread.runtime.http.Connection`). It gives
the same when it is called, so whoever asks it by ASGI alone sees no difference.
"""

from http import HTTPStatus
from typing import Any, Protocol, runtime_checkable

from starlette.types import Receive, Scope, Send

RawHeaders = list[tuple[bytes, bytes]]


class Ready:
    """A whole answer, and its head as HTTP/1.1 has it, to which lines can still be added."""

    __slots__ = ("body", "head", "headers", "route", "status")

    def __init__(self, status: int, headers: RawHeaders, body: bytes, route: Any) -> None:
        """Make it ready.

        Args:
            status: of the answer.
            headers: all that do not depend on the request that is answered.
            body: what follows.
            route: which route made it, for the request's figures.
        """
        self.status = status
        self.headers = headers
        self.body = body
        self.route = route
        lines = [
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}".encode(),
            *(b": ".join(pair) for pair in headers),
            b"",
        ]
        self.head = b"\r\n".join(lines)

    def without_body(self) -> "Ready":
        """The answer to HEAD."""
        return Ready(self.status, self.headers, b"", self.route)


@runtime_checkable
class Remembering(Protocol):
    """An ASGI application that has some answers ready."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""

    def from_memory(self, scope: Scope) -> Ready | None:
        """The answer to a request, if it is ready; otherwise None, and the application has to be called."""
