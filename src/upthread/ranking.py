"""The rules by which posts, comments and communities are ordered, and what a vote does.

Every rank here depends on votes and fixed times only, never on "now". It is computed once when a vote or a comment
arrives, kept, and indexed; nothing has to be rewritten as time passes, so no background job can fall behind. Newer
things overtake older ones because they start from a higher number, not because the older ones sink.

The site publishes these formulas and thresholds on its about page, from :data:`FORMULAS` and the constants below.
"""

import math
from typing import NamedTuple

from msgspec import Struct

HOUR = 3_600
DAY = 86_400

HOT_EPOCH = 1_134_028_003
"""The time from which hot counts: 8 December 2005, 07:46:43 UTC."""
HOT_DECADE = 45_000
"""Seconds (12.5 hours) by which a post must be younger to stand level with one that has ten times its score."""
ACTIVE_WINDOW = 2 * DAY
"""Comments lift a post only within this many seconds after it was posted, so that old threads stay settled."""
WILSON_Z = 1.281551565545
"""Quantile of the normal distribution for a one-sided 90 % confidence bound."""
ACTIVITY_HALF_LIFE = 3 * DAY
"""Seconds after which a post or comment counts half in the activity of its community."""

TOP_DAYS = {"week": 7, "month": 30, "year": 365}
"""UTC days, today included, that these "top of" feeds look at. Hour and day are exact to the second."""
TOP_SECONDS = {"hour": HOUR, "day": DAY}
"""Seconds that these "top of" feeds look back."""
SCOPE_WINDOW = 1_000
"""Newest posts of a person or a domain that every order but "new" considers."""
SEARCH_WINDOW = 2_000
"""Newest matches of a search that are ranked."""


def hot(score: int, created_at: int) -> float:
    """How hot a post is: its score counts by magnitude, its age by half days.

    ``round(sign(s) · log10(max(|s|, 1)) + (created − 1134028003) / 45000, 7)`` with s = ups − downs: the "hot" of
    reddit's published code (``r2/lib/db/_sorts.pyx``).

    Args:
        score: Ups minus downs.
        created_at: Unix seconds.
    """
    sign = (score > 0) - (score < 0)
    return round(sign * math.log10(max(abs(score), 1)) + (created_at - HOT_EPOCH) / HOT_DECADE, 7)


def active(score: int, created_at: int, last_comment_at: int) -> float:
    """How active a thread is: :func:`hot`, as if posted when its newest comment came.

    After Lemmy's "active". A comment later than :data:`ACTIVE_WINDOW` counts as if it had come at the end of the
    window, so a late one never takes away what earlier ones gave.

    Args:
        score: Ups minus downs.
        created_at: Unix seconds.
        last_comment_at: Unix seconds; anything before ``created_at``, such as 0, means no comment yet.
    """
    return hot(score, min(max(created_at, last_comment_at), created_at + ACTIVE_WINDOW))


def controversy(ups: int, downs: int) -> float:
    """How evenly many votes are split; 0 if they all agree.

    ``(u + d) ** (min(u, d) / max(u, d))``: the "controversy" of reddit's published code (``_sorts.pyx``).
    """
    if ups == 0 or downs == 0:
        return 0.0
    return float((ups + downs) ** (min(ups, downs) / max(ups, downs)))


def best(ups: int, downs: int) -> float:
    """The share of ups that these votes vouch for: few votes vouch for little. Between 0 and 1.

    Lower bound of the Wilson score interval (E. B. Wilson, "Probable inference, the law of succession, and
    statistical inference", 1927) for z = 1.281551565545; proposed for ratings by Evan Miller, 2009.
    """
    votes = ups + downs
    if votes == 0:
        return 0.0
    share = ups / votes
    square = WILSON_Z * WILSON_Z
    centre = share + square / (2 * votes)
    margin = WILSON_Z * math.sqrt(share * (1 - share) / votes + square / (4 * votes * votes))
    return max(0.0, (centre - margin) / (1 + square / votes))


