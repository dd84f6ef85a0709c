"""Forms as they come by HTTP: URL-encoded, UTF-8, within bounds."""

from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

BODY_LIMIT = 512 * 1024
"""Bytes of a form: the longest post, with every letter percent-encoded, fits."""
FIELD_LIMIT = 1000
"""Fields of a form."""

Fields = list[tuple[str, str]]


async def body_fields(request: Request) -> Fields:
    """The fields in the body of a request; none if it has no body.

    Raises:
        HTTPException: 413 too large, 415 not a form, 400 not UTF-8.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT:
            raise HTTPException(413)
    if not body:
        return []
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise HTTPException(415)
    return _fields(bytes(body))


def query_fields(request: Request) -> Fields:
    """The fields in the address of a request.

    Raises:
        HTTPException: 400, not UTF-8.
    """
    query = request.scope["query_string"]
    return _fields(query) if query else []


def _fields(raw: bytes) -> Fields:
    try:
        return parse_qsl(raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=FIELD_LIMIT)
    except ValueError as error:
        raise HTTPException(400) from error
