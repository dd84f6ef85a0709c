"""Backups from and to SQLite files."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import apsw

from upthread.account import sqlite_backup as account
from upthread.assembly import ON_SQLITE
from upthread.backup.file import Record
from upthread.comment import sqlite_backup as comment
from upthread.databases import Room
from upthread.errors import StartError
from upthread.post import sqlite_backup as post
from upthread.storage.sqlite import connect, prepare


class OnSqlite(NamedTuple):
    """How a room's file is read and filled."""

    read_all: Callable[[apsw.Connection], Iterator[Record]]
    add_all: Callable[[apsw.Connection, Sequence[Any]], None]
    first_table: str
    """One that has a row as soon as the room keeps anything."""


ROOMS: Mapping[Room, OnSqlite] = {
    "post": OnSqlite(post.read_all, post.add_all, "community"),
    "comment": OnSqlite(comment.read_all, comment.add_all, "thread"),
    "account": OnSqlite(account.read_all, account.add_all, "person"),
}


@contextmanager
def as_of_one_moment(files: Mapping[Room, Path]) -> Iterator[Mapping[Room, Iterator[Record]]]:
    """What is in the files, which may be written to meanwhile, all as of the same moment.

    For some milliseconds nobody may write to any of them: while all are held, a read begins on each, and from then on
    sees what is there then.

    Raises:
        StartError: there is no such file, or it can't be used.
    """
    with ExitStack() as stack:
        readers: dict[Room, apsw.Connection] = {}
        with ExitStack() as held:
            for room, file in files.items():
                if not file.exists():
                    raise StartError("There is no site in {path} yet.", path=str(file.parent))
                layout, _ = ON_SQLITE[room]
                prepare(file, layout)
                writer = held.enter_context(closing(connect(file)))
                _begin(writer, file)
            for room, file in files.items():
                reader = readers[room] = stack.enter_context(closing(connect(file, read_only=True)))
                reader.execute("BEGIN")
                reader.execute("SELECT 1 FROM sqlite_schema").fetchone()
        yield {room: ROOMS[room].read_all(reader) for room, reader in readers.items()}


class SqliteTarget:
    """A room's file of this version's layout to restore into, which nobody else may write to until it is closed.

    What was added is kept by :meth:`keep`, or not at all.
    """

    def __init__(self, room: Room, file: Path) -> None:
        self._file = file
        self._room = ROOMS[room]
        self._connection = connect(file)
        _begin(self._connection, file)
        self._connection.execute("PRAGMA defer_foreign_keys=ON")

    async def is_empty(self) -> bool:
        """Whether the room keeps nothing yet."""
        first = self._connection.execute(f"SELECT 1 FROM {self._room.first_table} LIMIT 1")  # noqa: S608 - ours
        return first.fetchone() is None

    async def add(self, records: Sequence[Record]) -> None:
        """Add records, in order."""
        with self._named_failures():
            self._room.add_all(self._connection, records)

    async def check(self) -> None:
        """See that whatever is named is there.

        Raises:
            StartError: it is not; then the backup is of a site that was damaged.
        """
        dangling = self._connection.execute("PRAGMA foreign_key_check").fetchone()
        if dangling:
            table, row, *_ = dangling
            raise StartError(
                "{path} can't be filled: in {table}, row {row} belongs to something that is not in the backup.",
                path=str(self._file),
                table=table,
                row=str(row),
            )

    async def keep(self) -> None:
        """Keep what was added."""
        with self._named_failures():
            self._connection.execute("COMMIT")

    async def close(self) -> None:
        """End it; what was not kept is forgotten."""
        self._connection.close()

    @contextmanager
    def _named_failures(self) -> Iterator[None]:
        try:
            yield
        except apsw.Error as error:  # the disk is full, say
            raise StartError("{path} can't be filled: {reason}.", path=str(self._file), reason=str(error)) from error


def _begin(connection: apsw.Connection, file: Path) -> None:
    try:
        connection.execute("BEGIN IMMEDIATE")
    except apsw.Error as error:
        raise StartError("{path} can't be opened: {reason}.", path=str(file), reason=str(error)) from error
