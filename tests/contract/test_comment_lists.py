"""Flat lists of comments: of a person, of the site, of a post, and by search."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.contract.talk import ANN, BOB, GUEST, OTHER_THREAD, Talk
from upthread.account.model import Actor
from upthread.assembly import Services
from upthread.comment.model import Comment, CommentPage, CommentSort, SearchQuery
from upthread.errors import Invalid
from upthread.runtime.clock import ManualClock

pytestmark = pytest.mark.anyio


@pytest.fixture
def talk(services: Services) -> Talk:
    """A thread that nobody has commented on yet."""
    return Talk(services.comment)


@pytest.fixture
def elsewhere(services: Services) -> Talk:
    """The thread of another post, in another community."""
    return Talk(services.comment, OTHER_THREAD)


async def all_pages(read: Callable[..., Awaitable[CommentPage]], *arguments: int | str | None) -> list[int]:
    """The ids on all pages of a list, two at a time."""
    page = await read(*arguments, limit=2)
    found = ids_of(page.comments)
    while page.after:
        page = await read(*arguments, after=page.after, limit=2)
        assert page.comments
        found += ids_of(page.comments)
    return found


def ids_of(comments: list[Comment]) -> list[int]:
    """The ids of a list."""
    return [comment.id for comment in comments]


async def test_lists_visit_every_comment_once(talk: Talk, elsewhere: Talk, clock: ManualClock) -> None:
    """The newest comments of the site, a post or a person come newest first, each once, over all pages."""
    comments = []
    for number in range(10):
        clock.advance(number % 2)
        comments.append(await (talk, elsewhere)[number % 3 == 0].say(by=(ANN, BOB)[number % 4 == 0]))
    comments.reverse()
    assert await all_pages(talk.service.newest, None) == ids_of(comments)
    for post_id in (1, 2):
        of_post = [comment.id for comment in comments if comment.post_id == post_id]
        assert await all_pages(talk.service.newest, post_id) == of_post
    for actor in (ANN, BOB):
        of_actor = [comment.id for comment in comments if comment.author.id == actor.id]
        assert await all_pages(talk.service.by_author, actor.id, "new") == of_actor
        assert await all_pages(talk.service.by_author, actor.id, "old") == of_actor[::-1]


async def test_a_listed_comment_names_its_post(talk: Talk, elsewhere: Talk) -> None:
    """Outside of its thread a comment comes with the title and community of its post."""
    await talk.say()
    await elsewhere.say()
    listed = (await talk.service.newest()).comments
    assert [(comment.title, comment.community) for comment in listed] == [
        ("Old maps", "maps"),
        ("Swifts are back", "birds"),
    ]


async def test_deleted_comments_are_not_listed(talk: Talk) -> None:
    """A deleted comment is in no list."""
    comment = await talk.say()
    await talk.service.delete(ANN, comment.id)
    assert (await talk.service.newest()).comments == []
    assert (await talk.service.newest(1)).comments == []
    assert (await talk.service.by_author(ANN.id)).comments == []


@pytest.mark.parametrize("person_id", [0, GUEST.id])
async def test_only_people_have_a_list(talk: Talk, person_id: int) -> None:
    """What guests and people no longer known have written can't be listed by author."""
    await talk.say(by=GUEST)
    assert (await talk.service.by_author(person_id)).comments == []


@pytest.mark.parametrize(
    ("sort", "expected"), [("best", [2, 0, 3, 1]), ("top", [2, 3, 0, 1]), ("controversial", [3, 2, 1, 0])]
)
async def test_a_persons_comments_by_votes(talk: Talk, sort: CommentSort, expected: list[int]) -> None:
    """A person's comments can be listed by what others think of them, page by page."""
    comments = [await talk.say() for _ in range(4)]
    for place, ups, downs in ((1, 0, 1), (2, 3, 0), (3, 2, 2)):
        for number in range(ups + downs):
            voter = Actor(100 + number, "voter")
            await talk.service.vote(voter, comments[place].id, 1 if number < ups else -1)
    found = await all_pages(talk.service.by_author, ANN.id, sort)
    assert found == [comments[place].id for place in expected]


