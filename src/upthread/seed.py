"""Ids and times as the original's contract has them (docs/original.md): pure rules, shared by all who speak it.

An id there is a MongoDB ObjectId, 24 hex digits that begin with the time of making. Ours is such a number too, made of
the creation time and our own id, so it can be turned back without looking anything up. (A tool that expects five random
bytes and a counter after the time finds our id there instead.)
"""

import re
from typing import NamedTuple

from upthread.cursor import LARGEST_ID

_OBJECT_ID = re.compile(r"[0-9a-fA-F]{24}")
_NUMBER = re.compile(r"([+-]?[0-9]{1,20})(\.[0-9]{1,20})?")


def object_id(created_at: int, own_id: int) -> str:
    """The 24 hex digits for something of ours: 4 bytes of Unix seconds (modulo 2**32, in 2106), then 8 bytes of id."""
    return f"{created_at & 0xFFFFFFFF:08x}{own_id:016x}"


def own_id(text: str) -> int | None:
    """Our id in 24 hex digits of either case; None if it is no id of ours, or no such digits.

    The time in front is for the caller to compare, with :func:`object_id` of what was found.
    """
    if not is_object_id(text):
        return None
    number = int(text[8:], 16)
    return number if 0 < number <= LARGEST_ID else None


def is_object_id(text: str) -> bool:
    """Whether it has the form of such an id, of ours or not."""
    return _OBJECT_ID.fullmatch(text) is not None


class Times(NamedTuple):
    """When something was made: as we count with it, in Unix seconds, and as the contract gives it back."""

    created_at: int
    sent: str | None


def times(sent: str | None, now: int) -> Times:
    """The times of something that arrives now.

    A time sent counts as the arrival at the latest, and as 1970 at the earliest: who dates a post ahead would have it
    above all others for as long. What is no number counts as the arrival.

    Args:
        sent: Unix seconds as text, with or without a fraction; None for what does not come by the contract.
        now: Unix seconds.
    """
    if sent is None:
        return Times(now, None)
    number = _NUMBER.fullmatch(sent)
    if number is None:
        return Times(now, str(now))
    return Times(min(max(int(number[1]), 0), now), sent)
