"""Which comments of a thread a page shows: every comment once, the first ones with a fair share of their replies."""

import random
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upthread import cursor
from upthread.account.model import Author
from upthread.comment.model import Comment, ThreadNode, ThreadPage
from upthread.comment.tree import LEVELS, Placed, Selection, Wanted, in_context, top_needed


class Forest:
    """A thread in memory, given as the parent of each comment (0: at the top), in display order."""

    def __init__(self, parents: list[int]) -> None:
        self.children: dict[int, list[int]] = {}
        self.parents = dict(enumerate(parents, start=1))
        for comment_id, parent_id in self.parents.items():
            self.children.setdefault(parent_id, []).append(comment_id)
        self.read = 0
        """Comments that were read for the last page."""
        self.rounds = 0
        """How often something was read for it."""

    def comment(self, comment_id: int) -> Comment:
        """One comment, as a store gives it."""
        return Comment(
            id=comment_id,
            post_id=1,
            parent_id=self.parents[comment_id] or None,
            above="",
            author=Author(1, "ann"),
            html="",
            created_at=0,
            replies=len(self.children.get(comment_id, [])),
        )

    def replies(self, wanted: list[Wanted], after: int = 0) -> list[Placed]:
        """The first replies below each of these, as a store reads them; the order is that of the ids."""
        found = []
        for part in wanted:
            later = [reply for reply in self.children.get(part.parent_id or 0, []) if reply > after]
            found += [Placed(self.comment(reply), 0.0) for reply in later[: part.count]]
        self.read += len(found)
        self.rounds += 1
        return found

    def page(self, limit: int, parent_id: int | None = None, after: str | None = None) -> ThreadPage:
        """A page of this thread, as the service builds it."""
        self.read = self.rounds = 0
        start = cursor.decode_counted(after)
        selection = Selection(self.replies([Wanted(parent_id, limit + 1)], after=start.id if start else 0), limit)
        while wanted := selection.wanted():
            selection.add(self.replies(wanted))
        siblings = self.children.get(parent_id or 0, [])
        return selection.page(len(self.parents), len(siblings), start.count if start else 0)


def shown(nodes: list[ThreadNode]) -> Iterator[ThreadNode]:
    """All nodes of a page in display order."""
    for node in nodes:
        yield node
        yield from shown(node.children)


def levels(nodes: list[ThreadNode]) -> int:
    """How deep a page goes."""
    return 1 + max((levels(node.children) for node in nodes), default=-1) if nodes else 0


def read_on(forest: Forest, limit: int) -> list[int]:
    """The ids on all pages that can be reached with "load more", the way a reader would follow every link."""
    seen: list[int] = []
    links: list[tuple[int | None, str | None]] = [(None, None)]
    while links:
        parent_id, after = links.pop()
        page = forest.page(limit, parent_id, after)
        nodes = list(shown(page.nodes))
        assert len(nodes) <= limit
        seen += [node.comment.id for node in nodes]
        if page.remaining:
            links.append((parent_id, page.after))
        links += [(node.comment.id, node.after) for node in nodes if node.hidden_replies]
    return seen


threads = st.lists(st.integers(min_value=0, max_value=10_000), max_size=120).map(
    lambda drawn: [number % place for place, number in enumerate(drawn, start=1)]
)
"""Threads of any shape: each comment answers an earlier one, or none."""


@given(threads, st.integers(min_value=1, max_value=40))
def test_every_comment_comes_exactly_once(parents: list[int], limit: int) -> None:
    """Following every "load more" shows each comment of a thread once, however small the pages are."""
    assert sorted(read_on(Forest(parents), limit)) == list(range(1, len(parents) + 1))


@given(threads, st.integers(min_value=1, max_value=40))
def test_a_page_is_a_tree_in_order(parents: list[int], limit: int) -> None:
    """On a page each comment stands below the one it answers, siblings are the first ones, and counts add up."""
    forest = Forest(parents)
    page = forest.page(limit)
    assert [node.comment.id for node in page.nodes] == forest.children.get(0, [])[: len(page.nodes)]
    assert page.remaining == len(forest.children.get(0, [])) - len(page.nodes)
    assert (page.after is None) == (page.remaining == 0)
    for node in shown(page.nodes):
        replies = forest.children.get(node.comment.id, [])
        assert [child.comment.id for child in node.children] == replies[: len(node.children)]
        assert node.hidden_replies == len(replies) - len(node.children)
        assert (node.after is not None) == (0 < len(node.children) < len(replies))


