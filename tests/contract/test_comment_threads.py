"""Threads: what a page shows of them, and that "load more" leads through all of it."""

import random

import pytest

from tests.contract.talk import ANN, ANN_AUTHOR, OTHER_THREAD, THREAD, Talk, ids_of, nodes_of
from upthread.assembly import Services
from upthread.comment.model import CommentSort, ImportedComment, ThreadQuery
from upthread.comment.service import THREAD_PAGE_LIMIT
from upthread.comment.tree import LEVELS
from upthread.errors import Invalid, NotFound
from upthread.runtime.clock import ManualClock

pytestmark = pytest.mark.anyio

SORTS: list[CommentSort] = ["best", "top", "new", "old", "controversial"]


@pytest.fixture
def talk(services: Services) -> Talk:
    """A thread that nobody has commented on yet."""
    return Talk(services.comment)


def made_up(parents: list[int | None], seed: int = 1) -> list[ImportedComment]:
    """A thread to import: each comment answers the one whose place in the list is given, with votes at random."""
    chance = random.Random(seed)
    return [
        ImportedComment(
            key=f"k{place}",
            post_id=THREAD.post_id,
            parent_key=None if parent is None else f"k{parent}",
            author=ANN_AUTHOR,
            text=f"Comment {place}",
            created_at=1_600_000_000 + chance.randrange(20),
            ups=chance.choice([0, 0, 1, 2, 30]),
            downs=chance.choice([0, 0, 1, 9]),
        )
        for place, parent in enumerate(parents)
    ]


def bushy(size: int, seed: int = 1) -> list[int | None]:
    """The shape of an ordinary thread: some comments at the top, the others anywhere below."""
    chance = random.Random(seed)
    return [None if place == 0 or chance.random() < 0.2 else chance.randrange(place) for place in range(size)]


async def read_on(talk: Talk, sort: CommentSort, limit: int, remarks: int = 0) -> list[int]:
    """The ids on all pages that "load more" leads to; so many remarks are made meanwhile, at the top and below."""
    seen: list[int] = []
    links: list[tuple[int | None, str | None]] = [(None, None)]
    while links:
        parent_id, after = links.pop()
        query = ThreadQuery(post_id=THREAD.post_id, sort=sort, parent_id=parent_id, after=after, limit=limit)
        page = await talk.service.thread(query)
        nodes = list(nodes_of(page.nodes))
        assert len(nodes) <= limit
        seen += [node.comment.id for node in nodes]
        if page.remaining:
            links.append((parent_id, page.after))
        links += [(node.comment.id, node.after) for node in nodes if node.hidden_replies]
        if nodes and remarks:
            remarks -= 1
            await talk.say("By the way", below=nodes[len(seen) % len(nodes)].comment)
            await talk.say("By the way")
    return seen


async def test_a_thread_without_comments_is_empty(talk: Talk) -> None:
    """A post that nobody commented on has an empty page and nothing more."""
    page = await talk.service.thread(ThreadQuery(post_id=1))
    assert (page.nodes, page.total, page.after, page.remaining) == ([], 0, None, 0)


async def test_a_thread_has_its_own_comments_only(talk: Talk) -> None:
    """Comments of another post don't appear, at the top or below."""
    mine = await talk.say()
    await Talk(talk.service, OTHER_THREAD).say()
    page = await talk.service.thread(ThreadQuery(post_id=1))
    assert ids_of(page.nodes) == [mine.id]
    assert page.total == 1


@pytest.mark.parametrize("sort", SORTS)
async def test_load_more_shows_every_comment_once(talk: Talk, sort: CommentSort) -> None:
    """Whatever the order, following every "load more" of a thread shows each comment exactly once."""
    imported = await talk.service.import_comments([THREAD], made_up(bushy(300)))
    assert sorted(await read_on(talk, sort, limit=25)) == sorted(imported.ids.values())


@pytest.mark.parametrize("sort", SORTS)
async def test_load_more_is_exact_while_people_talk(talk: Talk, sort: CommentSort) -> None:
    """While others go on commenting, every comment that was there at first is shown once and no comment twice."""
    imported = await talk.service.import_comments([THREAD], made_up(bushy(100)))
    for limit in (10, 40):
        seen = await read_on(talk, sort, limit=limit, remarks=15)
        assert len(seen) == len(set(seen))
        assert set(imported.ids.values()) <= set(seen)


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("best", ["many", "one", "split", "none", "down"]),
        ("top", ["many", "one", "none", "split", "down"]),
        ("new", ["down", "none", "split", "one", "many"]),
        ("old", ["many", "one", "split", "none", "down"]),
        ("controversial", ["split", "many", "down", "none", "one"]),
    ],
)
async def test_each_order(talk: Talk, sort: CommentSort, expected: list[str]) -> None:
    """Comments come in the order asked for, at the top and among replies; equals newest first, but for "old"."""
    votes = {"many": (90, 5), "one": (1, 0), "split": (50, 50), "none": (0, 0), "down": (0, 9)}
    comments = [
        ImportedComment(
            key=f"{parent}{name}",
            post_id=THREAD.post_id,
            parent_key=parent or None,
            author=ANN_AUTHOR,
            text=name,
            created_at=1_600_000_000 + place,
            ups=ups,
            downs=downs,
        )
        for parent in ("", "many")
        for place, (name, (ups, downs)) in enumerate(votes.items())
    ]
    await talk.service.import_comments([THREAD], comments)
    page = await talk.service.thread(ThreadQuery(post_id=1, sort=sort))
    texts = {node.comment.html: node for node in page.nodes}
    assert [html[3:-5] for html in texts] == expected
    assert [node.comment.html[3:-5] for node in texts["<p>many</p>\n"].children] == expected


