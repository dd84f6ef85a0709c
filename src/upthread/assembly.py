"""Puts the rooms together: opens each service's database, gives each service its store, sets the couriers going.

Each database is where :mod:`upthread.databases` says: a SQLite file, opened here, or on MongoDB, opened in
:mod:`upthread.mongo_assembly`, which is imported only then, so that a site on SQLite starts without the driver.
Whether a door is near or far (:mod:`upthread.fleet`) is for whoever hands it over; nothing here
depends on it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from upthread.account import sqlite as account_sqlite
from upthread.account.model import KarmaChanged, NoticeArrived, PersonErased
from upthread.account.passwords import Passwords
from upthread.account.service import AccountService
from upthread.account.store import AccountStore
from upthread.comment import sqlite as comment_sqlite
from upthread.comment.model import PostChanged
from upthread.comment.service import CommentService
from upthread.comment.store import CommentStore
from upthread.databases import ROOMS, Place, Places, Room, files_in
from upthread.errors import StartError
from upthread.post import sqlite as post_sqlite
from upthread.post.model import ThreadChanged
from upthread.post.service import PostService
from upthread.post.store import PostStore
from upthread.runtime.clock import Clock, SystemClock
from upthread.runtime.courier import Courier, Delivery
from upthread.storage.outbox import Outbox, SqliteOutbox
from upthread.storage.sqlite import Database, Layout, examine, prepare

ON_SQLITE: Mapping[Room, tuple[Layout, Callable[[Database], Any]]] = {
    "post": (post_sqlite.LAYOUT, post_sqlite.SqlitePostStore),
    "comment": (comment_sqlite.LAYOUT, comment_sqlite.SqliteCommentStore),
    "account": (account_sqlite.LAYOUT, account_sqlite.SqliteAccountStore),
}
"""Each room's file, and its store there."""
LAYOUTS = tuple(layout for layout, _ in ON_SQLITE.values())
SYSTEM_CLOCK = SystemClock()

Store = TypeVar("Store")


@dataclass(frozen=True, slots=True)
class Kept(Generic[Store]):
    """What one service keeps, on whichever engine."""

    store: Store
    outbox: Callable[[str], Outbox]
    """Its facts for this receiver."""
    errands: tuple[Courier, ...] = ()
    """What the service has still to do by itself, and brings to itself until it is done."""


@dataclass(frozen=True)
class Doors:
    """The three services, each near or far."""

    post: PostService
    comment: CommentService
    account: AccountService


@dataclass(frozen=True)
class Services(Doors):
    """The three services in this process, and the couriers that run between them."""

    couriers: tuple[Courier, ...]
    databases: tuple[Database, ...]

    async def settle(self) -> None:
        """Deliver what is in the outboxes now, and what that leads to: before a command ends, and in tests."""
        while sum([await courier.deliver() for courier in self.couriers]):
            pass


def prepare_files(places: Places) -> None:
    """Bring those of the databases that are SQLite files to this version's layout, making them if they are not there.

    Raises:
        StartError: a file or its folder can't be used; nothing was changed.
    """
    files = {room: place for room, place in places.items() if isinstance(place, Path)}
    for file in files.values():
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StartError(
                "The data folder {path} can't be made: {reason}.",
                path=str(file.parent),
                reason=error.strerror or str(error),
            ) from None
    for act in (examine, prepare):  # all are looked at before the first is touched
        for room, file in files.items():
            layout, _ = ON_SQLITE[room]
            act(file, layout)


@asynccontextmanager
async def open_services(
    where: Path | Places, clock: Clock = SYSTEM_CLOCK, passwords: Passwords | None = None
) -> AsyncIterator[Services]:
    """All services in this process; what was acknowledged is on disk at the end.

    Args:
        where: each service's database, or the folder with a SQLite file for each.
        clock: what tells the time.
        passwords: how passwords are hashed, if not as usual.

    Raises:
        StartError: a database can't be used.
    """
    places = files_in(where) if isinstance(where, Path) else where
    prepare_files(places)
    async with AsyncExitStack() as stack:
        files = {room: await open_file(stack, at, room) for room, at in places.items() if isinstance(at, Path)}
        post, comment, account = [
            kept_in(files[room], room) if room in files else await open_kept(stack, places[room], room)
            for room in ROOMS
        ]
        yield await stack.enter_async_context(
            connected(post, comment, account, clock, passwords or Passwords(), tuple(files.values()))
        )


