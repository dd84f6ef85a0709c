"""Puts the rooms together: opens each service's database, gives each service its store, sets the couriers going."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from upthread.account import sqlite as account_sqlite
from upthread.account.model import KarmaChanged, NoticeArrived, PersonErased
from upthread.account.passwords import Passwords
from upthread.account.service import AccountService
from upthread.comment import sqlite as comment_sqlite
from upthread.comment.model import PostChanged
from upthread.comment.service import CommentService
from upthread.errors import StartError
from upthread.post import sqlite as post_sqlite
from upthread.post.model import ThreadChanged
from upthread.post.service import PostService
from upthread.runtime.clock import Clock, SystemClock
from upthread.runtime.courier import Courier, Delivery
from upthread.storage.outbox import SqliteOutbox
from upthread.storage.sqlite import Database, Layout, examine, prepare

LAYOUTS = (post_sqlite.LAYOUT, comment_sqlite.LAYOUT, account_sqlite.LAYOUT)
SYSTEM_CLOCK = SystemClock()


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
        post_database, comment_database, account_database = [
            await _open(stack, database_file(data, layout), layout) for layout in LAYOUTS
        ]
        post = PostService(post_sqlite.SqlitePostStore(post_database), clock)
        comment = CommentService(comment_sqlite.SqliteCommentStore(comment_database), clock)
        account = AccountService(account_sqlite.SqliteAccountStore(account_database), clock, passwords or Passwords())

        karma_and_notices = [
            Delivery(KarmaChanged, account.karma_changed),
            Delivery(NoticeArrived, account.notices_arrived),
        ]
        couriers = (
            Courier("post", "account", SqliteOutbox(post_database, "account"), karma_and_notices),
            Courier(
                "post",
                "comment",
                SqliteOutbox(post_database, "comment"),
                [Delivery(PostChanged, comment.posts_changed)],
            ),
            Courier("comment", "account", SqliteOutbox(comment_database, "account"), karma_and_notices),
            Courier(
                "comment",
                "post",
                SqliteOutbox(comment_database, "post"),
                [Delivery(ThreadChanged, post.threads_changed)],
            ),
            Courier(
                "account", "post", SqliteOutbox(account_database, "post"), [Delivery(PersonErased, post.people_erased)]
            ),
            Courier(
                "account",
                "comment",
                SqliteOutbox(account_database, "comment"),
                [Delivery(PersonErased, comment.people_erased)],
            ),
        )
        stack.push_async_callback(
            _stop, [asyncio.create_task(courier.run(), name=courier.name) for courier in couriers]
        )
        yield Services(post, comment, account, couriers, (post_database, comment_database, account_database))


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
