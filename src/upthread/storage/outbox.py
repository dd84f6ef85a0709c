"""The outbox: facts for other services, kept in the sender's own database in the same transaction as their cause.

A courier (:mod:`upthread.runtime.courier`) delivers them at least once, in order, and receivers apply them
idempotently. A fact is kept under a key: a newer one for the same receiver, kind and key takes the older one's place,
so a thousand votes on one author wait as one row. A fact that is a state carries a ``revision``, which the sender keeps
beside that state and counts up in the same transaction; by it the receiver knows old news.
"""

from typing import Protocol

import apsw
import msgspec

from upthread.storage.sqlite import Database

SQLITE_TABLE = """
CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    receiver TEXT NOT NULL,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    payload BLOB NOT NULL,
    UNIQUE (receiver, kind, key)
) STRICT;
CREATE INDEX outbox_in_order ON outbox (receiver, seq);
"""
"""Part of the first migration of every service that sends."""
SQLITE_TIMES = "ALTER TABLE outbox ADD COLUMN kept_at INTEGER;"
"""A later migration, so that it can be told how long a fact waits; not known of those kept before."""
COUNTED = 10_000
"""Facts for one receiver that are counted at most, so that counting stays cheap while a receiver is away for days."""


class Envelope(msgspec.Struct, frozen=True):
    """A fact on its way: which kind it is (its type's name), and the fact itself in msgpack."""

    stamp: object
    """Tells this fact from the one that replaces it. Only the outbox that it came from knows what it is."""
    kind: str
    payload: bytes


class Backlog(msgspec.Struct, frozen=True):
    """What waits for one receiver."""

    facts: int
    """At most :data:`COUNTED`."""
    seconds: float
    """How long the oldest has waited; 0 if there is none."""


class Outbox(Protocol):
    """What a courier needs of a sender's database: the facts for one receiver."""

    async def pending(self, limit: int) -> list[Envelope]:
        """The oldest facts not yet delivered."""
        ...

    async def settle(self, delivered: list[Envelope]) -> None:
        """Forget what was delivered; a fact replaced since then stays."""
        ...

    async def backlog(self) -> Backlog:
        """How much is pending, and for how long."""
        ...

    async def wait(self) -> None:
        """Return when something new may be pending."""
        ...


def put(connection: apsw.Connection, receiver: str, key: str, fact: msgspec.Struct) -> None:
    """Keep a fact for ``receiver`` within the running write."""
    connection.execute(
        "INSERT OR REPLACE INTO outbox (receiver, kind, key, payload, kept_at) VALUES (?, ?, ?, ?, unixepoch())",
        (receiver, type(fact).__name__, key, msgspec.msgpack.encode(fact)),
    )


class SqliteOutbox:
    """The facts for one receiver in the outbox table of a SQLite database."""

    def __init__(self, database: Database, receiver: str) -> None:
        self._database = database
        self._receiver = receiver
        self._committed = database.on_commit()

    async def pending(self, limit: int) -> list[Envelope]:
        """The oldest facts not yet delivered."""
        found = self._database.look(
            "SELECT seq, kind, payload FROM outbox WHERE receiver = ? ORDER BY seq LIMIT ?", (self._receiver, limit)
        )
        return [Envelope(*row) for row in found]

    async def settle(self, delivered: list[Envelope]) -> None:
        """Forget what was delivered; a fact replaced since then has another ``seq`` and stays."""

        def forget(connection: apsw.Connection) -> None:
            connection.executemany("DELETE FROM outbox WHERE seq = ?", [(envelope.stamp,) for envelope in delivered])

        await self._database.write(forget)

    async def backlog(self) -> Backlog:
        """How much is pending, and for how long."""
        ((facts,),) = self._database.look(
            "SELECT count(*) FROM (SELECT 1 FROM outbox WHERE receiver = ? LIMIT ?)", (self._receiver, COUNTED)
        )
        oldest = self._database.look(
            "SELECT coalesce(unixepoch() - kept_at, 0) FROM outbox WHERE receiver = ? ORDER BY seq LIMIT 1",
            (self._receiver,),
        )
        return Backlog(facts, max(0.0, oldest[0][0]) if oldest else 0.0)

    async def wait(self) -> None:
        """Return after the next commit, or at once if there was one since the last call."""
        await self._committed.wait()
        self._committed.clear()
