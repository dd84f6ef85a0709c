"""What the post room takes from elsewhere and tells others: imports, erased people, mentions, titles."""

import pytest

from tests.contract.posting import ADMIN, ANN, BOB, CAT, found, imported, submit, titles
from upthread.account.model import Actor, Author, PersonErased
from upthread.assembly import Services
from upthread.comment.model import ThreadRef
from upthread.errors import Forbidden, Gone
from upthread.post.model import FeedQuery, Post, SearchQuery
from upthread.post.service import ERASE_BATCH, PostService
from upthread.post.writing import MENTIONS_LIMIT

pytestmark = pytest.mark.anyio


@pytest.fixture
def post(services: Services) -> PostService:
    """The door of the post room."""
    return services.post


# taking over posts


async def test_imported_posts_are_as_they_were(post: PostService) -> None:
    """A post from elsewhere has its own time, votes, flair and author, and is found like any other."""
    brought = imported(
        "t3_1",
        community="AskSomething",
        title="What is this?",
        url="http://www.example.org/This",
        text="See **here**",
        author=Author(5, "eve"),
        created_at=1_300_000_000,
        edited_at=1_300_000_100,
        ups=10,
        downs=3,
        flair="Question",
        nsfw=True,
        locked=True,
    )
    result = await post.import_posts([brought])
    assert result.added == 1
    post_id = result.ids["t3_1"]
    assert await post.post(post_id) == Post(
        id=post_id,
        community="AskSomething",
        title="What is this?",
        url="http://www.example.org/This",
        domain="example.org",
        html="<p>See <strong>here</strong></p>\n",
        has_text=True,
        author=Author(5, "eve"),
        created_at=1_300_000_000,
        edited_at=1_300_000_100,
        ups=10,
        downs=3,
        flair="Question",
        nsfw=True,
        locked=True,
    )
    assert (await post.history(post_id))[0].text == "See **here**"
    assert [hit.post.id for hit in (await post.search(SearchQuery(text="here"))).hits] == [post_id]
    assert [each.id for each in await post.same_link("asksomething", "https://example.org/This/")] == [post_id]


async def test_imports_make_communities(post: PostService) -> None:
    """A community that is missing is made, as old as its first post; one that is there gets the posts."""
    await found(post)
    await post.import_posts(
        [
            imported("t3_1", community="Gardens"),
            imported("t3_2", community="NewPlace", created_at=1_300_000_500),
            imported("t3_3", community="newplace", created_at=1_300_000_000),
        ]
    )
    assert (await post.community("gardens")).posts == 1
    made = await post.community("NEWPLACE")
    assert (made.title, made.created_at, made.posts, made.subscribers) == (made.name, 1_300_000_000, 2, 0)
    assert made.moderators == []


async def test_importing_again_changes_nothing(post: PostService) -> None:
    """What was taken over stays as it is, whatever has been done to it since, and gets the same ids again."""
    batch = [imported(f"t3_{n}", ups=n) for n in range(4)]
    first = await post.import_posts([*batch, batch[0]])
    assert first.added == 4
    await post.vote(BOB, first.ids["t3_1"], -1)
    await post.delete(ADMIN, first.ids["t3_2"])
    before = await post.posts(list(first.ids.values()))
    again = await post.import_posts([*batch, imported("t3_9")])
    assert again.added == 1
    assert {key: again.ids[key] for key in first.ids} == first.ids
    assert await post.posts(list(first.ids.values())) == before
    assert (await post.community("gardens")).posts == 4
    assert await post.imported(["t3_1", "t3_9", "t3_none"]) == {key: again.ids[key] for key in ("t3_1", "t3_9")}


async def test_imports_take_what_could_not_be_typed(post: PostService) -> None:
    """Long titles and odd links are kept; a link that opens no web page is not, but its post is."""
    batch = [
        imported("long", title="x" * 400),
        imported("odd", url="http://one-word/~a?b=c|d"),
        imported("script", url="javascript:alert(1)"),
        imported("hidden", url="https://example.org/\u202e"),
    ]
    ids = (await post.import_posts(batch)).ids
    assert len((await post.post(ids["long"])).title) == 400
    assert (await post.post(ids["odd"])).url == "http://one-word/~a?b=c|d"
    for key in ("script", "hidden"):
        shown = await post.post(ids[key])
        assert (shown.title, shown.url, shown.domain) == (key, "", "")


async def test_what_was_deleted_elsewhere_comes_deleted(post: PostService) -> None:
    """A post that was removed where it comes from keeps its place for its thread, and nothing else."""
    brought = imported("t3_1", title="Secret", text="words", state="removed", ups=5)
    ids = (await post.import_posts([brought])).ids
    shown = await post.post(ids["t3_1"])
    assert (shown.state, shown.title, shown.html, shown.ups) == ("removed", "", "", 5)
    with pytest.raises(Gone):
        await post.history(ids["t3_1"])
    assert (await post.community("gardens")).posts == 0
    assert await titles(post) == []


async def test_an_empty_import_is_fine(post: PostService) -> None:
    """Importing nothing adds nothing."""
    assert (await post.import_posts([])).added == 0


# erased people


