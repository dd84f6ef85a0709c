"""Feeds: which posts stand in them, in which order, and that pages go through all of them."""

import itertools
import random
from collections.abc import Callable
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import START
from tests.contract.posting import ADMIN, ANN, BOB, found, imported, submit, titles, walk
from upthread import cursor
from upthread.account.model import Author
from upthread.assembly import Services
from upthread.errors import Invalid, NotFound
from upthread.post.model import FeedQuery, FeedSort, Post, ThreadChanged
from upthread.post.service import PAGE_LIMIT, PostService
from upthread.ranking import DAY, HOUR, SCOPE_WINDOW, active, controversy, hot, window_start
from upthread.runtime.clock import ManualClock

pytestmark = pytest.mark.anyio

SORTS: tuple[FeedSort, ...] = get_args(FeedSort)


def score(post: Post) -> float:
    """The key of most sorts."""
    return post.score


RULES: dict[FeedSort, Callable[[Post], float]] = {
    "hot": lambda post: hot(post.score, post.created_at),
    "active": lambda post: active(post.score, post.created_at, 0),
    "new": lambda post: post.created_at,
    "controversial": lambda post: controversy(post.ups, post.downs),
}
"""The keys of the others."""
SCOPES: dict[str, tuple[dict[str, Any], Callable[[Post], bool]]] = {
    "site": ({}, lambda _: True),
    "community": ({"community": "Gardens"}, lambda post: post.community == "gardens"),
    "home": ({"subscribed_by": BOB.id}, lambda post: post.community in {"gardens", "sheds"}),
    "person": ({"author_id": 5}, lambda post: post.author.id == 5),
    "domain": ({"domain": "WWW.example.org"}, lambda post: post.domain == "example.org"),
}
"""The scopes of feeds, as asked for, and which posts are in them."""


@pytest.fixture
def post(services: Services) -> PostService:
    """The door of the post room."""
    return services.post


@pytest.fixture
async def many(post: PostService) -> list[Post]:
    """Posts of several communities, authors and domains and of all ages, many of them with equal votes."""
    chance = random.Random(2)
    batch = [
        imported(
            f"t3_{n}",
            community=chance.choice(["gardens", "kitchens", "sheds"]),
            author=chance.choice([Author(5, "eve"), Author(6, "fay")]),
            url=chance.choice(["", "https://www.example.org/", "https://example.net/"]),
            created_at=START - chance.randrange(chance.choice([2 * HOUR, 2 * DAY, 9 * DAY, 400 * DAY])),
            ups=chance.randrange(chance.choice([3, 2000])),
            downs=chance.randrange(chance.choice([3, 2000])),
        )
        for n in range(150)
    ]
    ids = (await post.import_posts(batch)).ids
    await post.subscribe(BOB, "gardens", subscribed=True)
    await post.subscribe(BOB, "sheds", subscribed=True)
    return await post.posts(list(ids.values()))


def ranked(posts: list[Post], sort: FeedSort) -> list[Post]:
    """What a feed of these posts shows, worked out by hand."""
    start = window_start(sort, START)
    key = RULES.get(sort, score)
    shown = [
        each
        for each in posts
        if (start is None or each.created_at >= start) and (sort != "controversial" or key(each) > 0)
    ]
    return sorted(shown, key=lambda each: (key(each), each.id), reverse=True)


@pytest.mark.parametrize("scope", SCOPES)
async def test_a_feed_is_what_its_formula_says(post: PostService, many: list[Post], scope: str) -> None:
    """In every scope and order, the pages show exactly the posts in it, highest first, equals newest first."""
    asked, has = SCOPES[scope]
    for sort in SORTS:
        shown = await walk(post, FeedQuery(sort=sort, limit=20, **asked))
        assert shown == ranked([each for each in many if has(each)], sort), sort


@pytest.mark.parametrize("scope", SCOPES)
async def test_hidden_posts_are_left_out_and_pages_stay_full(post: PostService, many: list[Post], scope: str) -> None:
    """What somebody has hidden is missing from their feeds, whose pages are as long as ever; others still see it."""
    asked, has = SCOPES[scope]
    for each in many[::2]:
        await post.hide(BOB, each.id, hidden=True)
    for sort in SORTS:
        left = ranked([each for each in many[1::2] if has(each)], sort)
        query = FeedQuery(sort=sort, limit=20, viewer_id=BOB.id, **asked)
        assert (await post.feed(query)).posts == left[:20], sort
        assert await walk(post, query) == left, sort
        others = await post.feed(msgspec.structs.replace(query, viewer_id=ADMIN.id))
        assert others.posts == ranked([each for each in many if has(each)], sort)[:20], sort


