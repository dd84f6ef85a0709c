"""Keyset cursors: where a page ended, as an opaque text that the next request brings back.

A cursor holds the sort key and the id of the last row shown, so the next page starts behind that row whatever has
been added or removed meanwhile, and finding it costs one index seek however deep the page is.
"""

import base64
import binascii
from typing import Annotated, Any

import msgspec

from upthread.errors import Invalid

LARGEST_ID = 2**63 - 1
"""Databases fail on larger ids rather than not find them."""
Id = Annotated[int, msgspec.Meta(ge=0, le=LARGEST_ID)]
"""An id in a cursor, which may be made up and hold any number."""

Position = tuple[float, Id]
"""A row's place in an order: its sort key and, among equals, its id."""


class TextPosition(msgspec.Struct, array_like=True, frozen=True):
    """A place in an order by name."""

    key: str
    id: Id


class CountedPosition(msgspec.Struct, array_like=True, frozen=True):
    """A place in an order, and how many came up to it, so that "so many more" can be said without counting them."""

    key: float
    id: Id
    count: int


def encode(position: Position | TextPosition | CountedPosition) -> str:
    """The cursor text for a position: letters, digits, ``-`` and ``_`` only."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(position)).decode().rstrip("=")


def _decode(cursor: str, kind: Any) -> Any:
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        return msgspec.msgpack.decode(raw, type=kind)
    except (binascii.Error, ValueError) as error:
        raise Invalid("This page link is damaged; start again from the first page.", field="after") from error


def decode(cursor: str | None) -> Position | None:
    """The position behind a cursor, or None for the first page.

    Raises:
        Invalid: the text is no cursor of ours.
    """
    if not cursor:
        return None
    position: Position = _decode(cursor, Position)
    return position


def decode_text(cursor: str | None) -> TextPosition | None:
    """Like :func:`decode`, for an order by name."""
    if not cursor:
        return None
    position: TextPosition = _decode(cursor, TextPosition)
    return position


def decode_counted(cursor: str | None) -> CountedPosition | None:
    """Like :func:`decode`, for an order whose places are counted."""
    if not cursor:
        return None
    position: CountedPosition = _decode(cursor, CountedPosition)
    return position