async def test_an_erased_person_leaves_no_name(post: PostService) -> None:
    """Posts that are kept lose their author: on the post, in lists and in search; votes on them stay."""
    await found(post)
    made = await submit(post, BOB, title="Kept", text="words")
    await post.vote(CAT, made.id, 1)
    for _ in range(2):
        await post.people_erased([PersonErased(person_id=BOB.id, erase_content=False)])
        shown = await post.post(made.id)
        assert (shown.title, shown.html, shown.author, shown.ups) == ("Kept", "<p>words</p>\n", Author(0, ""), 1)
        assert await titles(post) == ["Kept"]
        assert await titles(post, author_id=BOB.id) == []
        assert (await post.search(SearchQuery(author="bob"))).hits == []
    with pytest.raises(Forbidden):
        await post.edit(BOB, made.id, "Mine", "")


async def test_erasing_content_deletes_however_much_it_is(post: PostService) -> None:
    """If the texts are to go as well, every post of the person is deleted, and no one else's."""
    await found(post)
    await submit(post, CAT, title="Another's")
    many = [imported(f"t3_{n}", author=Author(BOB.id, "bob")) for n in range(ERASE_BATCH + 1)]
    ids = (await post.import_posts(many)).ids
    await post.people_erased([PersonErased(person_id=BOB.id, erase_content=True)])
    assert {(each.state, each.title) for each in await post.posts(list(ids.values()))} == {("deleted", "")}
    assert await titles(post) == ["Another's"]


async def test_erased_people_follow_and_moderate_no_more(post: PostService) -> None:
    """Subscriptions, moderation and lists of an erased person go; the votes they gave stay counted."""
    await found(post, actor=BOB)
    made = await submit(post, CAT)
    await post.vote(BOB, made.id, 1)
    await post.save(BOB, made.id, saved=True)
    await post.hide(BOB, made.id, hidden=True)
    for _ in range(2):
        await post.people_erased([PersonErased(person_id=BOB.id, erase_content=False)])
        place = await post.community("gardens")
        assert (place.subscribers, place.moderators) == (0, [])
    assert await post.subscriptions(BOB.id) == []
    for query in (FeedQuery(saved_by=BOB.id), FeedQuery(hidden_by=BOB.id)):
        assert (await post.feed(query)).posts == []
    assert (await post.post(made.id)).ups == 1


# what others are told


@pytest.fixture
async def people(services: Services) -> dict[str, Actor]:
    """People with accounts, by name."""
    names = ["annie", "bobby", "cathy", *(f"person{n}" for n in range(MENTIONS_LIMIT + 2))]
    ids = await services.account.import_people(names, 0)
    return {name: Actor(ids[name], name) for name in names}


async def inbox(services: Services, person: Actor) -> list[str]:
    """What somebody was told, newest first."""
    await services.settle()
    return [notice.excerpt for notice in (await services.account.inbox(person.id)).notices]


async def test_those_mentioned_are_told_once(services: Services, people: dict[str, Actor]) -> None:
    """A mention reaches the inbox once; an edit tells only those who were not mentioned before."""
    annie, bobby, cathy = people["annie"], people["bobby"], people["cathy"]
    await found(services.post)
    made = await submit(services.post, annie, text="Hello @Bobby, @bobby, @annie and @nobody_here")
    assert await inbox(services, bobby) == ["Hello @Bobby, @bobby, @annie and @nobody_here"]
    assert await inbox(services, annie) == []
    await services.post.edit(annie, made.id, "Title", "Hello **again** @bobby and @cathy")
    assert len(await inbox(services, bobby)) == 1
    assert await inbox(services, cathy) == ["Hello again @bobby and @cathy"]
    notice = (await services.account.inbox(cathy.id)).notices[0]
    assert (notice.kind, notice.post_id, notice.comment_id) == ("mention", made.id, None)
    assert (notice.title, notice.community, notice.author) == ("Title", "gardens", Author(annie.id, "annie"))


async def test_one_text_does_not_call_everybody(services: Services, people: dict[str, Actor]) -> None:
    """Of very many who are mentioned in one text, only the first ones are told."""
    await found(services.post)
    many = [f"person{n}" for n in range(MENTIONS_LIMIT + 2)]
    await submit(services.post, people["annie"], text=" ".join(f"@{name}" for name in many))
    assert [name for name in many if await inbox(services, people[name])] == many[:MENTIONS_LIMIT]


async def test_imports_fill_no_inbox(services: Services, people: dict[str, Actor]) -> None:
    """Whoever is mentioned in an old post from elsewhere is not told."""
    await services.post.import_posts([imported("t3_1", text="Hello @bobby")])
    assert await inbox(services, people["bobby"]) == []


async def test_threads_learn_of_new_titles(services: Services) -> None:
    """Comments are listed under the present title of their post, and under none once it was deleted."""
    await found(services.post)
    made = await submit(services.post, title="Old")
    thread = ThreadRef(post_id=made.id, author_id=ANN.id, title="Old", community="gardens")
    comment = await services.comment.add(BOB, thread, None, "Nice")
    await services.settle()
    assert (await services.post.post(made.id)).comments == 1
    await services.post.edit(ANN, made.id, "New", "")
    await services.settle()
    assert (await services.comment.comment(comment.id)).title == "New"
    await services.post.delete(ANN, made.id)
    await services.settle()
    assert (await services.comment.comment(comment.id)).title == ""
