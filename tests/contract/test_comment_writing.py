"""Comments: writing, editing, deleting, and who may."""

import pytest

from tests.contract.talk import ANN, BOB, GUEST, OTHER_THREAD, ROOT, THREAD, Talk
from upthread.account.model import Actor, Author
from upthread.assembly import Services
from upthread.comment.model import TEXT_LIMIT, CommentRevision, ThreadQuery
from upthread.comment.service import CommentService
from upthread.errors import Forbidden, Gone, Invalid, NotFound
from upthread.runtime.clock import ManualClock

pytestmark = pytest.mark.anyio


@pytest.fixture
def service(services: Services) -> CommentService:
    """The door of the comment room."""
    return services.comment


@pytest.fixture
def talk(service: CommentService) -> Talk:
    """A thread that nobody has commented on yet."""
    return Talk(service)


async def test_a_comment_is_there_as_it_was_written(talk: Talk, clock: ManualClock) -> None:
    """A new comment has its author, time, rendered text, no votes, and its post's title and community."""
    comment = await talk.say("Look: **there**!")
    assert await talk.service.comment(comment.id) == comment
    assert comment.author == Author(ANN.id, ANN.name)
    assert comment.html.strip() == "<p>Look: <strong>there</strong>!</p>"
    assert (comment.created_at, comment.edited_at, comment.revisions) == (clock.now(), None, 1)
    assert (comment.ups, comment.downs, comment.replies, comment.state) == (0, 0, 0, "live")
    assert (comment.post_id, comment.title, comment.community) == (1, "Swifts are back", "birds")
    assert (comment.parent_id, comment.path, comment.depth) == (None, str(comment.id), 0)


async def test_a_reply_knows_its_place(talk: Talk) -> None:
    """A reply has the way down to it as its path, and is counted at the comment it answers."""
    top = await talk.say()
    middle = await talk.say(below=top, by=BOB)
    low = await talk.say(below=middle)
    assert (low.parent_id, low.path, low.depth) == (middle.id, f"{top.id}.{middle.id}.{low.id}", 2)
    assert (await talk.service.comment(top.id)).replies == 1
    assert (await talk.service.comment(middle.id)).replies == 1


@pytest.mark.parametrize("text", ["", "  \n\t ", "\u200b", "\x00\x07"])
async def test_an_empty_comment_is_refused(talk: Talk, text: str) -> None:
    """A comment in which nothing can be seen is refused, with the field to mark."""
    with pytest.raises(Invalid) as refusal:
        await talk.say(text)
    assert refusal.value.field == "body"