async def test_a_comment_in_focus(talk: Talk) -> None:
    """A permalink shows the comment with what is below it, and as much of what is above it as asked for."""
    top = await talk.say()
    await talk.say()
    second = await talk.say(below=top)
    await talk.say(below=top)
    third = await talk.say(below=second)
    fourth = await talk.say(below=third)
    for context, expected in ((0, [third, fourth]), (1, [second, third, fourth]), (9, [top, second, third, fourth])):
        page = await talk.service.thread(ThreadQuery(post_id=1, focus=third.id, context=context))
        assert ids_of(page.nodes) == [comment.id for comment in expected]
        assert (page.total, page.after, page.remaining) == (6, None, 0)
    assert page.nodes[0].hidden_replies == 1


async def test_focus_must_be_in_the_thread(talk: Talk) -> None:
    """A permalink or "load more" with a comment of another post, or of none, leads nowhere."""
    elsewhere = await Talk(talk.service, OTHER_THREAD).say()
    for comment_id in (elsewhere.id, 999):
        with pytest.raises(NotFound):
            await talk.service.thread(ThreadQuery(post_id=1, focus=comment_id))
        with pytest.raises(NotFound):
            await talk.service.thread(ThreadQuery(post_id=1, parent_id=comment_id))


@pytest.mark.parametrize("after", ["nonsense", "k8s", "é", "3A"])
async def test_a_damaged_link_is_refused(talk: Talk, after: str) -> None:
    """A "load more" link that was cut off or made up is refused by name."""
    with pytest.raises(Invalid) as refusal:
        await talk.service.thread(ThreadQuery(post_id=1, after=after))
    assert refusal.value.field == "after"


@pytest.mark.parametrize("limit", [-1, 0, 10_000])
async def test_a_page_is_bounded_whatever_is_asked_for(talk: Talk, limit: int) -> None:
    """No limit in a request makes a page empty or endless."""
    await talk.service.import_comments([THREAD], made_up([None] * (THREAD_PAGE_LIMIT + 1)))
    page = await talk.service.thread(ThreadQuery(post_id=1, limit=limit))
    assert len(page.nodes) == min(max(limit, 1), THREAD_PAGE_LIMIT)
    assert page.remaining == THREAD_PAGE_LIMIT + 1 - len(page.nodes)


async def test_a_conversation_may_go_as_deep_as_it_likes(talk: Talk) -> None:
    """1,500 comments, each the answer to the one before, can be written, answered and read, a part at a time."""
    imported = await talk.service.import_comments([THREAD], made_up([None, *range(1_499)]))
    deepest = await talk.service.comment(imported.ids["k1499"])
    assert deepest.depth == 1_499
    last = await talk.say(below=deepest)
    assert last.path.endswith(f".{deepest.id}.{last.id}")
    first_page = await talk.service.thread(ThreadQuery(post_id=1))
    assert len(ids_of(first_page.nodes)) == LEVELS
    page = await talk.service.thread(ThreadQuery(post_id=1, focus=last.id, context=3))
    assert len(ids_of(page.nodes)) == 4
    assert page.total == 1_501


async def test_time_decides_between_equals_only(talk: Talk, clock: ManualClock) -> None:
    """Of comments without votes the newest comes first; one vote lifts a comment above all of them, or sinks it."""
    first = await talk.say()
    others = []
    for _ in range(2):
        clock.advance(1)
        others.append(await talk.say())
    page = await talk.service.thread(ThreadQuery(post_id=1))
    assert ids_of(page.nodes) == [others[1].id, others[0].id, first.id]
    await talk.service.vote(ANN, first.id, 1)
    page = await talk.service.thread(ThreadQuery(post_id=1))
    assert ids_of(page.nodes) == [first.id, others[1].id, others[0].id]
    await talk.service.vote(ANN, others[1].id, -1)
    page = await talk.service.thread(ThreadQuery(post_id=1))
    assert ids_of(page.nodes) == [first.id, others[0].id, others[1].id]
