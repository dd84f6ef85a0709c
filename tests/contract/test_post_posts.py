"""Posts: submitting, editing, deleting, locking, saving and hiding them."""

from typing import Any

import pytest

from tests.contract.posting import ADMIN, ANN, BOB, CAT, GUEST, found, submit, titles
from upthread.account.model import Actor, Author
from upthread.assembly import Services
from upthread.errors import Forbidden, Gone, Invalid, NotFound, SignInNeeded
from upthread.links import LINK_LIMIT
from upthread.post.model import (
    FLAIR_LIMIT,
    TEXT_LIMIT,
    TITLE_LIMIT,
    FeedQuery,
    Post,
    PostMark,
    PostRevision,
    SearchQuery,
    State,
)
from upthread.post.service import PostService
from upthread.runtime.clock import ManualClock

pytestmark = pytest.mark.anyio


@pytest.fixture
async def post(services: Services) -> PostService:
    """The door of the post room, with a community of Ann's."""
    await found(services.post)
    return services.post


# submitting


async def test_a_post_is_shown_as_submitted(post: PostService, clock: ManualClock) -> None:
    """Link, text, flair and warning are kept; a new post has no votes, not even its author's."""
    made = await submit(
        post,
        community="GARDENS",
        title="  Roses\n and  more ",
        url="www.Example.org/roses",
        text="They are *red*.\r\n",
        flair="Plants",
        nsfw=True,
    )
    assert made == Post(
        id=made.id,
        community="gardens",
        title="Roses and more",
        url="https://www.example.org/roses",
        domain="example.org",
        html="<p>They are <em>red</em>.</p>\n",
        has_text=True,
        author=Author(1, "ann"),
        created_at=clock.now(),
        flair="Plants",
        nsfw=True,
    )
    assert await post.post(made.id) == made
    assert (await post.community("gardens")).posts == 1


async def test_a_title_is_enough(post: PostService) -> None:
    """A post needs neither link nor text."""
    made = await submit(post)
    assert (made.url, made.domain, made.html, made.has_text) == ("", "", "", False)


async def test_guests_post_under_a_name(post: PostService) -> None:
    """A guest's post shows their name, and their e-mail address nowhere."""
    made = await submit(post, GUEST)
    assert made.author == Author(-7, "Somebody")
    assert "somebody@example.org" not in repr(await post.post(made.id))


async def test_what_cant_be_seen_is_left_out(post: PostService) -> None:
    """Control characters, halves of characters and turns of direction don't get into a title or text."""
    made = await submit(post, title="a\x00b\u202ec\ud800d", text="\x07one\x00 two", flair="\x1bx")
    assert (made.title, made.flair) == ("abcd", "x")
    assert made.html == "<p>one two</p>\n"


@pytest.mark.parametrize(
    ("field", "draft", "message"),
    [
        ("community", {"community": "nowhere"}, "no community"),
        ("title", {"title": " \n"}, "needs a title"),
        ("title", {"title": "\u200b"}, "needs a title"),
        ("title", {"title": "x" * (TITLE_LIMIT + 1)}, "300"),
        ("text", {"text": "x" * (TEXT_LIMIT + 1)}, "40000"),
        ("flair", {"flair": "x" * (FLAIR_LIMIT + 1)}, "64"),
        ("url", {"url": "javascript:alert(1)"}, "http"),
        ("url", {"url": "nonsense"}, "link"),
        ("url", {"url": "https://example.org/" + "x" * LINK_LIMIT}, "2000"),
    ],
)
async def test_what_cant_be_posted_is_said_at_its_field(
    post: PostService, field: str, draft: dict[str, Any], message: str
) -> None:
    """Each refusal names its field and, where there is one, the limit."""
    with pytest.raises(Invalid, match=message) as refused:
        await submit(post, **draft)
    assert refused.value.field == field
    assert (await post.community("gardens")).posts == 0


async def test_what_is_just_short_enough_is_taken(post: PostService) -> None:
    """The limits themselves are still allowed."""
    made = await submit(post, title="ж" * TITLE_LIMIT, text="ж" * TEXT_LIMIT, flair="ж" * FLAIR_LIMIT)
    assert len(made.title) == TITLE_LIMIT


@pytest.mark.parametrize("post_id", [0, -1, 999, 2**63, 2**70])
async def test_unknown_posts_are_not_found(post: PostService, post_id: int) -> None:
    """Whatever is tried with a post that never was, it is not found."""
    for attempt in (
        post.post(post_id),
        post.history(post_id),
        post.edit(ANN, post_id, "A title", ""),
        post.delete(ANN, post_id),
        post.lock(ADMIN, post_id, locked=True),
        post.vote(ANN, post_id, 1),
        post.save(ANN, post_id, saved=True),
        post.hide(ANN, post_id, hidden=True),
    ):
        with pytest.raises(NotFound):
            await attempt
    assert await post.posts([post_id]) == []
    assert await post.marks(ANN.id, [post_id]) == []