# pages


numbers = itertools.count()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sort=st.sampled_from(SORTS),
    home=st.booleans(),
    limit=st.integers(1, 5),
    before=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 3000)), max_size=15),
    between=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 3000)), max_size=15),
)
async def test_pages_show_every_post_once_while_posts_arrive(
    post: PostService,
    sort: FeedSort,
    *,
    home: bool,
    limit: int,
    before: list[tuple[int, int, int]],
    between: list[tuple[int, int, int]],
) -> None:
    """Whoever pages through a feed sees each post that was there once, whatever arrives or goes meanwhile."""
    number = next(numbers)
    name, reader = f"place{number}", Author(100 + number, "reader")
    await found(post, name, msgspec.structs.replace(ANN, id=reader.id))
    query = FeedQuery(sort=sort, limit=limit, **({"subscribed_by": reader.id} if home else {"community": name}))

    async def bring(kind: str, posts: list[tuple[int, int, int]]) -> None:
        batch = [
            imported(f"{kind}{number}_{n}", community=name, ups=ups, downs=downs, created_at=START - age)
            for n, (ups, downs, age) in enumerate(posts)
        ]
        await post.import_posts(batch)

    await bring("before", before)
    wanted = {each.id for each in await walk(post, msgspec.structs.replace(query, limit=PAGE_LIMIT))}
    seen: list[int] = []
    arriving = iter(between)
    after: str | None = None
    while True:
        page = await post.feed(msgspec.structs.replace(query, after=after))
        seen += [each.id for each in page.posts]
        after = page.after
        if after is None:
            break
        await bring(f"late{len(seen)}_", list(itertools.islice(arriving, 2)))
        await post.delete(ADMIN, seen[-1])
    assert len(seen) == len(set(seen))
    assert wanted <= set(seen)


async def test_a_page_goes_on_behind_a_post_that_was_deleted(post: PostService) -> None:
    """The next page begins in the right place even if the last post of this one is gone."""
    await found(post)
    made = [await submit(post, title=str(n)) for n in range(4)]
    page = await post.feed(FeedQuery(sort="new", limit=2))
    await post.delete(ANN, made[2].id)
    rest = await post.feed(FeedQuery(sort="new", limit=2, after=page.after))
    assert [each.title for each in rest.posts] == ["1", "0"]
    assert rest.after is None


async def test_the_last_page_says_so(post: PostService) -> None:
    """A page with all that is left has no next one, even if it is full."""
    await found(post)
    for _ in range(4):
        await submit(post)
    first = await post.feed(FeedQuery(limit=2))
    assert first.after is not None
    assert (await post.feed(FeedQuery(limit=2, after=first.after))).after is None


async def test_pages_have_bounds(post: PostService, many: list[Post]) -> None:
    """However many posts are asked for, a page has at least one and at most a hundred."""
    assert len((await post.feed(FeedQuery(limit=10**9))).posts) == PAGE_LIMIT
    assert len((await post.feed(FeedQuery(limit=-1))).posts) == 1
    assert len(many) == 150


@pytest.mark.parametrize("after", ["!", "AAAA", "ж", cursor.encode((1.0, 2**64 - 1))])
async def test_a_damaged_cursor_is_refused(post: PostService, after: str) -> None:
    """A made-up page address says so instead of failing."""
    with pytest.raises(Invalid) as refused:
        await post.feed(FeedQuery(after=after))
    assert refused.value.field == "after"


@pytest.mark.parametrize("key", [float("nan"), float("inf"), -float("inf")])
async def test_a_cursor_from_nowhere_ends_somewhere(post: PostService, key: float) -> None:
    """A made-up cursor of the right form shows some page, never an error."""
    await found(post)
    await submit(post)
    for sort in SORTS:
        await post.feed(FeedQuery(sort=sort, after=cursor.encode((key, 0))))


# scopes


async def test_an_unknown_community_is_not_found(post: PostService) -> None:
    """The feed of a community that does not exist is no empty page."""
    with pytest.raises(NotFound):
        await post.feed(FeedQuery(community="nowhere"))


