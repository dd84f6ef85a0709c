"""Puts the rooms together: opens each service's database, gives each service its store, sets the couriers going.

The databases here are SQLite files; those on MongoDB are opened in :mod:`upthread.mongo_assembly`, and put together as
the same services.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

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

LAYOUTS = (post_sqlite.LAYOUT, comment_sqlite.LAYOUT, account_sqlite.LAYOUT)
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


@dataclass(frozen=True, slots=True)
class Services:
    """The three doors, and the couriers that run between them."""

    post: PostService
    comment: CommentService
    account: AccountService
    couriers: tuple[Courier, ...]
    databases: tuple[Database, ...]

    async def settle(self) -> None:
        """Deliver what is in the outboxes now, and what that leads to: before a command ends, and in tests."""
        while sum([await courier.deliver() for courier in self.couriers]):
            pass


def database_file(data: Path, layout: Layout) -> Path:
    """Where a service's file is in the data folder."""
    return data / f"{layout.name}.sqlite3"


def prepare_data(data: Path) -> None:
    """Make the data folder and bring every file in it to this version's layout.

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
        for layout in LAYOUTS:
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
        databases = [await _open(stack, database_file(data, layout), layout) for layout in LAYOUTS]
        post, comment, account = databases
        yield await stack.enter_async_context(
            connected(
                Kept(post_sqlite.SqlitePostStore(post), partial(SqliteOutbox, post)),
                Kept(comment_sqlite.SqliteCommentStore(comment), partial(SqliteOutbox, comment)),
                Kept(account_sqlite.SqliteAccountStore(account), partial(SqliteOutbox, account)),
                clock,
                passwords or Passwords(),
                tuple(databases),
            )
        )


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
    karma_and_notices = [
        Delivery(KarmaChanged, account.karma_changed),
        Delivery(NoticeArrived, account.notices_arrived),
    ]
    couriers = (
        Courier("post", "account", kept_posts.outbox("account"), karma_and_notices),
        Courier("post", "comment", kept_posts.outbox("comment"), [Delivery(PostChanged, comment.posts_changed)]),
        Courier("comment", "account", kept_comments.outbox("account"), karma_and_notices),
        Courier("comment", "post", kept_comments.outbox("post"), [Delivery(ThreadChanged, post.threads_changed)]),
        Courier("account", "post", kept_accounts.outbox("post"), [Delivery(PersonErased, post.people_erased)]),
        Courier("account", "comment", kept_accounts.outbox("comment"), [Delivery(PersonErased, comment.people_erased)]),
        *kept_posts.errands,
        *kept_comments.errands,
        *kept_accounts.errands,
    )
    tasks = [asyncio.create_task(courier.run(), name=courier.name) for courier in couriers]
    try:
        yield Services(post, comment, account, couriers, databases)
    finally:
        await _stop(tasks)


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
        database = await _open(stack, path, layout)
        yield AccountService(account_sqlite.SqliteAccountStore(database), clock, Passwords())


async def _open(stack: AsyncExitStack, path: Path, layout: Layout) -> Database:
    database = Database.open(path, layout)
    close: Callable[[], Awaitable[None]] = database.close
    stack.push_async_callback(close)
    return database


async def _stop(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