async def open_kept(stack: AsyncExitStack, place: Place, room: Room) -> Kept[Any]:
    """What the service of this room keeps, on whichever engine; closed with the stack.

    Where a MongoDB server is not there yet, the service is Unavailable until it is.

    Raises:
        StartError: the database can't be used.
    """
    if isinstance(place, Path):
        return kept_in(await open_file(stack, place, room), room)

    from upthread import mongo_assembly  # noqa: PLC0415 - see the module's docstring

    return await mongo_assembly.open_kept(stack, place, room)


async def open_file(stack: AsyncExitStack, file: Path, room: Room) -> Database:
    """A room's SQLite file, in a folder that is there; closed with the stack.

    Raises:
        StartError: it can't be used.
    """
    layout, _ = ON_SQLITE[room]
    database = Database.open(file, layout)
    close: Callable[[], Awaitable[None]] = database.close
    stack.push_async_callback(close)
    return database


def kept_in(database: Database, room: Room) -> Kept[Any]:
    """What the service of this room keeps in its SQLite file."""
    _, store = ON_SQLITE[room]
    return Kept(store(database), partial(SqliteOutbox, database))


@asynccontextmanager
async def connected(
    kept_posts: Kept[PostStore],
    kept_comments: Kept[CommentStore],
    kept_accounts: Kept[AccountStore],
    clock: Clock,
    passwords: Passwords,
    databases: tuple[Database, ...] = (),
) -> AsyncIterator[Services]:
    """The services on what each of them keeps, with couriers that run between them until the end."""
    post = PostService(kept_posts.store, clock)
    comment = CommentService(kept_comments.store, clock)
    account = AccountService(kept_accounts.store, clock, passwords)
    doors = Doors(post, comment, account)
    couriers = (
        *couriers_from("post", kept_posts, doors),
        *couriers_from("comment", kept_comments, doors),
        *couriers_from("account", kept_accounts, doors),
    )
    async with running(couriers):
        yield Services(post, comment, account, couriers, databases)


def couriers_from(sender: Room, kept: Kept[Any], doors: Doors) -> tuple[Courier, ...]:
    """Who carries this room's facts: one courier to each receiver, and the room's own errands."""
    post, comment, account = doors.post, doors.comment, doors.account
    karma_and_notices = [
        Delivery(KarmaChanged, account.karma_changed),
        Delivery(NoticeArrived, account.notices_arrived),
    ]
    receivers: dict[Room, dict[Room, list[Delivery]]] = {
        "post": {"account": karma_and_notices, "comment": [Delivery(PostChanged, comment.posts_changed)]},
        "comment": {"account": karma_and_notices, "post": [Delivery(ThreadChanged, post.threads_changed)]},
        "account": {
            "post": [Delivery(PersonErased, post.people_erased)],
            "comment": [Delivery(PersonErased, comment.people_erased)],
        },
    }
    carried = receivers[sender].items()
    return (
        *(Courier(sender, receiver, kept.outbox(receiver), deliveries) for receiver, deliveries in carried),
        *kept.errands,
    )


@asynccontextmanager
async def running(couriers: tuple[Courier, ...]) -> AsyncIterator[None]:
    """Let couriers run until the end of the block."""
    tasks = [asyncio.create_task(courier.run(), name=courier.name) for courier in couriers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def open_accounts(place: Place, clock: Clock = SYSTEM_CLOCK) -> AsyncIterator[AccountService]:
    """The account service alone, for an operator's command beside a running site.

    Raises:
        StartError: there is no such file yet, or the database can't be used.
    """
    if isinstance(place, Path) and not place.exists():
        raise StartError("There is no site in {path} yet: start it once with `upthread serve`.", path=str(place.parent))
    async with AsyncExitStack() as stack:
        kept = await open_kept(stack, place, "account")
        yield AccountService(kept.store, clock, Passwords())