async def test_several_posts_come_in_the_order_asked_for(post: PostService) -> None:
    """Posts asked for by number come in that order, without those that are not there, and without their HTML."""
    first, second = await submit(post, text="One"), await submit(post)
    shown = await post.posts([second.id, 999, first.id])
    assert [each.id for each in shown] == [second.id, first.id]
    assert (shown[1].html, shown[1].has_text) == ("", True)


# the same link


async def test_the_same_link_is_pointed_out(post: PostService, clock: ManualClock) -> None:
    """Earlier posts of a link in this community are found, newest first, at most five, none that were deleted."""
    await found(post, "others")
    await submit(post, community="others", url="https://example.org/page")
    made = []
    for _ in range(7):
        made.append(await submit(post, url="http://www.example.org/page/?utm_source=x#top"))
        clock.advance(1)
    await post.delete(ANN, made[5].id)
    same = await post.same_link("GARDENS", "example.org/page")
    assert [each.id for each in same] == [made[n].id for n in (6, 4, 3, 2, 1)]
    for url in ("https://example.org/other", "", "not a link"):
        assert await post.same_link("gardens", url) == []
    assert await post.same_link("nowhere", "https://example.org/page") == []


# editing


async def test_edits_keep_every_version(post: PostService, clock: ManualClock) -> None:
    """After an edit the new text is shown, and all versions can be read, newest first."""
    made = await submit(post, title="Old", text="one")
    begun = clock.now()
    clock.advance(60)
    edited = await post.edit(ANN, made.id, "New", "two *three*")
    assert (edited.title, edited.html, edited.edited_at) == ("New", "<p>two <em>three</em></p>\n", clock.now())
    assert (edited.created_at, edited.revisions) == (begun, 2)
    assert await post.post(made.id) == edited
    assert await post.history(made.id) == [
        PostRevision(number=2, title="New", text="two *three*", created_at=clock.now()),
        PostRevision(number=1, title="Old", text="one", created_at=begun),
    ]


async def test_an_edit_without_change_is_none(post: PostService) -> None:
    """Sending the form unchanged, with a browser's line ends, makes no new version."""
    made = await submit(post, title="Same", text="one\n\ntwo")
    assert await post.edit(ANN, made.id, " Same ", "one\r\n\r\ntwo\r\n") == made
    assert len(await post.history(made.id)) == 1


async def test_an_edit_can_take_the_text_away(post: PostService) -> None:
    """A post whose text was removed has none."""
    made = await submit(post, text="one")
    edited = await post.edit(ANN, made.id, made.title, "")
    assert (edited.html, edited.has_text) == ("", False)


async def test_edits_are_checked_like_new_posts(post: PostService) -> None:
    """A title or text that could not be posted can't be edited in."""
    made = await submit(post)
    for field, texts in (("title", ("", "")), ("text", ("A title", "x" * (TEXT_LIMIT + 1)))):
        with pytest.raises(Invalid) as refused:
            await post.edit(ANN, made.id, *texts)
        assert refused.value.field == field


async def test_only_the_author_edits(post: PostService) -> None:
    """Nobody else can edit a post: not moderators, not administrators, and no guest at all."""
    by_bob, by_guest = await submit(post, BOB), await submit(post, GUEST)
    for actor, made in ((ANN, by_bob), (ADMIN, by_bob), (GUEST, by_guest)):
        with pytest.raises(Forbidden):
            await post.edit(actor, made.id, "Mine", "")


# deleting


@pytest.mark.parametrize(("actor", "state"), [(BOB, "deleted"), (ANN, "removed"), (ADMIN, "removed")])
async def test_deleting_destroys_what_a_post_said(post: PostService, actor: Actor, state: State) -> None:
    """A deleted post keeps its place and votes; all it said and who said it is gone for good, also from search."""
    made = await submit(post, BOB, title="Embarrassing", url="https://example.org/secret", text="words", flair="x")
    await post.edit(BOB, made.id, "Embarrassing too", "more words")
    await post.vote(CAT, made.id, 1)
    await post.save(CAT, made.id, saved=True)
    for _ in range(2):
        await post.delete(actor, made.id)
    assert await post.post(made.id) == Post(
        id=made.id, community="gardens", title="", author=Author(0, ""), created_at=made.created_at, ups=1, state=state
    )
    assert (await post.community("gardens")).posts == 0
    for query in (
        FeedQuery(),
        FeedQuery(community="gardens"),
        FeedQuery(author_id=BOB.id),
        FeedQuery(domain="example.org"),
        FeedQuery(saved_by=CAT.id),
        FeedQuery(subscribed_by=ANN.id),
    ):
        assert (await post.feed(query)).posts == []
    for search in (SearchQuery(text="embarrassing"), SearchQuery(author="bob"), SearchQuery(after=0)):
        assert (await post.search(search)).hits == []
    assert await post.same_link("gardens", "https://example.org/secret") == []


