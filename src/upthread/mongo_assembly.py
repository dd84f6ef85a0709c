"""Opens the services' databases on MongoDB, for :mod:`upthread.assembly` to put together.

A module of its own, so that a site on SQLite starts without the driver.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

from upthread.account.model import PersonErased
from upthread.account.mongo import LAYOUT as ACCOUNT_LAYOUT
from upthread.account.mongo import MongoAccountStore
from upthread.account.store import AccountStore
from upthread.assembly import Kept
from upthread.comment.mongo import LAYOUT as COMMENT_LAYOUT
from upthread.comment.mongo import MongoCommentStore
from upthread.comment.store import CommentStore
from upthread.databases import MongoAddress, Room
from upthread.errors import StartError
from upthread.post.mongo import LAYOUT as POST_LAYOUT
from upthread.post.mongo import MongoPostStore
from upthread.post.store import PostStore
from upthread.runtime.courier import Courier, Delivery
from upthread.storage.mongo import MongoDatabase, MongoLayout
from upthread.storage.mongo_outbox import MongoOutbox


async def open_kept(stack: AsyncExitStack, place: MongoAddress, room: Room) -> Kept[Any]:
    """What the service of this room keeps on MongoDB; closed with the stack. Unavailable until the server is there.

    Raises:
        StartError: the address or the database can't be used; the setting is named.
    """
    try:
        return await OPEN[room](stack, place.url, place.database)
    except StartError as error:
        raise StartError("{variable}: {reason}", variable=place.variable, reason=str(error)) from error


async def open_account(stack: AsyncExitStack, url: str, database: str) -> Kept[AccountStore]:
    """What the account service keeps in this database; closed with the stack.

    Raises:
        StartError: the address or the database can't be used.
    """
    kept = await _open(stack, url, database, ACCOUNT_LAYOUT)
    store = MongoAccountStore(kept)
    clear_inboxes = Courier(
        "account", "account", MongoOutbox(kept, "account"), [Delivery(PersonErased, store.clear_inboxes)]
    )
    return Kept(store, partial(MongoOutbox, kept), (clear_inboxes,))


async def open_post(stack: AsyncExitStack, url: str, database: str) -> Kept[PostStore]:
    """What the post service keeps in this database; closed with the stack.

    Raises:
        StartError: the address or the database can't be used.
    """
    kept = await _open(stack, url, database, POST_LAYOUT)
    return Kept(MongoPostStore(kept), partial(MongoOutbox, kept))


async def open_comment(stack: AsyncExitStack, url: str, database: str) -> Kept[CommentStore]:
    """What the comment service keeps in this database; closed with the stack.

    Raises:
        StartError: the address or the database can't be used.
    """
    kept = await _open(stack, url, database, COMMENT_LAYOUT)
    return Kept(MongoCommentStore(kept), partial(MongoOutbox, kept))


async def _open(stack: AsyncExitStack, url: str, database: str, layout: MongoLayout) -> MongoDatabase:
    opened = await MongoDatabase.open_soon(url, database, layout)
    stack.push_async_callback(opened.close)
    return opened


OPEN: Mapping[Room, Callable[[AsyncExitStack, str, str], Awaitable[Kept[Any]]]] = {
    "post": open_post,
    "comment": open_comment,
    "account": open_account,
}
"""How each room's store is opened."""
