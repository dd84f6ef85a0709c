"""The original's contract on HTTP: what its paths on both services have in common (docs/original.md)."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import msgspec
from msgspec import Struct, field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from upthread import seed
from upthread.errors import Invalid, UpthreadError
from upthread.runtime.calls.deadline import within
from upthread.runtime.forms import body_fields, query_fields

DEADLINE = 5.0
"""Seconds that calls to other services may take for one request."""
JSON = "application/json"

Handler = Callable[[Request], Awaitable[Response]]


class ObjectId(Struct, frozen=True):
    """An id as the contract's JSON has it."""

    digits: str = field(name="$oid")


def object_id(created_at: int, own_id: int) -> ObjectId:
    """The id of something of ours."""
    return ObjectId(seed.object_id(created_at, own_id))


class Parameters:
    """What a request says, in its form or its address."""

    def __init__(self, values: dict[str, str]) -> None:
        self._values = values

    def get(self, name: str) -> str:
        """A parameter to the letter; empty if it is missing."""
        return self._values.get(name, "")

    def required(self, name: str) -> str:
        """A parameter to the letter.

        Raises:
            HTTPException: 400, it is missing or empty.
        """
        value = self.get(name)
        if not value.strip():
            raise HTTPException(400, f"The parameter {name} is missing.")
        return value

    def number(self, name: str) -> int:
        """A whole number.

        Raises:
            HTTPException: 400, it is missing or something else.
        """
        try:
            return int(self.required(name))
        except ValueError:
            raise HTTPException(400, f"The parameter {name} has to be a whole number.") from None

    def object_id(self, name: str) -> str:
        """An id.

        Raises:
            HTTPException: 400, it is missing or has another form.
        """
        text = self.required(name).strip()
        if not seed.is_object_id(text):
            raise HTTPException(400, f"The parameter {name} has to be an id of 24 hex digits.")
        return text


async def parameters(request: Request) -> Parameters:
    """What a request that changes something says; where form and address differ, the form.

    Raises:
        HTTPException: it can't be read (400, 413, 415), or a browser sends it (403): a page anywhere could have told
            it to, and nobody here is asked who they are.
    """
    if "origin" in request.headers or "sec-fetch-site" in request.headers:
        raise HTTPException(403, "Browsers can't change anything here; use the website.")
    return Parameters(dict([*query_fields(request), *await body_fields(request)]))


def id_in_path(request: Request) -> str:
    """The id in a request's path.

    Raises:
        HTTPException: 404, there can't be such a path.
    """
    text: str = request.path_params["id"]
    if not seed.is_object_id(text):
        raise HTTPException(404)
    return text


def route(method: str, path: str, handler: Handler) -> Route:
    """A path of the contract; a named error is answered with its status and as a sentence."""

    async def endpoint(request: Request) -> Response:
        try:
            with within(DEADLINE):
                return await handler(request)
        except UpthreadError as error:
            return PlainTextResponse(str(error), 400 if isinstance(error, Invalid) else error.status)

    return Route(path, endpoint, methods=[method])


def json(value: Any) -> Response:
    """One thing as JSON."""
    return Response(msgspec.json.encode(value), media_type=JSON)


async def json_array(pages: AsyncIterator[Sequence[Struct]]) -> Response:
    """All that is on these pages as one JSON array, of which one page at a time is held in memory.

    The first is read before the answer begins, so that a database that is away is an error with a status. Later on an
    error cuts the answer off, and what has arrived is no JSON.
    """
    first: Sequence[Struct] = await anext(pages, [])

    async def array() -> AsyncIterator[bytes]:
        yield b"[" + _items(first)
        separator = b"," if first else b""
        async for page in pages:
            if page:
                yield separator + _items(page)
                separator = b","
        yield b"]"

    return StreamingResponse(array(), media_type=JSON)


def _items(page: Sequence[Struct]) -> bytes:
    return b",".join(map(msgspec.json.encode, page))