async def test_nothing_more_is_done_to_a_deleted_post(post: PostService) -> None:
    """Whatever is tried with a deleted post, it is gone."""
    made = await submit(post)
    await post.delete(ANN, made.id)
    for attempt in (
        post.history(made.id),
        post.edit(ANN, made.id, "Back", ""),
        post.lock(ANN, made.id, locked=True),
        post.vote(BOB, made.id, 1),
        post.save(BOB, made.id, saved=True),
        post.hide(BOB, made.id, hidden=True),
    ):
        with pytest.raises(Gone):
            await attempt


async def test_others_cant_delete(post: PostService) -> None:
    """A post is deleted by its author, a moderator of its community or an administrator, and by no guest."""
    await found(post, "others", CAT)
    by_bob, by_guest = await submit(post, BOB), await submit(post, GUEST)
    for actor, made in ((CAT, by_bob), (GUEST, by_bob), (GUEST, by_guest)):
        with pytest.raises(Forbidden):
            await post.delete(actor, made.id)
        assert (await post.post(made.id)).state == "live"


async def test_ids_are_never_given_again(post: PostService) -> None:
    """The number of a deleted post is not given to another."""
    made = await submit(post)
    await post.delete(ANN, made.id)
    assert (await submit(post)).id > made.id


async def test_moderators_lock_and_unlock(post: PostService) -> None:
    """A post is closed to comments and opened again by moderators and administrators only."""
    made = await submit(post, BOB)
    for actor in (ANN, ADMIN):
        assert (await post.lock(actor, made.id, locked=True)).locked
        assert not (await post.lock(actor, made.id, locked=False)).locked
    with pytest.raises(Forbidden):
        await post.lock(BOB, made.id, locked=True)


# marks


async def test_saving_and_hiding(post: PostService, clock: ManualClock) -> None:
    """Saved and hidden posts are listed last marked first, and marking twice keeps the place."""
    made = [await submit(post, title=title) for title in ("one", "two", "three")]
    for each in (made[2], made[0], made[1]):
        await post.save(BOB, each.id, saved=True)
        await post.hide(BOB, each.id, hidden=True)
        clock.advance(1)
    await post.save(BOB, made[2].id, saved=True)
    assert await titles(post, saved_by=BOB.id, limit=1) == ["two", "one", "three"]
    assert await titles(post, hidden_by=BOB.id, limit=1) == ["two", "one", "three"]
    for _ in range(2):
        await post.save(BOB, made[0].id, saved=False)
        await post.hide(BOB, made[0].id, hidden=False)
    assert await titles(post, saved_by=BOB.id) == ["two", "three"]
    assert await titles(post, hidden_by=BOB.id) == ["two", "three"]
    assert await titles(post, saved_by=CAT.id) == []


async def test_guests_cant_save_or_hide(post: PostService) -> None:
    """Lists of one's own need an account."""
    made = await submit(post)
    for attempt in (post.save(GUEST, made.id, saved=True), post.hide(GUEST, made.id, hidden=True)):
        with pytest.raises(SignInNeeded):
            await attempt


async def test_marks_tell_what_one_has_done(post: PostService) -> None:
    """A page can show one's own vote, saved and hidden state of each post; untouched posts have no mark."""
    made = [(await submit(post)).id for _ in range(5)]
    await post.vote(BOB, made[0], -1)
    await post.save(BOB, made[1], saved=True)
    await post.hide(BOB, made[2], hidden=True)
    await post.vote(CAT, made[3], 1)
    await post.vote(GUEST, made[0], 1)
    assert await post.marks(BOB.id, made) == [
        PostMark(post_id=made[0], vote=-1),
        PostMark(post_id=made[1], saved=True),
        PostMark(post_id=made[2], hidden=True),
    ]
    assert await post.marks(GUEST.id, made) == [PostMark(post_id=made[0], vote=1)]
    assert await post.marks(BOB.id, []) == []
