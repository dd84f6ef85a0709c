"""What the other rooms learn of comments: counts at posts, entries in inboxes, and what comes back from them."""

import pytest

from tests.contract.talk import GUEST, THREAD, Talk
from upthread.account.model import Actor, Author, Notice, PersonErased
from upthread.assembly import Services
from upthread.comment.model import PostChanged, SearchQuery, ThreadRef
from upthread.post.model import Post, PostDraft
from upthread.runtime.clock import ManualClock

pytestmark = pytest.mark.anyio


class People:
    """Ann, Bob and Cid with accounts, and a post of Bob's."""

    def __init__(self, services: Services, ids: dict[str, int], post: Post) -> None:
        self.services = services
        self.ann, self.bob, self.cid = (Actor(ids[name], name) for name in ("Ann", "Bob", "Cid"))
        self.post = post
        self.talk = Talk(
            services.comment,
            ThreadRef(post_id=post.id, author_id=self.bob.id, title=post.title, community=post.community),
        )

    async def inbox(self, person: Actor) -> list[Notice]:
        """What somebody has been told."""
        await self.services.settle()
        return (await self.services.account.inbox(person.id)).notices


@pytest.fixture
async def people(services: Services) -> People:
    """Everybody, before anything is said."""
    ids = await services.account.import_people(["Ann", "Bob", "Cid"], 0)
    bob = Actor(ids["Bob"], "Bob")
    await services.post.create_community(bob, "birds", "Birds")
    post = await services.post.submit(bob, PostDraft(community="birds", title="Swifts are back"))
    return People(services, ids, post)


async def test_a_post_counts_its_comments(people: People) -> None:
    """A post shows how many comments its thread has, replies and deleted ones included."""
    top = await people.talk.say(by=people.ann)
    await people.talk.say(below=top, by=people.cid)
    await people.services.comment.delete(people.ann, top.id)
    await people.services.settle()
    assert (await people.services.post.post(people.post.id)).comments == 2


async def test_who_is_answered_is_told(people: People) -> None:
    """A comment at the top is in the inbox of the post's author, a reply in that of the comment's author."""
    top = await people.talk.say("Are *they*?", by=people.ann)
    reply = await people.talk.say("They are.", below=top, by=people.cid)
    (of_bob,) = await people.inbox(people.bob)
    assert (of_bob.kind, of_bob.comment_id, of_bob.excerpt) == ("reply", top.id, "Are they?")
    assert (of_bob.title, of_bob.community, of_bob.author.name) == ("Swifts are back", "birds", "Ann")
    (of_ann,) = await people.inbox(people.ann)
    assert (of_ann.kind, of_ann.comment_id, of_ann.post_id) == ("reply", reply.id, people.post.id)


async def test_nobody_is_told_of_themselves(people: People) -> None:
    """Answering or mentioning oneself makes no entry; nor do guests have an inbox."""
    of_guest = await people.talk.say(by=GUEST)
    await people.talk.say(below=of_guest, by=people.ann)
    before = len(await people.inbox(people.bob))
    top = await people.talk.say("I, @bob, say so", by=people.bob)
    await people.talk.say("Right, @BOB", below=top, by=people.bob)
    assert len(await people.inbox(people.bob)) == before


async def test_mentions_are_told_once(people: People) -> None:
    """A mention makes one entry, and none where the same person is told of a reply already."""
    top = await people.talk.say("@cid @Cid u/cid look", by=people.ann)
    (mention,) = await people.inbox(people.cid)
    assert (mention.kind, mention.comment_id) == ("mention", top.id)
    await people.talk.say("Yes, @ann!", below=top, by=people.cid)
    assert [entry.kind for entry in await people.inbox(people.ann)] == ["reply"]


async def test_an_edit_tells_those_newly_mentioned(people: People) -> None:
    """Somebody mentioned by an edit is told; who was mentioned or answered before is not told again."""
    top = await people.talk.say(by=people.ann)
    reply = await people.talk.say("@bob", below=top, by=people.cid)
    told = len(await people.inbox(people.bob))
    await people.services.comment.edit(people.cid, reply.id, "@bob @ann")
    assert len(await people.inbox(people.bob)) == told
    assert [entry.kind for entry in await people.inbox(people.ann)] == ["reply"]
    await people.services.comment.edit(people.ann, top.id, "@cid")
    assert [entry.kind for entry in await people.inbox(people.cid)] == ["mention"]


