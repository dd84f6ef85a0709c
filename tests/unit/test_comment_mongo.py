"""What holds of the comment store on MongoDB beyond the contract: several processes at once, and what a page costs."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pytest

from tests.contract.talk import nodes_of
from upthread.account.model import Actor, Author
from upthread.comment.model import ImportedComment, ThreadQuery, ThreadRef
from upthread.comment.mongo import LAYOUT, MongoCommentStore
from upthread.comment.mongo_layout import INDEXES
from upthread.comment.service import CommentService
from upthread.runtime.clock import ManualClock
from upthread.storage.mongo import Document, MongoDatabase

pytestmark = pytest.mark.anyio

ANN, BOB = Actor(1, "Ann"), Actor(2, "Bob")
THREAD = ThreadRef(post_id=1, author_id=0, title="A title", community="birds")


@pytest.fixture
async def databases(mongodb_url: str, mongodb_prefix: str) -> AsyncIterator[list[MongoDatabase]]:
    """The comment room's database as two processes have it open."""
    opened = [await MongoDatabase.open(mongodb_url, f"{mongodb_prefix}comment", LAYOUT) for _ in range(2)]
    yield opened
    for database in opened:
        await database.close()


@pytest.fixture
def services(databases: list[MongoDatabase], clock: ManualClock) -> list[CommentService]:
    """The service in each of them."""
    return [CommentService(MongoCommentStore(database), clock) for database in databases]


async def test_two_processes_count_alike(services: list[CommentService]) -> None:
    """Of votes and replies that reach two processes at the same moment, each is counted once."""
    one, other = services
    top = await one.add(ANN, THREAD, None, "Word")
    votes = [services[number % 2].vote(Actor(10 + number, "voter"), top.id, 1) for number in range(10)]
    replies = [services[number % 2].add(BOB, THREAD, top.id, "Word") for number in range(6)]
    await asyncio.gather(*votes, *replies)
    found = await other.comment(top.id)
    assert (found.ups, found.downs, found.replies) == (10, 0, 6)
    page = await one.thread(ThreadQuery(post_id=1))
    assert page.total == 7
    assert len(page.nodes[0].children) == 6


async def test_a_page_takes_one_query_a_level(
    services: list[CommentService], databases: list[MongoDatabase], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many replies are wanted of each comment of a level, all of them are read by one query."""
    comments = [
        ImportedComment(
            key=f"{parent} {number}",
            post_id=1,
            parent_key=parent,
            author=Author(0, ""),
            text="Word",
            created_at=1_600_000_000,
        )
        for parent, count in ((None, 3), ("None 0", 1), ("None 1", 5), ("None 2", 20), ("None 1 0", 2))
        for number in range(count)
    ]
    await services[0].import_comments([THREAD], comments)
    asked: list[str] = []
    aggregate = databases[0].aggregate

    async def noted(collection: str, pipeline: Sequence[Mapping[str, Any]]) -> list[Document]:
        asked.append(collection)
        return await aggregate(collection, pipeline)

    monkeypatch.setattr(databases[0], "aggregate", noted)
    page = await services[0].thread(ThreadQuery(post_id=1))
    assert len(list(nodes_of(page.nodes))) == len(comments)
    assert asked == ["comment"] * 3


async def test_a_destroyed_text_is_nowhere(services: list[CommentService], databases: list[MongoDatabase]) -> None:
    """Of a deleted comment no collection has any version of the text, or the author's name."""
    comment = await services[0].add(Actor(7, "Guestname"), THREAD, None, "Secretword")
    await services[0].edit(Actor(7, "Guestname"), comment.id, "Other secretword")
    await services[0].delete(Actor(7, "Guestname"), comment.id)
    for collection in INDEXES.keys() - {"outbox"}:  # which forgets by delivering
        kept = repr([document async for document in databases[0].collection(collection).find().sort("_id")])
        assert "ecretword" not in kept
        assert "uestname" not in kept
