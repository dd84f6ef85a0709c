"""Backups from and to MongoDB databases.

A backup reads by sessions with read concern "snapshot", which MongoDB keeps for five minutes unless it is told to keep
them longer (``minSnapshotHistoryWindowInSeconds``).
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, NamedTuple

from pymongo.errors import PyMongoError

from upthread.account import mongo_backup as account
from upthread.account import mongo_layout as account_layout
from upthread.backup.file import Record
from upthread.comment import mongo_backup as comment
from upthread.comment import mongo_layout as comment_layout
from upthread.databases import MongoAddress, Room
from upthread.errors import StartError
from upthread.post import mongo_backup as post
from upthread.post import mongo_layout as post_layout
from upthread.storage.mongo import MIGRATIONS, MongoDatabase, MongoLayout
from upthread.storage.mongo_client import connect, own_database
from upthread.storage.mongo_records import Snapshot


class OnMongo(NamedTuple):
    """How a room's database is read and filled."""

    layout: MongoLayout
    read_all: Callable[[Snapshot], AsyncIterator[Record]]
    add_all: Callable[[MongoDatabase, Sequence[Any]], Awaitable[None]]
    first_collection: str
    """One that has a document as soon as the room keeps anything."""


ROOMS: Mapping[Room, OnMongo] = {
    "post": OnMongo(post_layout.LAYOUT, post.read_all, post.add_all, post_layout.COMMUNITY),
    "comment": OnMongo(comment_layout.LAYOUT, comment.read_all, comment.add_all, comment_layout.THREAD),
    "account": OnMongo(account_layout.LAYOUT, account.read_all, account.add_all, account_layout.PERSON),
}


async def as_of_one_moment(
    stack: AsyncExitStack, addresses: Mapping[Room, MongoAddress]
) -> dict[Room, AsyncIterator[Record]]:
    """What is in databases on one MongoDB, which may be written to meanwhile, all as of the same moment.

    Raises:
        StartError: they can't be used.
        Unavailable: MongoDB does not answer.
    """
    for room, address in addresses.items():
        database = await MongoDatabase.open(address.url, address.database, ROOMS[room].layout)
        await database.close()
    client = await stack.enter_async_context(connect(address.url, address.database, "backup"))
    session = await stack.enter_async_context(client.start_session(snapshot=True))
    snapshots = {room: Snapshot(own_database(client, address.database), session) for room, address in addresses.items()}
    async for _ in next(iter(snapshots.values())).find(MIGRATIONS, "_id"):
        pass  # the first read is the moment
    return {room: _read(ROOMS[room].read_all(snapshot), room) for room, snapshot in snapshots.items()}


async def _read(records: AsyncIterator[Record], room: Room) -> AsyncIterator[Record]:
    try:
        async for record in records:
            yield record
    except PyMongoError as error:
        raise StartError(
            "MongoDB has failed while {room} was read: {reason}.", room=room, reason=str(error)[:300]
        ) from error


class MongoTarget:
    """A room's database to restore into. What was added is taken out again if it is closed without :meth:`keep`."""

    def __init__(self, database: MongoDatabase, room: Room) -> None:
        self._database = database
        self._room = ROOMS[room]
        self._added = self._kept = False

    @classmethod
    async def open(cls, room: Room, address: MongoAddress) -> "MongoTarget":
        """Connect, and bring the database to this version's layout.

        Raises:
            StartError: it can't be used.
            Unavailable: MongoDB does not answer.
        """
        return cls(await MongoDatabase.open(address.url, address.database, ROOMS[room].layout), room)

    async def is_empty(self) -> bool:
        """Whether the room keeps nothing yet."""
        first = self._database.collection(self._room.first_collection)
        return await self._database.read(first.find_one({}, ["_id"], sort=[("_id", 1)])) is None

    async def add(self, records: Sequence[Record]) -> None:
        """Add records, in order."""
        self._added = True
        await self._room.add_all(self._database, records)

    async def check(self) -> None:
        """Nothing: here what was added is there already."""

    async def keep(self) -> None:
        """Keep what was added."""
        self._kept = True

    async def close(self) -> None:
        """End it; what was not kept is forgotten."""
        try:
            if self._added and not self._kept:
                await self._database.empty()
        finally:
            await self._database.close()
