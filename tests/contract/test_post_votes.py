"""Votes on posts: counting them exactly, and what authors earn by them."""

import asyncio
import random

import pytest

from tests.contract.posting import ADMIN, ANN, BOB, CAT, GUEST, found, imported, submit
from upthread.account.model import Actor
from upthread.assembly import Services
from upthread.post.model import FeedQuery, Tally, Vote
from upthread.post.service import PostService

pytestmark = pytest.mark.anyio

VOTERS, POSTS, ROUNDS = 64, 20, 3


@pytest.fixture
async def post(services: Services) -> PostService:
    """The door of the post room, with a community of Ann's."""
    await found(services.post)
    return services.post


async def test_votes_go_up_down_and_back(post: PostService) -> None:
    """Each vote takes the place of the voter's last one, and the same vote twice changes nothing."""
    made = await submit(post)
    await post.vote(CAT, made.id, 1)
    steps: list[tuple[Vote, Tally]] = [
        (1, Tally(2, 0, 1)),
        (1, Tally(2, 0, 1)),
        (-1, Tally(1, 1, -1)),
        (-1, Tally(1, 1, -1)),
        (0, Tally(1, 0, 0)),
        (0, Tally(1, 0, 0)),
        (1, Tally(2, 0, 1)),
    ]
    for vote, tally in steps:
        assert await post.vote(BOB, made.id, vote) == tally
    shown = await post.post(made.id)
    assert (shown.ups, shown.downs, shown.score) == (2, 0, 2)


async def test_guests_vote_once_too(post: PostService) -> None:
    """A guest's vote counts like anybody's, and each guest has one."""
    made = await submit(post)
    for _ in range(2):
        assert await post.vote(GUEST, made.id, 1) == Tally(1, 0, 1)
    assert await post.vote(Actor(-8, "Other"), made.id, -1) == Tally(1, 1, -1)


async def test_a_vote_moves_a_post_in_every_order(post: PostService) -> None:
    """After a vote the post stands where its new votes put it, wherever posts are ranked."""
    lower, upper = [await submit(post, title=title) for title in ("lower", "upper")]
    for voter in (ANN, BOB):
        await post.vote(voter, lower.id, 1)
    await post.vote(CAT, upper.id, -1)
    for query in (FeedQuery(sort="hot"), FeedQuery(sort="active"), FeedQuery(sort="all"), FeedQuery(sort="day")):
        assert [shown.id for shown in (await post.feed(query)).posts] == [lower.id, upper.id]
    assert (await post.feed(FeedQuery(sort="controversial"))).posts == []
    await post.vote(CAT, lower.id, -1)
    assert [shown.id for shown in (await post.feed(FeedQuery(sort="controversial"))).posts] == [lower.id]


@pytest.mark.parametrize("seed", range(3))
async def test_counts_equal_the_votes_however_many_vote_at_once(post: PostService, seed: int) -> None:
    """With 64 voters at work at once on 20 posts, each post's counts are exactly its votes."""
    random.seed(seed)
    ids = [(await submit(post)).id for _ in range(POSTS)]
    voters = [Actor(100 + n, f"voter{n}") for n in range(VOTERS)]

    async def vote_about(voter: Actor) -> None:
        choices: list[Vote] = [-1, 0, 1, 1]
        for _ in range(ROUNDS):
            for post_id in random.sample(ids, POSTS):
                tally = await post.vote(voter, post_id, random.choice(choices))
                assert 0 <= tally.ups + tally.downs <= VOTERS

    await asyncio.gather(*(vote_about(voter) for voter in voters))
    votes = [mark for voter in voters for mark in await post.marks(voter.id, ids)]
    for shown in await post.posts(ids):
        assert shown.ups == sum(mark.vote == 1 for mark in votes if mark.post_id == shown.id)
        assert shown.downs == sum(mark.vote == -1 for mark in votes if mark.post_id == shown.id)


# karma


@pytest.fixture
async def author(services: Services) -> Actor:
    """Somebody with an account, whose karma can be looked up."""
    ids = await services.account.import_people(["writer"], 0)
    return Actor(ids["writer"], "writer")


async def karma(services: Services) -> int:
    """What the writer's posts have earned."""
    await services.settle()
    return (await services.account.person("writer")).post_karma


async def test_others_votes_are_the_authors_karma(services: Services, post: PostService, author: Actor) -> None:
    """Karma is the sum of others' votes on all of one's posts; one's own votes add none."""
    one, other = await submit(post, author), await submit(post, author)
    await post.vote(ADMIN, one.id, 1)
    await post.vote(GUEST, one.id, 1)
    await post.vote(ADMIN, other.id, 1)
    await post.vote(author, one.id, 1)
    assert await karma(services) == 3
    await post.vote(ADMIN, one.id, -1)
    await post.vote(ADMIN, other.id, 0)
    await post.vote(author, one.id, 0)
    assert await karma(services) == 0


async def test_karma_stays_when_a_post_is_deleted(services: Services, post: PostService, author: Actor) -> None:
    """What a post has earned is kept when it goes."""
    made = await submit(post, author)
    await post.vote(ADMIN, made.id, 1)
    await post.delete(author, made.id)
    assert await karma(services) == 1


async def test_imported_votes_are_karma_as_well(services: Services, post: PostService, author: Actor) -> None:
    """The votes that posts bring from elsewhere count for their authors, once."""
    written_by = (await submit(post, author)).author
    posts = [imported(f"t3_{n}", ups=10, downs=n, author=written_by) for n in range(3)]
    for _ in range(2):
        await post.import_posts(posts)
    assert await karma(services) == 27
    await post.vote(ADMIN, (await post.imported(["t3_0"]))["t3_0"], 1)
    assert await karma(services) == 28