async def test_damaged_cursors_are_refused(talk: Talk) -> None:
    """A made-up link to a next page is refused by name, in each list."""
    for read in (
        talk.service.newest(None, "?"),
        talk.service.saved(ANN.id, "?"),
        talk.service.by_author(ANN.id, "best", "?"),
    ):
        with pytest.raises(Invalid) as refusal:
            await read
        assert refusal.value.field == "after"


# search


async def found(talk: Talk, text: str = "", **filters: Any) -> list[int]:
    """The ids that a search finds."""
    hits = await talk.service.search(SearchQuery(text=text, **filters))
    return [hit.comment.id for hit in hits.hits]


async def test_words_are_found(talk: Talk) -> None:
    """A search finds comments with all its words in any order and case, the last word perhaps unfinished."""
    swifts = await talk.say("**Swifts** nest under the *eaves*")
    await talk.say("Swallows nest in barns")
    assert await found(talk, "eaves swifts") == [swifts.id]
    assert await found(talk, "NEST swif") == [swifts.id]
    assert await found(talk, "swifts barns") == []
    assert await found(talk, "") == []


async def test_a_snippet_marks_the_hits(talk: Talk) -> None:
    """A hit comes with the words around it as plain text, each hit marked, and with its post's title."""
    await talk.say("**Swifts** nest \ue000under\ue001 the `<eaves>`")
    (hit,) = (await talk.service.search(SearchQuery(text="eaves"))).hits
    assert hit.snippet == "Swifts nest under the <\ue000eaves\ue001>"
    assert hit.comment.title == "Swifts are back"


async def test_filters_narrow_a_search(talk: Talk, elsewhere: Talk, clock: ManualClock) -> None:
    """Community, author (whole names, in any case) and time narrow a search down, with words or without."""
    start = clock.now()
    first = await talk.say("swifts", by=ANN)
    clock.advance(10)
    second = await talk.say("swifts", by=Actor(7, "Ann-Marie"))
    clock.advance(10)
    third = await elsewhere.say("swifts", by=BOB)
    assert await found(talk, "swifts", author="ann") == [first.id]
    assert await found(talk, author="ann-marie") == [second.id]
    assert await found(talk, "swifts", community="MAPS") == [third.id]
    assert await found(talk, community="birds") == [second.id, first.id]
    assert await found(talk, "swifts", before=start + 10) == [first.id]
    assert await found(talk, after=start + 10) == [third.id, second.id]
    assert await found(talk, after=start + 10, before=start + 20) == [second.id]
    assert await found(talk, "swifts", domain="a.example") == []


async def test_edits_and_deletions_are_searched(talk: Talk) -> None:
    """After an edit the new words are found and the old ones not; after deletion none."""
    comment = await talk.say("swifts")
    await talk.service.edit(ANN, comment.id, "swallows")
    assert await found(talk, "swifts") == []
    assert await found(talk, "swallows", author="ann") == [comment.id]
    await talk.service.delete(ANN, comment.id)
    assert await found(talk, "swallows") == []


@pytest.mark.parametrize(
    "text", ['"', "'", "*", "a AND", "NEAR(a b)", "text:", "-swifts", "(", "^swifts", "a\x00b", "\\"]
)
async def test_no_search_text_is_syntax(talk: Talk, text: str) -> None:
    """Whatever is typed is looked for as words; nothing of it means anything else or fails."""
    await talk.say("nothing of the kind")
    assert await found(talk, text) == []
    assert await found(talk, text, author=text, community=text) == []


async def test_a_search_goes_on(talk: Talk) -> None:
    """Further hits of a search come page by page, up to a depth at which other words help more."""
    comments = [await talk.say("swifts") for _ in range(5)]
    seen = []
    for offset in (0, 2, 4):
        hits = await talk.service.search(SearchQuery(text="swifts", offset=offset, limit=2))
        seen += [hit.comment.id for hit in hits.hits]
        assert hits.more == (offset < 4)
    assert sorted(seen) == sorted(ids_of(comments))
    assert not (await talk.service.search(SearchQuery(text="swifts", offset=1_000_000))).hits
