"""Making a backup of a site, and restoring one."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Protocol

from upthread.assembly import prepare_files
from upthread.backup.file import BackupReader, BackupWriter, Record, RoomBegins
from upthread.backup.retelling import Retelling
from upthread.backup.sqlite import SqliteTarget, as_of_one_moment
from upthread.databases import Place, Places, Room
from upthread.errors import StartError
from upthread.runtime.clock import Clock
from upthread.storage.records import WaitingFact

READ_ORDER: tuple[Room, ...] = ("comment", "post", "account")
"""Rooms that can't be read at one moment are read in this order: what another room names is read after it."""
BATCH = 500
"""Records added at once."""


class Target(Protocol):
    """A room's database to restore into."""

    async def is_empty(self) -> bool:
        """Whether the room keeps nothing yet."""
        ...

    async def add(self, records: list[Any]) -> None:
        """Add records, in order."""
        ...

    async def check(self) -> None:
        """See that what was added can be kept.

        Raises:
            StartError: it can't.
        """
        ...

    async def keep(self) -> None:
        """Keep what was added."""
        ...

    async def close(self) -> None:
        """End it; what was not kept is forgotten."""
        ...


async def back_up(places: Places, path: Path, clock: Clock) -> Counter[str]:
    """Write everything the site keeps into a file, while it runs; how many records there are of each kind.

    Raises:
        StartError: a database or the file can't be used; a file that was there is as it was.
    """
    found: Counter[str] = Counter()
    async with AsyncExitStack() as stack:
        rooms, at_once = await _rooms(stack, places)
        with BackupWriter(path, clock.now(), at_once=at_once) as file:
            for room in READ_ORDER:
                file.write(RoomBegins(room))
                async for record in rooms[room]:
                    file.write(record)
                    found[type(record).__name__] += 1
    return found


async def _rooms(stack: AsyncExitStack, places: Places) -> tuple[Mapping[Room, AsyncIterator[Record]], bool]:
    """What each room keeps, and whether all of it is as of one moment."""
    files = {room: place for room, place in places.items() if isinstance(place, Path)}
    if len(files) == len(places):
        read = stack.enter_context(as_of_one_moment(files))
        return {room: _each(records) for room, records in read.items()}, True

    from upthread.backup import mongo  # noqa: PLC0415 - a site on SQLite needs no driver

    addresses = {room: place for room, place in places.items() if not isinstance(place, Path)}
    if not files and len({place.url for place in addresses.values()}) == 1:
        return await mongo.as_of_one_moment(stack, addresses), True
    rooms: dict[Room, AsyncIterator[Record]] = {}
    for room in READ_ORDER:
        if room in files:
            rooms[room] = _each(stack.enter_context(as_of_one_moment({room: files[room]}))[room])
        else:
            rooms |= await mongo.as_of_one_moment(stack, {room: addresses[room]})
    return rooms, False


async def _each(records: Iterator[Record]) -> AsyncIterator[Record]:
    for record in records:
        yield record


async def restore(places: Places, path: Path) -> Counter[str]:
    """Fill an empty site with what is in a backup; how many records there were of each kind.

    Raises:
        StartError: the site is not empty, or the file is no undamaged backup of this version or an older one, or a
            database can't be used. The site is still empty then.
        Unavailable: MongoDB was lost in between. The site is still empty then, or says that it is not.
    """
    file = BackupReader(path)
    prepare_files(places)
    async with AsyncExitStack() as stack:
        targets: dict[Room, Target] = {}
        for room, place in places.items():
            target = targets[room] = await _target(room, place)
            stack.push_async_callback(target.close)
        for room, target in targets.items():
            if not await target.is_empty():
                raise StartError("The site is not empty: {place} has something in it.", place=str(places[room]))
        found = await _fill(targets, file)
        for target in targets.values():  # all are looked at before the first is kept
            await target.check()
        for target in targets.values():
            await target.keep()
    return found


async def _target(room: Room, place: Place) -> Target:
    if isinstance(place, Path):
        return SqliteTarget(room, place)

    from upthread.backup.mongo import MongoTarget  # noqa: PLC0415 - a site on SQLite needs no driver

    return await MongoTarget.open(room, place)


async def _fill(targets: Mapping[Room, Target], file: BackupReader) -> Counter[str]:
    found: Counter[str] = Counter()
    retelling = Retelling()
    room: Room | None = None
    batch: list[Record] = []
    told: list[WaitingFact] = []
    for of, record in file.records():
        if room and (of != room or type(record) is not type(batch[0]) or len(batch) == BATCH):
            await targets[room].add([*told, *batch])
            batch, told = [], []
        room = of
        batch.append(record)
        if not file.header.at_once:
            told += retelling.of(record)
        found[type(record).__name__] += 1
    if room:
        await targets[room].add([*told, *batch])
    return found