async def test_a_comment_has_a_greatest_length(talk: Talk) -> None:
    """A comment may be as long as the limit says, and not longer; line ends count once."""
    await talk.say("x" * TEXT_LIMIT)
    await talk.say("x\r\n" * (TEXT_LIMIT // 2))
    with pytest.raises(Invalid) as refusal:
        await talk.say("x" * (TEXT_LIMIT + 1))
    assert refusal.value.parameters["limit"] == TEXT_LIMIT


async def test_only_what_is_there_can_be_answered(talk: Talk) -> None:
    """There is no answering a comment that does not exist, is of another post, or was deleted."""
    elsewhere = await Talk(talk.service, OTHER_THREAD).say()
    deleted = await talk.say()
    await talk.service.delete(ANN, deleted.id)
    with pytest.raises(NotFound):
        await talk.service.add(ANN, THREAD, 999, "Hello?")
    with pytest.raises(NotFound):
        await talk.say(below=elsewhere)
    with pytest.raises(Gone):
        await talk.say(below=deleted)


async def test_there_is_no_comment_that_never_was(service: CommentService) -> None:
    """Asking for, editing, deleting, voting on or saving a comment that never was says that there is none."""
    with pytest.raises(NotFound):
        await service.comment(1)
    with pytest.raises(NotFound):
        await service.edit(ANN, 1, "x")
    with pytest.raises(NotFound):
        await service.history(1)
    with pytest.raises(NotFound):
        await service.delete(ANN, 1)
    with pytest.raises(NotFound):
        await service.vote(ANN, 1, 1)
    with pytest.raises(NotFound):
        await service.save(ANN, 1, saved=True)


async def test_an_edit_shows_and_keeps_what_was_there(talk: Talk, clock: ManualClock) -> None:
    """After an edit the new text shows, with the time of the edit, and the version before can be read."""
    comment = await talk.say("Frist!")
    clock.advance(60)
    edited = await talk.service.edit(ANN, comment.id, "First!")
    assert edited.html.strip() == "<p>First!</p>"
    assert (edited.created_at, edited.edited_at, edited.revisions) == (clock.now() - 60, clock.now(), 2)
    assert await talk.service.history(comment.id) == [
        CommentRevision(number=2, text="First!", created_at=clock.now()),
        CommentRevision(number=1, text="Frist!", created_at=clock.now() - 60),
    ]


async def test_saving_the_same_text_is_no_edit(talk: Talk) -> None:
    """Sending an unchanged text makes no new version, even with a browser's line ends."""
    comment = await talk.say("one\ntwo")
    assert await talk.service.edit(ANN, comment.id, "one\r\ntwo\r\n") == comment
    assert len(await talk.service.history(comment.id)) == 1


async def test_only_the_author_edits(talk: Talk) -> None:
    """Nobody else edits a comment, not even an administrator; guests don't edit at all."""
    comment, of_guest = await talk.say(), await talk.say(by=GUEST)
    for actor, comment_id in ((BOB, comment.id), (ROOT, comment.id), (GUEST, of_guest.id)):
        with pytest.raises(Forbidden):
            await talk.service.edit(actor, comment_id, "Changed")


async def test_a_guest_comments_by_name(talk: Talk) -> None:
    """A guest's comment shows the name they gave, and nothing of their address."""
    comment = await talk.say(by=GUEST)
    assert comment.author == Author(GUEST.id, "Guest")
    assert "guest@" not in repr(comment)


async def test_a_deleted_comment_keeps_its_place_only(talk: Talk) -> None:
    """A deleted comment has no author, text, history or votes to come; what is below it stays."""
    top = await talk.say("Secret")
    reply = await talk.say(below=top, by=BOB)
    await talk.service.delete(ANN, top.id)
    deleted = await talk.service.comment(top.id)
    assert (deleted.state, deleted.html, deleted.author) == ("deleted", "", Author(0, ""))
    page = await talk.service.thread(ThreadQuery(post_id=1))
    assert page.nodes[0].comment.state == "deleted"
    assert page.nodes[0].children[0].comment.id == reply.id
    with pytest.raises(Gone):
        await talk.service.history(top.id)
    with pytest.raises(Gone):
        await talk.service.edit(ANN, top.id, "Back")
    with pytest.raises(Gone):
        await talk.service.vote(BOB, top.id, 1)
    with pytest.raises(Gone):
        await talk.service.save(BOB, top.id, saved=True)


@pytest.mark.parametrize(("actor", "as_moderator"), [(ROOT, False), (BOB, True)])
async def test_a_moderator_removes(talk: Talk, actor: Actor, as_moderator: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """What an administrator or moderator takes away is marked as removed, not as deleted by its author."""
    comment = await talk.say()
    await talk.service.delete(actor, comment.id, as_moderator=as_moderator)
    assert (await talk.service.comment(comment.id)).state == "removed"


async def test_a_moderator_deletes_their_own(talk: Talk) -> None:
    """An administrator's own comment is deleted by them, not removed."""
    comment = await talk.say(by=ROOT)
    await talk.service.delete(ROOT, comment.id)
    assert (await talk.service.comment(comment.id)).state == "deleted"


async def test_nobody_else_deletes(talk: Talk) -> None:
    """Others can't delete a comment, and a guest can't delete even their own."""
    comment, of_guest = await talk.say(), await talk.say(by=GUEST)
    with pytest.raises(Forbidden):
        await talk.service.delete(BOB, comment.id)
    with pytest.raises(Forbidden):
        await talk.service.delete(GUEST, of_guest.id, as_moderator=True)


async def test_deleting_twice_changes_nothing(talk: Talk) -> None:
    """What its author has deleted stays so when somebody removes it again."""
    comment = await talk.say()
    await talk.service.delete(ANN, comment.id)
    await talk.service.delete(ROOT, comment.id)
    assert (await talk.service.comment(comment.id)).state == "deleted"
