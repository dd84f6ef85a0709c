"""Which comments of a thread a page shows, and how they become a tree: rules only, nothing is read here.

A page has room for some hundred comments; a thread may have tens of thousands. Each comment is given a cost: at the
top of the page its place there, and below that the cost of what it answers, plus :data:`REPLY_COST` for every place
among the replies. The cheapest comments make the page. So the first comment at the top comes with a good part of what
is said below it, later ones with less, and a thread that fits is shown whole.

The cost of a reply is known before it is read, because every comment knows how many replies it has. This is why a page
can be read level by level, one query for each, and hardly more is read than is shown.
"""

import sys
from bisect import bisect
from collections.abc import Iterable, Sequence
from operator import attrgetter

from msgspec import Struct

from upthread import cursor
from upthread.comment.model import Comment, ThreadNode, ThreadPage
from upthread.cursor import CountedPosition

REPLY_COST = 5
"""The first reply to a comment is worth as much room as the comment this many places further down, the second as the
one twice as far down, and so on.
"""
LEVELS = 9
"""Levels on a page: deeper parts of a thread go on at a page of their own, where there is width for them again."""


class Placed(Struct, frozen=True, gc=False):
    """A comment and its key in the order asked for."""

    comment: Comment
    key: float


class Wanted(Struct, frozen=True):
    """Replies to read: the first ``count`` below this comment, or at the top of the thread if it is None."""

    parent_id: int | None
    count: int
    all: bool = False
    """Whether these are all there are, so that a store need not count."""


class _Seat(Struct):
    """A comment that may come onto the page."""

    comment: Comment
    key: float
    cost: int
    replies: list["_Seat"] = []
    shown: bool = False

    def reply_costs(self, most: int) -> range:
        """The costs of so many of its replies at most, whether these have been read or not."""
        cost = self.cost
        return range(cost + REPLY_COST, cost + REPLY_COST * min(self.comment.replies, most) + 1, REPLY_COST)


def top_needed(first: Sequence[Placed], limit: int) -> int:
    """How many comments at the top have to be known for a page of so many, judging by the first of them.

    No more than these, if they but for the last, and their replies, of which each knows the number, are enough that are
    cheaper than that last one: then it is not on the page, nor is any behind it. Else about as many as that would take
    if it went on like this, or all that a page has room for and one more.
    """
    last = len(first) - 1
    replies = sum(
        min(placed.comment.replies, (last - 1 - place) // REPLY_COST) for place, placed in enumerate(first[:last])
    )
    if last + replies >= limit:
        return len(first)
    likely = last * limit / max(last + replies, 1)
    return min(max(int(likely), len(first)), limit) + 1


class Selection:
    """A page of a thread in the making. ``top`` are the first comments of its top level.

    As long as :meth:`wanted` names replies, read them and :meth:`add` them.
    """

    def __init__(self, top: Sequence[Placed], limit: int) -> None:
        self._limit = limit
        self._top = [_Seat(placed.comment, placed.key, place) for place, placed in enumerate(top)]
        self._seats = list(self._top)
        self._costs = list(range(len(self._top)))
        """Those of all seats, sorted."""
        self._lowest = self._top
        self._levels = 1
        self._highest_cost = 0

    def wanted(self) -> list[Wanted]:
        """The replies, to comments of the lowest level so far, that may still come onto the page; none at the end."""
        if self._levels == LEVELS:
            return []
        self._levels += 1
        limit = self._limit
        # More of one comment's replies than fit between it and the dearest known seat can't come onto the page.
        dearest = self._costs[limit - 1] if len(self._costs) >= limit else sys.maxsize
        offers = [
            (seat.comment, seat.reply_costs(min(limit, (dearest - seat.cost) // REPLY_COST)))
            for seat in self._lowest
            if seat.comment.replies and seat.cost < dearest
        ]
        costs = self._costs.copy()
        for _, offer in offers:
            costs += offer
        costs.sort()
        self._highest_cost = costs[:limit][-1] if costs else 0
        return [
            Wanted(comment.id, count, count == comment.replies)
            for comment, offer in offers
            if (count := bisect(offer, self._highest_cost))
        ]

    def add(self, replies: Iterable[Placed]) -> None:
        """Take in what was wanted, the replies to each comment in their order. There may be more than was wanted."""
        parents = {seat.comment.id: seat for seat in self._lowest}
        self._lowest = []
        for placed in replies:
            comment = placed.comment
            parent = parents[comment.parent_id or 0]
            cost = parent.cost + REPLY_COST * (len(parent.replies) + 1)
            if cost <= self._highest_cost:
                seat = _Seat(comment, placed.key, cost)
                parent.replies.append(seat)
                self._lowest.append(seat)
                self._costs.append(cost)
        self._costs.sort()
        self._seats.extend(self._lowest)

    def page(self, total: int, at_this_level: int, before: int = 0) -> ThreadPage:
        """The page, once nothing more is wanted.

        Args:
            total: Comments in the whole thread.
            at_this_level: How many there are at the page's top level, with those on earlier pages.
            before: How many of these were on earlier pages.
        """
        # A comment is dearer than what it answers and than its siblings before it, so the cheapest are a tree.
        for seat in sorted(self._seats, key=attrgetter("cost"))[: self._limit]:
            seat.shown = True
        shown = [seat for seat in self._top if seat.shown]
        # Comments may have come or gone places since the first page, so only what was read tells that this is the end.
        remaining = max(at_this_level - before - len(shown), 1) if len(shown) < len(self._top) else 0
        return ThreadPage(
            nodes=[_node(seat) for seat in shown],
            total=total,
            after=_cursor(shown[-1], before + len(shown)) if shown and remaining else None,
            remaining=remaining,
        )


def _node(seat: _Seat) -> ThreadNode:
    if not seat.comment.replies:
        return ThreadNode(comment=seat.comment, children=[])
    shown = [reply for reply in seat.replies if reply.shown]
    hidden = seat.comment.replies - len(shown)
    return ThreadNode(
        comment=seat.comment,
        children=[_node(reply) for reply in shown],
        hidden_replies=max(hidden, 0),
        after=_cursor(shown[-1], len(shown)) if shown and hidden > 0 else None,
    )


def _cursor(last: _Seat, shown: int) -> str:
    return cursor.encode(CountedPosition(last.key, last.comment.id, shown))


def in_context(above: Sequence[Comment], page: ThreadPage) -> ThreadPage:
    """The page of one comment's subtree, below the comments that lead down to it."""
    nodes = page.nodes
    for comment in reversed(above):
        nodes = [ThreadNode(comment=comment, children=nodes, hidden_replies=max(comment.replies - 1, 0))]
    return ThreadPage(nodes=nodes, total=page.total)
