"""Votes on comments and saved comments: exact under any crowd, and what authors earn by them."""

import asyncio
import random

import pytest

from tests.contract.talk import ANN, BOB, CID, GUEST, Talk
from upthread.account.model import Actor
from upthread.assembly import Services
from upthread.comment.model import CommentMark, Tally, Vote
from upthread.errors import SignInNeeded
from upthread.runtime.clock import ManualClock

pytestmark = pytest.mark.anyio

VOTERS, COMMENTS, ROUNDS = 64, 20, 3


@pytest.fixture
def talk(services: Services) -> Talk:
    """A thread that nobody has commented on yet."""
    return Talk(services.comment)


async def test_votes_go_up_down_and_back(talk: Talk) -> None:
    """Each vote takes the place of the voter's last one, and the same vote twice changes nothing."""
    comment = await talk.say()
    await talk.service.vote(CID, comment.id, 1)
    steps: list[tuple[Vote, Tally]] = [
        (1, Tally(2, 0, 1)),
        (1, Tally(2, 0, 1)),
        (-1, Tally(1, 1, -1)),
        (0, Tally(1, 0, 0)),
        (0, Tally(1, 0, 0)),
    ]
    for vote, tally in steps:
        assert await talk.service.vote(BOB, comment.id, vote) == tally
    shown = await talk.service.comment(comment.id)
    assert (shown.ups, shown.downs, shown.score) == (1, 0, 1)


async def test_guests_vote_once_too(talk: Talk) -> None:
    """A guest's vote counts like anybody's, and each guest has one."""
    comment = await talk.say()
    for _ in range(2):
        assert await talk.service.vote(GUEST, comment.id, 1) == Tally(1, 0, 1)
    assert await talk.service.vote(Actor(-6, "Other"), comment.id, -1) == Tally(1, 1, -1)


@pytest.mark.parametrize("seed", range(3))
async def test_counts_equal_the_votes_however_many_vote_at_once(talk: Talk, seed: int) -> None:
    """With 64 voters at work at once on 20 comments, each comment's counts are exactly its votes."""
    chance = random.Random(seed)
    ids = [(await talk.say()).id for _ in range(COMMENTS)]
    voters = [Actor(100 + n, f"voter{n}") for n in range(VOTERS)]

    async def vote_about(voter: Actor) -> None:
        choices: list[Vote] = [-1, 0, 1, 1]
        for _ in range(ROUNDS):
            for comment_id in chance.sample(ids, COMMENTS):
                await talk.service.vote(voter, comment_id, chance.choice(choices))

    await asyncio.gather(*(vote_about(voter) for voter in voters))
    marks = [mark for voter in voters for mark in await talk.service.marks(voter.id, ids)]
    for comment_id in ids:
        shown = await talk.service.comment(comment_id)
        votes = [mark.vote for mark in marks if mark.comment_id == comment_id]
        assert (shown.ups, shown.downs) == (votes.count(1), votes.count(-1))


async def test_marks_tell_what_one_has_done(talk: Talk) -> None:
    """A page asks once which of its comments somebody has voted on or saved; untouched ones are not named."""
    one, two, three = [await talk.say() for _ in range(3)]
    await talk.service.vote(BOB, one.id, -1)
    await talk.service.save(BOB, one.id, saved=True)
    await talk.service.save(BOB, two.id, saved=True)
    await talk.service.vote(CID, three.id, 1)
    marks = await talk.service.marks(BOB.id, [one.id, two.id, three.id, 999_999])
    assert sorted(marks, key=lambda mark: mark.comment_id) == [
        CommentMark(comment_id=one.id, vote=-1, saved=True),
        CommentMark(comment_id=two.id, saved=True),
    ]


async def test_a_saved_list_is_ones_own(talk: Talk, clock: ManualClock) -> None:
    """Saved comments are listed last saved first, until taken out or deleted; saving twice changes nothing."""
    one, two, three = [await talk.say(by=CID) for _ in range(3)]
    for comment in (two, one, three, two):
        clock.advance(1)
        await talk.service.save(BOB, comment.id, saved=True)
    listed = (await talk.service.saved(BOB.id)).comments
    assert [comment.id for comment in listed] == [three.id, one.id, two.id]
    assert listed[0].title == "Swifts are back"
    for _ in range(2):
        await talk.service.save(BOB, one.id, saved=False)
    await talk.service.delete(CID, three.id)
    assert [comment.id for comment in (await talk.service.saved(BOB.id)).comments] == [two.id]
    assert (await talk.service.saved(ANN.id)).comments == []


async def test_guests_have_no_saved_list(talk: Talk) -> None:
    """Whoever has no account is asked to log in before saving."""
    comment = await talk.say()
    with pytest.raises(SignInNeeded):
        await talk.service.save(GUEST, comment.id, saved=True)


# karma


@pytest.fixture
async def author(services: Services) -> Actor:
    """Somebody with an account, whose karma can be looked up."""
    ids = await services.account.import_people(["writer"], 0)
    return Actor(ids["writer"], "writer")


async def karma(services: Services) -> int:
    """What the writer's comments have earned."""
    await services.settle()
    return (await services.account.person("writer")).comment_karma


async def test_others_votes_are_the_authors_karma(services: Services, talk: Talk, author: Actor) -> None:
    """Karma is the sum of others' votes on all of one's comments; one's own votes add none; deleting takes none."""
    one, other = await talk.say(by=author), await talk.say(by=author)
    voter = Actor(author.id + 1, "voter")
    for actor, comment in ((voter, one), (GUEST, one), (voter, other), (author, one)):
        await talk.service.vote(actor, comment.id, 1)
    assert await karma(services) == 3
    await talk.service.vote(voter, one.id, -1)
    await talk.service.vote(author, one.id, 0)
    assert await karma(services) == 1
    await talk.service.delete(author, one.id)
    assert await karma(services) == 1
