"""Records of a backup from and to a SQLite file: what every room does alike."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar, get_origin

import apsw
import msgspec
from msgspec import Struct

from upthread.storage.records import Counter, WaitingFact
from upthread.storage.sqlite import named

T = TypeVar("T", bound=Struct)


def read(connection: apsw.Connection, kind: type[T], statement: str) -> Iterator[T]:
    """The rows of a statement as records: a column for each field, in JSON where a field is no plain value."""
    fields = msgspec.structs.fields(kind)
    flags = [field.name for field in fields if field.type is bool]
    nested = [field.name for field in fields if _is_nested(field.type)]
    for values in named(connection.execute(statement)):
        values |= {name: bool(values[name]) for name in flags}
        values |= {name: msgspec.json.decode(values[name]) for name in nested}
        yield msgspec.convert(values, kind)


def _is_nested(kind: Any) -> bool:
    return get_origin(kind) is list or (isinstance(kind, type) and issubclass(kind, Struct))


def add(connection: apsw.Connection, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Add rows that all have the same columns in the same order: by name it would take longer."""
    rows = list(rows)
    if rows:
        columns, values = ", ".join(rows[0]), ", ".join("?" * len(rows[0]))
        statement = f"INSERT INTO {table} ({columns}) VALUES ({values})"  # noqa: S608 - names from our own code
        connection.executemany(statement, [tuple(row.values()) for row in rows])


def read_facts(connection: apsw.Connection) -> Iterator[WaitingFact]:
    """What is in the outbox, oldest first."""
    return read(connection, WaitingFact, "SELECT receiver, kind, key, payload FROM outbox ORDER BY seq")


def add_facts(connection: apsw.Connection, facts: Iterable[WaitingFact]) -> None:
    """Put facts into the outbox; one takes the place of another with the same key."""
    connection.executemany(
        "INSERT OR REPLACE INTO outbox (receiver, kind, key, payload, kept_at)"
        " VALUES (:receiver, :kind, :key, :payload, unixepoch())",
        [msgspec.structs.asdict(fact) for fact in facts],
    )


def read_counters(connection: apsw.Connection) -> Iterator[Counter]:
    """The last ids that were handed out, but for the outbox, whose numbers mean nothing elsewhere."""
    statement = "SELECT name, seq AS last FROM sqlite_sequence WHERE name != 'outbox' ORDER BY name"
    return read(connection, Counter, statement)


def set_counters(connection: apsw.Connection, counters: Iterable[Counter]) -> None:
    """Hand out higher ids from now on. A counter that has no table here is for another engine."""
    for counter in counters:
        connection.execute("DELETE FROM sqlite_sequence WHERE name = ?", (counter.name,))
        connection.execute(
            "INSERT INTO sqlite_sequence (name, seq)"
            " SELECT name, ? FROM sqlite_schema WHERE type = 'table' AND name = ?",
            (counter.last, counter.name),
        )
