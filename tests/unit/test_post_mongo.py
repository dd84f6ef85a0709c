"""What only MongoDB can do to the post room: several processes on one database, and feeds merged by several queries."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import get_args

import pytest

from tests.conftest import START
from tests.contract.posting import ANN, BOB, CAT, found, imported, submit, titles
from upthread.account.model import Actor, Author
from upthread.errors import Unavailable
from upthread.post import mongo_feeds
from upthread.post.model import FeedSort, Vote
from upthread.post.mongo import LAYOUT, MongoPostStore
from upthread.post.service import PostService
from upthread.ranking import DAY
from upthread.runtime.calls.deadline import within
from upthread.runtime.clock import ManualClock
from upthread.storage.mongo import MongoDatabase

SORTS: tuple[FeedSort, ...] = get_args(FeedSort)

pytestmark = pytest.mark.anyio


@pytest.fixture
async def processes(mongodb_url: str, mongodb_emptied: str, clock: ManualClock) -> AsyncIterator[list[PostService]]:
    """Post services as two processes have them, on one database."""
    async with AsyncExitStack() as stack:
        services = []
        for _ in range(2):
            database = await MongoDatabase.open(mongodb_url, f"{mongodb_emptied}post", LAYOUT)
            stack.push_async_callback(database.close)
            services.append(PostService(MongoPostStore(database), clock))
        yield services


async def test_votes_in_two_processes_are_all_counted(processes: list[PostService]) -> None:
    """People who vote on the same posts through different processes at once are counted once each, in karma too."""
    await found(processes[0])
    ids = [(await submit(processes[0])).id for _ in range(3)]

    async def vote(voter: int) -> None:
        choices: list[Vote] = [1, -1, 1]
        for choice in choices:  # through either process, and both at once
            await asyncio.gather(*(processes[voter % 2].vote(Actor(100 + voter, "v"), each, choice) for each in ids))
            await processes[(voter + 1) % 2].vote(Actor(100 + voter, "v"), ids[0], choice)

    await asyncio.gather(*(vote(voter) for voter in range(12)))
    assert [(post.ups, post.downs) for post in await processes[1].posts(ids)] == [(12, 0)] * 3
    again = [await process.vote(Actor(100, "v"), ids[0], 0) for process in processes]
    assert [(tally.ups, tally.downs) for tally in again] == [(11, 0)] * 2


async def test_whoever_gives_up_holds_up_nobody(processes: list[PostService]) -> None:
    """A vote that nobody waits for any longer may count or not; the others, cast at the same moment, do."""
    post, _ = processes
    await found(post)
    made = await submit(post)

    async def impatient(voter: Actor) -> None:
        with within(0.0):
            await post.vote(voter, made.id, 1)

    outcomes = await asyncio.gather(
        impatient(ANN), post.vote(BOB, made.id, 1), impatient(ANN), post.vote(CAT, made.id, 1), return_exceptions=True
    )
    assert isinstance(outcomes[0], Unavailable)
    marks = [(await post.marks(voter.id, [made.id])) for voter in (BOB, CAT)]
    assert [mark.vote for (mark,) in marks] == [1, 1]
    assert (await post.post(made.id)).ups in {2, 3}


async def test_two_imports_at_once_add_everything_once(processes: list[PostService]) -> None:
    """The same posts that come by two processes at the same moment are there once, with their authors' karma."""
    posts = [imported(f"t3_{n}", community=f"c{n % 3}", author=Author(5, "eve"), ups=2) for n in range(20)]
    outcomes = await asyncio.gather(*(each.import_posts(posts) for each in processes), return_exceptions=True)
    for outcome in outcomes:
        assert not isinstance(outcome, BaseException) or isinstance(outcome, Unavailable)
    again = await processes[0].import_posts(posts)
    assert again.added == 0
    assert sorted(await titles(processes[1])) == sorted(again.ids)


async def test_a_feed_merged_by_many_queries_is_the_same(
    processes: list[PostService], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a home has more communities and days than one query merges, its pages show the same as where it has not."""
    post, _ = processes
    await post.import_posts(
        [
            imported(f"t3_{n}", community=f"c{n % 8}", ups=n % 5, downs=n % 2, created_at=START - n % 3 * DAY - n)
            for n in range(24)
        ]
    )
    for n in range(1, 8):
        await post.subscribe(BOB, f"c{n}", subscribed=True)
    for sort in SORTS:
        whole = await titles(post, sort=sort, subscribed_by=BOB.id)
        with monkeypatch.context() as small:
            small.setattr(mongo_feeds, "PIECES", 3)
            small.setattr(mongo_feeds, "SCAN", 2)
            assert await titles(post, sort=sort, subscribed_by=BOB.id, limit=5) == whole
        assert len(whole) == {"hour": 7, "day": 7, "controversial": 10}.get(sort, 21)
