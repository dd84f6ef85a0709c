"""What backups hold of every room alike. A room's own records are in its ``records.py``.

A record is what a service can't work out again, in a form that no engine imposes. What can be worked out (ranks, HTML,
the words that searches find) is made anew when a record is kept, by the rules of the version that restores it.
"""

from msgspec import Struct


class WaitingFact(Struct, frozen=True, tag=True):
    """A fact in the outbox, in msgpack."""

    receiver: str
    kind: str
    key: str
    payload: bytes


class Counter(Struct, frozen=True, tag=True):
    """The last id that was handed out, so that none is given twice, not even that of something deleted."""

    name: str
    last: int