@pytest.mark.parametrize("limit", [10, 40])
@pytest.mark.parametrize("at_the_top", [0.1, 0.3])
def test_the_beginning_of_the_top_level_may_suffice(limit: int, at_the_top: float) -> None:
    """Where no more than some comments at the top are said to be needed, a page made of them is the page of all."""
    chance = random.Random(2)
    forest = Forest([0 if chance.random() < at_the_top else chance.randrange(place) for place in range(1, 401)])
    top = forest.replies([Wanted(None, limit + 1)])

    def page_of(known: list[Placed]) -> ThreadPage:
        selection = Selection(known, limit)
        while wanted := selection.wanted():
            selection.add(forest.replies(wanted))
        return selection.page(400, len(forest.children[0]))

    beginnings = [top[:count] for count in range(1, len(top))]
    enough = [known for known in beginnings if top_needed(known, limit) == len(known)]
    assert enough
    assert all(len(known) < top_needed(known, limit) <= limit + 1 for known in beginnings if known not in enough)
    assert all(page_of(known) == page_of(top) for known in enough)


@given(threads)
def test_a_thread_that_fits_is_shown_whole(parents: list[int]) -> None:
    """Where there is room for a whole thread, nothing is hidden but what is too deep for a page."""
    forest = Forest(parents)
    page = forest.page(limit=max(len(parents), 1))
    assert page.remaining == 0
    assert levels(page.nodes) <= LEVELS
    for node in shown(page.nodes):
        assert node.hidden_replies in (0, node.comment.replies)
    if levels(page.nodes) < LEVELS:
        assert len(list(shown(page.nodes))) == len(parents)


@pytest.mark.parametrize("size", [500, 44_000])
def test_a_page_reads_little_more_than_it_shows(size: int) -> None:
    """A page of a thread of 44,000 comments reads no more, and no more often, than one of a thread of 500."""
    chance = random.Random(1)
    parents = [0 if chance.random() < 0.1 else chance.randrange(place) for place in range(1, size + 1)]
    forest = Forest(parents)
    page = forest.page(limit=200)
    assert len(list(shown(page.nodes))) == 200
    assert forest.read <= 3 * 200
    assert forest.rounds <= LEVELS


def test_the_page_is_shared_out_fairly() -> None:
    """In a large busy thread many comments come at the top, the first ones with replies in depth."""
    parents = [0] * 2_000
    for parent in range(1, 40_000):  # everything that is on the page has ten replies
        parents += [parent] * 10 if parent <= 20_000 else []
    page = Forest(parents).page(limit=200)
    assert 15 <= len(page.nodes) <= 60
    first = page.nodes[0]
    assert len(first.children) >= 3
    assert levels([first]) >= 3
    assert page.nodes[10].children


def test_the_page_of_a_flat_thread_is_full() -> None:
    """Where nobody answers anybody, the whole page is the top of the thread."""
    page = Forest([0] * 1_000).page(limit=200)
    assert len(page.nodes) == 200
    assert page.remaining == 800


def test_a_deep_thread_goes_on_elsewhere() -> None:
    """A conversation of 5,000 comments, each the answer to the one before, is cut where the page gets too narrow."""
    forest = Forest(list(range(5_000)))
    page = forest.page(limit=200)
    nodes = list(shown(page.nodes))
    assert len(nodes) == LEVELS
    assert nodes[-1].hidden_replies == 1
    assert nodes[-1].after is None
    assert [node.comment.id for node in shown(forest.page(200, nodes[-1].comment.id).nodes)] == list(range(10, 19))


def test_a_comment_is_shown_below_what_it_answers() -> None:
    """In context a comment hangs on the comments above it, which tell how much else was answered to them."""
    forest = Forest([0, 1, 1, 2, 4])
    page = in_context([forest.comment(1), forest.comment(2)], forest.page(10, parent_id=2))
    assert [node.comment.id for node in shown(page.nodes)] == [1, 2, 4, 5]
    assert [node.hidden_replies for node in shown(page.nodes)] == [1, 0, 0, 0]