async def test_one_comment_calls_ten_people_at_most(services: Services, people: People) -> None:
    """A comment that mentions a crowd tells the first ten only."""
    names = [f"person{number}" for number in range(12)]
    ids = await services.account.import_people(names, 0)
    await people.talk.say(" ".join(f"@{name}" for name in names), by=people.ann)
    told = [name for name in names if await people.inbox(Actor(ids[name], name))]
    assert told == names[:10]


async def test_a_new_title_shows_with_comments(people: People) -> None:
    """When a post's title changes, lists of comments show the new one."""
    await people.talk.say(by=people.ann)
    await people.services.post.edit(people.bob, people.post.id, "Swifts have left", "")
    await people.services.settle()
    assert [comment.title for comment in (await people.services.comment.newest()).comments] == ["Swifts have left"]


async def test_old_news_of_a_post_is_passed_over(services: Services) -> None:
    """News that arrive late or twice don't undo newer ones; of posts without comments nothing is kept."""
    talk = Talk(services.comment)
    await talk.say()

    def news(title: str, revision: int, post_id: int = THREAD.post_id) -> PostChanged:
        return PostChanged(post_id=post_id, title=title, community="birds", author_id=1, revision=revision)

    await services.comment.posts_changed([news("Newer", 5), news("Older", 4)])
    await services.comment.posts_changed([news("Oldest", 3), news("Unheard of", 1, post_id=77)])
    assert [comment.title for comment in (await services.comment.newest()).comments] == ["Newer"]


# erased people


@pytest.mark.parametrize("erase_content", [False, True])
async def test_an_erased_person_is_nowhere(people: People, *, erase_content: bool) -> None:
    """Once an account is deleted its name is at no comment and finds none; the texts stay or go as chosen."""
    service = people.services.comment
    ids = [(await people.talk.say(f"swifts {number}", by=people.ann)).id for number in range(3)]
    reply = await people.talk.say("swifts", below=await service.comment(ids[0]), by=people.cid)
    await service.save(people.ann, reply.id, saved=True)
    for _ in range(2):
        await service.people_erased([PersonErased(person_id=people.ann.id, erase_content=erase_content)])
    for comment_id in ids:
        comment = await service.comment(comment_id)
        assert comment.author == Author(0, "")
        assert comment.state == ("deleted" if erase_content else "live")
        assert bool(comment.html) != erase_content
    assert (await service.by_author(people.ann.id)).comments == []
    assert (await service.saved(people.ann.id)).comments == []
    assert (await service.search(SearchQuery(author="Ann"))).hits == []
    found = {hit.comment.id for hit in (await service.search(SearchQuery(text="swifts"))).hits}
    assert found == ({reply.id} if erase_content else {*ids, reply.id})
    assert (await service.comment(reply.id)).author.name == "Cid"


async def test_erasing_goes_through_all_comments(people: People, clock: ManualClock) -> None:
    """However many comments somebody has written, none keeps their name."""
    service = people.services.comment
    for _ in range(401):
        await people.talk.say(by=people.ann)
    await people.services.settle()
    clock.advance(1)
    await service.people_erased([PersonErased(person_id=people.ann.id, erase_content=True)])
    page = await service.newest(limit=100)
    assert page.comments == []


async def test_nobody_is_told_for_the_erased(people: People) -> None:
    """A reply to what an erased person wrote makes no entry anywhere, and a vote earns nobody karma."""
    top = await people.talk.say(by=people.ann)
    told = len(await people.inbox(people.ann))
    await people.services.comment.people_erased([PersonErased(person_id=people.ann.id, erase_content=False)])
    await people.talk.say(below=top, by=people.cid)
    await people.services.comment.vote(people.cid, top.id, 1)
    assert len(await people.inbox(people.ann)) == told
    assert (await people.services.account.person("Ann")).comment_karma == 0
