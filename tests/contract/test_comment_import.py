"""Comments from elsewhere: taken over once, with their places, times and votes."""

from typing import Any

import pytest

from tests.contract.talk import ANN, ANN_AUTHOR, OTHER_THREAD, THREAD, Talk, ids_of
from upthread.account.model import Actor, Author
from upthread.assembly import Services
from upthread.comment.model import TEXT_LIMIT, ImportedComment, ThreadQuery, ThreadRef
from upthread.comment.service import CommentService
from upthread.errors import Gone
from upthread.post.model import PostDraft

pytestmark = pytest.mark.anyio


@pytest.fixture
def service(services: Services) -> CommentService:
    """The door of the comment room."""
    return services.comment


def comment(key: str, parent: str | None = None, **fields: Any) -> ImportedComment:
    """A comment of Ann's on the first post, unless told otherwise."""
    defaults: dict[str, Any] = {
        "post_id": THREAD.post_id,
        "author": ANN_AUTHOR,
        "text": f"Text of {key}",
        "created_at": 1_500_000_000,
    }
    return ImportedComment(**{"key": key, "parent_key": parent} | defaults | fields)


async def test_imported_comments_are_as_they_were(service: CommentService) -> None:
    """An imported comment has its own time, edit, votes and author, and stands below its parent."""
    fields: dict[str, Any] = {"created_at": 1_400_000_000, "edited_at": 1_400_000_060, "ups": 12, "downs": 3}
    imported = await service.import_comments(
        [THREAD], [comment("a"), comment("b", "a", author=Author(0, ""), text="*b*", **fields)]
    )
    assert imported.added == 2
    found = await service.comment(imported.ids["b"])
    assert (found.created_at, found.edited_at, found.ups, found.downs) == (1_400_000_000, 1_400_000_060, 12, 3)
    assert (found.author, found.html, found.title) == (Author(0, ""), "<p><em>b</em></p>\n", "Swifts are back")
    assert (found.parent_id, found.depth) == (imported.ids["a"], 1)
    assert (await service.history(found.id))[0].text == "*b*"


async def test_a_second_run_changes_nothing(service: CommentService) -> None:
    """Importing the same again adds nothing, gives the same ids, and leaves votes and edits made here."""
    batch = [comment("a"), comment("b", "a"), comment("c", "b")]
    first = await service.import_comments([THREAD], batch)
    await service.vote(ANN, first.ids["a"], 1)
    await service.edit(ANN, first.ids["b"], "Changed here")
    await service.delete(ANN, first.ids["c"])
    before = await service.thread(ThreadQuery(post_id=1))
    second = await service.import_comments([THREAD], batch)
    assert (second.added, second.ids) == (0, first.ids)
    assert await service.thread(ThreadQuery(post_id=1)) == before
    with pytest.raises(Gone):
        await service.history(first.ids["c"])


async def test_a_key_twice_in_a_batch_is_one_comment(service: CommentService) -> None:
    """Of two comments with one key in the same batch the first is taken."""
    imported = await service.import_comments([THREAD], [comment("a"), comment("a", text="Other")])
    assert imported.added == 1
    assert "Text of a" in (await service.comment(imported.ids["a"])).html


async def test_batches_hang_together(service: CommentService) -> None:
    """A parent may have come in an earlier batch; counts of replies and of the thread are right all the same."""
    await service.import_comments([THREAD], [comment("a"), comment("b", "a")])
    await service.import_comments([THREAD], [comment("c", "a"), comment("d", "b"), comment("e")])
    page = await service.thread(ThreadQuery(post_id=1, sort="old"))
    assert page.total == 5
    assert [(node.comment.html[11:12], node.comment.replies) for node in page.nodes] == [("a", 2), ("e", 0)]
    assert len(ids_of(page.nodes)) == 5


async def test_what_hangs_on_nothing_is_left_out(service: CommentService) -> None:
    """A comment whose parent is unknown, in another thread or comes later, or whose post is unknown, is left out."""
    batch = [
        comment("a"),
        comment("lost", "nowhere"),
        comment("too soon", "late"),
        comment("late"),
        comment("elsewhere", "a", post_id=OTHER_THREAD.post_id),
        comment("below lost", "lost"),
        comment("no post", post_id=99),
    ]
    imported = await service.import_comments([THREAD, OTHER_THREAD], batch)
    assert set(imported.ids) == {"a", "late"}
    assert imported.added == 2
    assert (await service.thread(ThreadQuery(post_id=OTHER_THREAD.post_id))).total == 0


async def test_a_thread_need_be_told_once(service: CommentService) -> None:
    """Comments of a thread that is known already can be imported without telling of the thread again."""
    await Talk(service).say()
    assert (await service.import_comments([], [comment("a")])).added == 1


async def test_deleted_comments_keep_their_place(service: CommentService) -> None:
    """A comment that was deleted elsewhere comes without text and author, and holds what is below it."""
    imported = await service.import_comments(
        [THREAD], [comment("a", state="removed", edited_at=1_500_000_001), comment("b", "a")]
    )
    found = await service.comment(imported.ids["a"])
    assert (found.state, found.html, found.author, found.edited_at) == ("removed", "", Author(0, ""), None)
    assert found.replies == 1
    with pytest.raises(Gone):
        await service.history(found.id)
    assert len((await service.newest()).comments) == 1


async def test_long_and_odd_texts_are_kept(service: CommentService) -> None:
    """A text longer than may be typed here is kept whole; an empty one is kept empty."""
    imported = await service.import_comments(
        [THREAD], [comment("long", text="x" * (2 * TEXT_LIMIT)), comment("empty", text=""), comment("nul", text="a\0b")]
    )
    assert len((await service.history(imported.ids["long"]))[0].text) == 2 * TEXT_LIMIT
    assert (await service.comment(imported.ids["empty"])).html == ""
    assert (await service.history(imported.ids["nul"]))[0].text == "ab"


async def test_an_import_tells_of_counts_and_karma_only(services: Services) -> None:
    """After an import posts show their counts and people their karma; no inbox has an entry."""
    ids = await services.account.import_people(["Ann", "Bob"], 0)
    ann, bob = (Author(ids[name], name) for name in ("Ann", "Bob"))
    actor = Actor(bob.id, bob.name)
    await services.post.create_community(actor, "birds", "Birds")
    post = await services.post.submit(actor, PostDraft(community="birds", title="Swifts are back"))
    thread = ThreadRef(post_id=post.id, author_id=bob.id, title=post.title, community="birds")
    batch = [
        comment("a", post_id=post.id, author=ann, text="@Bob", ups=5, downs=1),
        comment("b", "a", post_id=post.id, author=bob, text="@Ann", ups=2),
        comment("c", "b", post_id=post.id, author=ann, ups=3),
    ]
    for _ in range(2):
        await services.comment.import_comments([thread], batch)
    await services.settle()
    assert (await services.post.post(post.id)).comments == 3
    assert (await services.account.person("Ann")).comment_karma == 7
    assert (await services.account.person("Bob")).comment_karma == 2
    for person in (ann, bob):
        assert (await services.account.inbox(person.id)).notices == []