def community_activity(previous: float, at: int, interactions: int = 1) -> float:
    """A community's activity after some more posts or comments at one time.

    An exponentially decayed count by forward decay (Cormode, Shkapenyuk, Srivastava, Xu, "Forward decay: a practical
    time decay model for streaming systems", 2009): an interaction weighs ``2 ** ((at − 1134028003) / half-life)``,
    more the later it comes, and the sum is kept as its base-2 logarithm because it outgrows any float. All
    communities shrink alike, so their order holds at any time without touching a row. The sum does not depend on the
    order in which interactions are told.

    Args:
        previous: What this function returned last, or 0 for a new community.
        at: When they happened, in Unix seconds.
        interactions: How many, at least 1.
    """
    added = (at - HOT_EPOCH) / ACTIVITY_HALF_LIFE + math.log2(interactions)
    high, low = max(previous, added), min(previous, added)
    return high + math.log1p(2.0 ** (low - high)) / math.log(2)


class Ranks(NamedTuple):
    """Every rank of a post: what is written anew when it is voted on."""

    score: int
    hot: float
    active: float
    controversy: float


def post_ranks(ups: int, downs: int, created_at: int, last_comment_at: int) -> Ranks:
    """A post's place in all orders that votes decide."""
    score = ups - downs
    as_posted = hot(score, created_at)
    return Ranks(
        score=score,
        hot=as_posted,
        active=active(score, created_at, last_comment_at) if last_comment_at > created_at else as_posted,
        controversy=controversy(ups, downs),
    )


class CommentRanks(NamedTuple):
    """Every rank of a comment that is not simply its score or time."""

    best: float
    controversy: float


def comment_ranks(ups: int, downs: int) -> CommentRanks:
    """A comment's place in the orders that votes decide.

    For "best" its author is taken to have voted for it, as on reddit: so a comment that nobody has voted on yet stands
    above those that were voted down, which the formula alone can't tell from it.
    """
    return CommentRanks(best=best(ups + 1, downs), controversy=controversy(ups, downs))


class VoteChange(NamedTuple):
    """What a vote adds to the counts of the thing voted on."""

    ups: int
    downs: int

    @property
    def score(self) -> int:
        """What it adds to the score."""
        return self.ups - self.downs


def vote_change(before: int, after: int) -> VoteChange:
    """The effect of somebody's vote going from ``before`` to ``after`` (each −1, 0 or 1)."""
    return VoteChange(ups=(after == 1) - (before == 1), downs=(after == -1) - (before == -1))


def earns_karma(author_id: int, voter_id: int) -> bool:
    """Whether this vote counts for the author: only people have karma, and none for voting on what is their own."""
    return author_id > 0 and author_id != voter_id


def utc_day(at: int) -> int:
    """The UTC day of a time, as days since 1970-01-01."""
    return at // DAY


def window_start(sort: str, now: int) -> int | None:
    """The first second that a "top of" feed looks at; None for a feed that has no such window."""
    if sort in TOP_SECONDS:
        return now - TOP_SECONDS[sort]
    if sort in TOP_DAYS:
        return (utc_day(now) - TOP_DAYS[sort] + 1) * DAY
    return None


class Formula(Struct, frozen=True):
    """One rule as the about page shows it: for a sort by this name, the formula and where it comes from."""

    name: str
    formula: str
    source: str


FORMULAS = (
    Formula(
        name="hot",
        formula=f"round(sign(s) · log10(max(|s|, 1)) + (created − {HOT_EPOCH}) / {HOT_DECADE}, 7), s = ups − downs",
        source="reddit, r2/lib/db/_sorts.pyx",
    ),
    Formula(
        name="active",
        formula=f"hot with created := min(max(created, newest comment), created + {ACTIVE_WINDOW})",
        source="Lemmy, “active”",
    ),
    Formula(
        name="controversial",
        formula="(u + d) ^ (min(u, d) / max(u, d)); 0 if u = 0 or d = 0",
        source="reddit, r2/lib/db/_sorts.pyx",
    ),
    Formula(
        name="best",
        formula=f"(p + z²/2n − z·√(p(1 − p)/n + z²/4n²)) / (1 + z²/n), p = u/n, n = u + d,"
        f" u = ups + 1 (the author’s own), d = downs, z = {WILSON_Z}",
        source="E. B. Wilson, 1927; Evan Miller, “How Not To Sort By Average Rating”, 2009",
    ),
    Formula(
        name="activity",
        formula=f"log2 Σ 2 ^ ((time − {HOT_EPOCH}) / {ACTIVITY_HALF_LIFE}) over posts and comments",
        source="Cormode, Shkapenyuk, Srivastava, Xu: “Forward Decay”, 2009",
    ),
)
"""What the about page prints. Names are those of the sorts; ``activity`` orders communities."""
