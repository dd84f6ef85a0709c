"""The rules of order, checked by properties."""

import math

from hypothesis import given
from hypothesis import strategies as st

from upthread.ranking import (
    ACTIVE_WINDOW,
    ACTIVITY_HALF_LIFE,
    DAY,
    FORMULAS,
    HOT_DECADE,
    HOT_EPOCH,
    active,
    best,
    community_activity,
    controversy,
    earns_karma,
    hot,
    post_ranks,
    utc_day,
    vote_change,
    window_start,
)

scores = st.integers(-1_000_000, 1_000_000)
counts = st.integers(0, 1_000_000)
times = st.integers(1_100_000_000, 4_000_000_000)
votes = st.sampled_from([-1, 0, 1])


@given(scores, scores, times)
def test_hot_never_falls_with_votes(one: int, other: int, created_at: int) -> None:
    """Of two posts of the same second, the one with more votes never stands lower."""
    assert hot(min(one, other), created_at) <= hot(max(one, other), created_at)


@given(scores, times, st.integers(1, 10**6))
def test_hot_rises_with_time(score: int, created_at: int, later: int) -> None:
    """Of two posts with the same votes, the later one stands higher."""
    assert hot(score, created_at) < hot(score, created_at + later)


@given(st.integers(1, 10_000), times)
def test_hot_weighs_ten_times_the_votes_as_half_a_day(score: int, created_at: int) -> None:
    """A post with ten times the score stands level with one posted 12.5 hours later."""
    assert math.isclose(hot(10 * score, created_at), hot(score, created_at + HOT_DECADE), abs_tol=1e-6)


def test_hot_matches_known_values() -> None:
    """The hot rank of some posts is what reddit's formula gives."""
    assert hot(0, HOT_EPOCH) == 0.0
    assert hot(1, HOT_EPOCH + HOT_DECADE) == 1.0
    assert hot(1_000, HOT_EPOCH) == 3.0
    assert hot(-100, HOT_EPOCH + HOT_DECADE) == -1.0
    assert hot(42, 1_700_000_000) == 12578.7787382


@given(scores, times, times, times)
def test_active_never_falls_with_comments(score: int, created_at: int, one: int, other: int) -> None:
    """A newer comment never pushes a post down."""
    assert active(score, created_at, min(one, other)) <= active(score, created_at, max(one, other))


@given(scores, times, st.integers(0, 10 * ACTIVE_WINDOW))
def test_active_ends_with_its_window(score: int, created_at: int, after: int) -> None:
    """Comments lift a post as if it were that new, but by no more than two days."""
    assert active(score, created_at, created_at + after) == hot(score, created_at + min(after, ACTIVE_WINDOW))
    assert active(score, created_at, 0) == hot(score, created_at)


@given(counts, counts)
def test_controversy_is_even_and_zero_in_agreement(ups: int, downs: int) -> None:
    """Swapping ups and downs changes nothing, and what everybody agrees on is not controversial."""
    assert controversy(ups, downs) == controversy(downs, ups) >= 0
    assert controversy(ups, 0) == 0
    assert controversy(ups + 1, ups + 1) >= controversy(ups + 1, ups)


@given(st.integers(1, 10_000), st.integers(1, 10_000))
def test_controversy_grows_as_the_smaller_side_catches_up(larger: int, smaller: int) -> None:
    """Each vote for the losing side makes a thing more controversial."""
    if smaller < larger:
        assert controversy(larger, smaller) < controversy(larger, smaller + 1)


@given(counts, counts)
def test_best_rises_with_ups_and_falls_with_downs(ups: int, downs: int) -> None:
    """An up never pushes a comment down, a down never lifts it, and the bound stays below the plain share."""
    value = best(ups, downs)
    assert 0 <= value <= 1
    assert best(ups + 1, downs) >= value - 1e-12
    assert best(ups, downs + 1) <= value + 1e-12
    if ups + downs:
        assert value <= ups / (ups + downs) + 1e-12


def test_best_matches_known_values() -> None:
    """One lone up vouches for little, a hundred of a hundred for nearly everything."""
    assert best(0, 0) == 0
    assert math.isclose(best(1, 0), 0.3784, abs_tol=1e-4)
    assert math.isclose(best(100, 0), 0.9838, abs_tol=1e-4)
    assert best(60, 40) > best(3, 2)


@given(st.lists(times, min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_activity_does_not_depend_on_the_order_of_news(moments: list[int], random: object) -> None:
    """News that come late or in another order lead to the same activity."""
    shuffled = sorted(moments, key=lambda _: random.random())  # type: ignore[attr-defined]
    assert math.isclose(_activity(moments), _activity(shuffled), rel_tol=1e-9)


@given(times, st.integers(1, 1_000))
def test_activity_halves_with_its_half_life(at: int, interactions: int) -> None:
    """A burst weighs as much as one of half its size a half-life later, and a burst counts like single events."""
    now = community_activity(0, at, 2 * interactions)
    assert math.isclose(now, community_activity(0, at + ACTIVITY_HALF_LIFE, interactions), rel_tol=1e-9)
    assert math.isclose(community_activity(0, at, 3), _activity([at, at, at]), rel_tol=1e-9)


def _activity(moments: list[int]) -> float:
    value = 0.0
    for at in moments:
        value = community_activity(value, at)
    return value


@given(st.lists(votes, max_size=50))
def test_votes_add_up(choices: list[int]) -> None:
    """However often somebody changes their mind, only the last vote is counted."""
    ups = downs = before = 0
    for after in choices:
        change = vote_change(before, after)
        assert change.score == after - before
        ups, downs, before = ups + change.ups, downs + change.downs, after
    assert (ups, downs) == (int(before == 1), int(before == -1))


def test_karma_is_earned_from_others_only() -> None:
    """One's own vote, and votes on what guests wrote, earn no karma."""
    assert earns_karma(author_id=1, voter_id=2)
    assert earns_karma(author_id=1, voter_id=-2)
    assert not earns_karma(author_id=1, voter_id=1)
    assert not earns_karma(author_id=-1, voter_id=2)
    assert not earns_karma(author_id=0, voter_id=2)


def test_windows_begin_where_the_about_page_says() -> None:
    """Top of an hour or a day is exact to the second; of a week, a month, a year it begins at midnight UTC."""
    now = 20 * DAY + 5
    assert window_start("hour", now) == now - 3_600
    assert window_start("day", now) == now - DAY
    assert window_start("week", now) == 14 * DAY
    assert window_start("month", now) == -9 * DAY
    assert window_start("all", now) is None
    assert [utc_day(DAY - 1), utc_day(DAY)] == [0, 1]


@given(counts, counts, times, times)
def test_ranks_of_a_post_follow_the_formulas(ups: int, downs: int, created_at: int, last_comment_at: int) -> None:
    """What is kept with a post is what each formula gives for its votes and times."""
    assert post_ranks(ups, downs, created_at, last_comment_at) == (
        ups - downs,
        hot(ups - downs, created_at),
        active(ups - downs, created_at, last_comment_at),
        controversy(ups, downs),
    )


def test_every_formula_names_its_source() -> None:
    """The about page can show each rule with where it comes from."""
    assert [formula.name for formula in FORMULAS] == ["hot", "active", "controversial", "best", "activity"]
    assert all(formula.formula and formula.source for formula in FORMULAS)
