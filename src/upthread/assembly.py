"""Puts the rooms together: opens each service's database, gives each service its store, sets the couriers going.

The databases here are SQLite files; those on MongoDB are opened in :mod:`upthread.mongo_assembly`, and put together as
the same services. Whether a door is near or far (:mod:`upthread.fleet`) is for whoever hands it over; nothing here
depends on it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar, get_args

from upthread.account import sqlite as account_sqlite
from upthread.account.model import KarmaChanged, NoticeArrived, PersonErased
from upthread.account.passwords import Passwords
from upthread.account.service import AccountService
from upthread.account.store import AccountStore
from upthread.comment import sqlite as comment_sqlite
from upthread.comment.model import PostChanged
from upthread.comment.service import CommentService
from upthread.comment.store import CommentStore
from upthread.errors import StartError
from upthread.post import sqlite as post_sqlite
from upthread.post.model import ThreadChanged
from upthread.post.service import PostService
from upthread.post.store import PostStore
from upthread.runtime.clock import Clock, SystemClock
from upthread.runtime.courier import Courier, Delivery
from upthread.storage.outbox import Outbox, SqliteOutbox
from upthread.storage.sqlite import Database, Layout, examine, prepare

Room = Literal["post", "comment", "account"]
ROOMS: tuple[Room, ...] = get_args(Room)
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


def database_file(data: Path, layout: Layout) -> Path:
    """Where a service's file is in the data folder."""
    return data / f"{layout.name}.sqlite3"


def prepare_data(data: Path, rooms: tuple[Room, ...] = ROOMS) -> None:
    """Make the data folder and bring the files of these rooms to this version's layout.

    Raises:
        StartError: the folder or a file in it can't be used; nothing was changed.
    """
    try:
        data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(
            "The data folder {path} can't be made: {reason}.", path=str(data), reason=_reason(error)
        ) from None
    for act in (examine, prepare):  # all are looked at before the first is touched
        for room in rooms:
            layout, _ = ON_SQLITE[room]
            act(database_file(data, layout), layout)


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


@asynccontextmanager
async def open_services(
    data: Path, clock: Clock = SYSTEM_CLOCK, passwords: Passwords | None = None
) -> AsyncIterator[Services]:
    """All services in this process on the SQLite files in ``data``; what was acknowledged is on disk at the end.

    Raises:
        StartError: the folder or a file in it can't be used.
    """
    prepare_data(data)
    async with AsyncExitStack() as stack:
        databases = [await open_file(stack, data, room) for room in ROOMS]
        post, comment, account = (kept_in(database, room) for database, room in zip(databases, ROOMS, strict=True))
        yield await stack.enter_async_context(
            connected(post, comment, account, clock, passwords or Passwords(), tuple(databases))
        )


async def open_file(stack: AsyncExitStack, data: Path, room: Room) -> Database:
    """A room's SQLite file, which is there and of this version's layout; closed with the stack.

    Raises:
        StartError: it can't be used.
    """
    layout, _ = ON_SQLITE[room]
    database = Database.open(database_file(data, layout), layout)
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
async def open_accounts(data: Path, clock: Clock = SYSTEM_CLOCK) -> AsyncIterator[AccountService]:
    """The account service alone, for an operator's command beside a running site.

    Raises:
        StartError: there is no such file yet, or it can't be used.
    """
    layout = account_sqlite.LAYOUT
    path = database_file(data, layout)
    if not path.exists():
        raise StartError("There is no site in {path} yet: start it once with `upthread serve`.", path=str(data))
    async with AsyncExitStack() as stack:
        database = await open_file(stack, data, "account")
        yield AccountService(account_sqlite.SqliteAccountStore(database), clock, Passwords())