async def test_whoever_follows_nothing_has_an_empty_home(post: PostService) -> None:
    """A home feed without subscriptions is empty in every order."""
    await found(post)
    await submit(post)
    for sort in SORTS:
        assert (await post.feed(FeedQuery(sort=sort, subscribed_by=BOB.id))).posts == []


async def test_quiet_communities_are_not_lost_at_home(post: PostService) -> None:
    """Posts of a followed community stand in the home feed even if hundreds of others stand above them."""
    loud = [imported(f"loud{n}", community="loud", created_at=START - n, ups=500 + n % 7, downs=1) for n in range(600)]
    quiet = [imported(f"quiet{n}", community="quiet", created_at=START - DAY - n, ups=2, downs=1) for n in range(5)]
    await post.import_posts(loud + quiet)
    await post.subscribe(BOB, "quiet", subscribed=True)
    for sort in SORTS:
        if sort not in {"hour", "day"}:
            shown = await titles(post, subscribed_by=BOB.id, sort=sort, limit=2)
            assert sorted(shown) == [f"quiet{n}" for n in range(5)], sort


async def test_a_persons_and_a_domains_lists_rank_their_newest(post: PostService) -> None:
    """Sorted by anything but new, a very long list of one person ranks the newest posts only; by new it goes on."""
    posts = [
        imported(f"t3_{n}", author=Author(5, "eve"), url="https://example.org/", created_at=START - n, ups=n)
        for n in range(SCOPE_WINDOW + 3)
    ]
    await post.import_posts(posts[:500])
    await post.import_posts(posts[500:])
    for scope in ({"author_id": 5}, {"domain": "example.org"}):
        assert len(await walk(post, FeedQuery(sort="new", limit=PAGE_LIMIT, **scope))) == SCOPE_WINDOW + 3
        top = await walk(post, FeedQuery(sort="all", limit=PAGE_LIMIT, **scope))
        assert [each.ups for each in top] == list(range(SCOPE_WINDOW - 1, -1, -1))


# time and comments


async def test_comments_lift_a_post_in_active_only(post: PostService, clock: ManualClock) -> None:
    """A newly commented post stands higher in "active" and nowhere else; older news about comments changes nothing."""
    await found(post)
    old = await submit(post, title="old")
    clock.advance(HOUR)
    await submit(post, title="young")
    clock.advance(HOUR)
    news = ThreadChanged(post_id=old.id, comments=2, last_comment_at=clock.now(), revision=5)
    stale = ThreadChanged(post_id=old.id, comments=1, last_comment_at=clock.now() - 60, revision=4)
    for _ in range(2):
        await post.threads_changed([news, stale, msgspec.structs.replace(news, post_id=999)])
        assert (await post.post(old.id)).comments == 2
        assert await titles(post, sort="active") == ["old", "young"]
        assert await titles(post, sort="hot") == ["young", "old"]


async def test_deleted_posts_keep_counting_comments(post: PostService, clock: ManualClock) -> None:
    """A thread goes on below a deleted post, and its count with it."""
    await found(post)
    made = await submit(post)
    await post.delete(ANN, made.id)
    await post.threads_changed([ThreadChanged(post_id=made.id, comments=3, last_comment_at=clock.now(), revision=1)])
    assert (await post.post(made.id)).comments == 3
    assert await titles(post, sort="active") == []


async def test_windows_move_with_the_clock(post: PostService, clock: ManualClock) -> None:
    """A post leaves "top of the hour" after an hour, "of the day" after a day, and so on; "of all time" it stays."""
    await found(post)
    await submit(post, title="x")
    stays: list[tuple[int, set[FeedSort]]] = [
        (0, {"hour", "day", "week", "month", "year", "all"}),
        (HOUR + 1, {"day", "week", "month", "year", "all"}),
        (DAY, {"week", "month", "year", "all"}),
        (7 * DAY, {"month", "year", "all"}),
        (30 * DAY, {"year", "all"}),
        (365 * DAY, {"all"}),
    ]
    for seconds, sorts in stays:
        clock.advance(seconds)
        for sort in ("hour", "day", "week", "month", "year", "all"):
            assert (await titles(post, sort=sort) == ["x"]) == (sort in sorts), (seconds, sort)
