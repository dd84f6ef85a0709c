"""Communities: founding, changing, following, listing and finding them."""

import asyncio

import pytest

from tests.contract.posting import ADMIN, ANN, BOB, GUEST, found, submit
from upthread.account.model import Author
from upthread.assembly import Services
from upthread.errors import Forbidden, Invalid, NotFound, SignInNeeded
from upthread.post.model import COMMUNITY_TITLE_LIMIT, TEXT_LIMIT, CommunitySort, FeedQuery, ThreadChanged
from upthread.post.service import PostService
from upthread.runtime.clock import ManualClock

pytestmark = pytest.mark.anyio


@pytest.fixture
def post(services: Services) -> PostService:
    """The door of the post room."""
    return services.post


async def test_the_founder_moderates_and_follows(post: PostService, clock: ManualClock) -> None:
    """Whoever founds a community moderates it and is its first subscriber."""
    made = await post.create_community(ANN, "Garden_Talk", " About\tgardens ", "We *dig*.", "1. Be kind")
    assert (made.name, made.title, made.created_at) == ("Garden_Talk", "About gardens", clock.now())
    assert made.moderators == [Author(1, "ann")]
    assert (made.subscribers, made.posts) == (1, 0)
    assert (made.description, made.description_html) == ("We *dig*.", "<p>We <em>dig</em>.</p>\n")
    assert made.rules == "1. Be kind"
    assert "<li>Be kind</li>" in made.rules_html
    assert await post.community("garden_TALK") == made
    assert [community.name for community in await post.subscriptions(ANN.id)] == ["Garden_Talk"]
    assert await post.follows(ANN.id, made.id)
    assert not await post.follows(BOB.id, made.id)


async def test_a_community_without_a_title_is_called_by_its_name(post: PostService) -> None:
    """A title may be left out."""
    assert (await post.create_community(ANN, "gardens", "")).title == "gardens"


@pytest.mark.parametrize(
    ("field", "texts", "message"),
    [
        ("name", {"name": "x"}, "2 to 30"),
        ("name", {"name": "x" * 31}, "2 to 30"),
        ("name", {"name": "two words"}, "2 to 30"),
        ("name", {"name": "сад"}, "2 to 30"),
        ("name", {"name": "garden\n"}, "2 to 30"),
        ("title", {"title": "x" * (COMMUNITY_TITLE_LIMIT + 1)}, "100"),
        ("description", {"description": "x" * (TEXT_LIMIT + 1)}, "40000"),
        ("rules", {"rules": "x" * (TEXT_LIMIT + 1)}, "40000"),
    ],
)
async def test_misshapen_communities_are_refused(
    post: PostService, field: str, texts: dict[str, str], message: str
) -> None:
    """What can't be taken is said at its field, with the limit."""
    with pytest.raises(Invalid, match=message) as refused:
        await post.create_community(ANN, **{"name": "gardens", "title": "Gardens"} | texts)
    assert refused.value.field == field


async def test_names_are_unique_without_regard_to_case(post: PostService) -> None:
    """Of several who want the same name at once, one gets it."""
    tries = [post.create_community(ANN, name, "") for name in ("Gardens", "gardens", "GARDENS")]
    results = await asyncio.gather(*tries, return_exceptions=True)
    refused = [result for result in results if isinstance(result, Invalid)]
    assert [error.field for error in refused] == ["name", "name"]


async def test_guests_cant_found_or_follow(post: PostService) -> None:
    """What needs an account asks guests to log in."""
    await found(post)
    with pytest.raises(SignInNeeded):
        await found(post, "others", GUEST)
    with pytest.raises(SignInNeeded):
        await post.subscribe(GUEST, "gardens", subscribed=True)


async def test_moderators_and_administrators_change_texts(post: PostService) -> None:
    """Only they can change what a community says; its name stays."""
    await found(post)
    with pytest.raises(Forbidden):
        await post.edit_community(BOB, "gardens", "Mine", "", "")
    for actor in (ANN, ADMIN):
        changed = await post.edit_community(actor, "GARDENS", f"By {actor.name}", "New", "None")
        assert (changed.name, changed.title, changed.description) == ("gardens", f"By {actor.name}", "New")
        assert changed == await post.community("gardens")
    with pytest.raises(NotFound):
        await post.edit_community(ADMIN, "nowhere", "", "", "")


async def test_following_twice_counts_once(post: PostService) -> None:
    """The number of subscribers is that of the people who follow, however often they press the button."""
    await found(post)
    for _ in range(2):
        assert (await post.subscribe(BOB, "Gardens", subscribed=True)).subscribers == 2
    for _ in range(2):
        assert (await post.subscribe(BOB, "gardens", subscribed=False)).subscribers == 1
    assert await post.subscriptions(BOB.id) == []
    with pytest.raises(NotFound):
        await post.subscribe(BOB, "nowhere", subscribed=True)


async def test_an_unknown_community_is_not_found(post: PostService) -> None:
    """A name that no community has is no community."""
    with pytest.raises(NotFound):
        await post.community("nowhere")


async def names(post: PostService, sort: CommunitySort) -> list[str]:
    """The names of all communities in an order, read by pages of two."""
    shown: list[str] = []
    after: str | None = None
    while True:
        page = await post.communities(sort, after, 2)
        shown += [community.name for community in page.communities]
        after = page.after
        if after is None:
            return shown


async def test_communities_are_listed_by_size_activity_and_name(post: PostService, clock: ManualClock) -> None:
    """The three orders show every community once, also those that are equal."""
    for name in ("delta", "Alpha", "echo", "bravo", "Charlie"):
        await found(post, name)
    await post.subscribe(BOB, "bravo", subscribed=True)
    quiet = await submit(post, community="alpha")
    await submit(post, community="echo")
    await submit(post, community="echo")
    assert await names(post, "name") == ["Alpha", "bravo", "Charlie", "delta", "echo"]
    assert await names(post, "size") == ["bravo", "Charlie", "echo", "Alpha", "delta"]
    assert await names(post, "activity") == ["echo", "Alpha", "Charlie", "bravo", "delta"]
    clock.advance(86_400)
    await post.threads_changed([ThreadChanged(post_id=quiet.id, comments=3, last_comment_at=clock.now(), revision=1)])
    assert (await names(post, "activity"))[:2] == ["Alpha", "echo"]
    front = await post.front_page(FeedQuery(), 3)
    assert [community.name for community in front.communities] == (await names(post, "activity"))[:3]


async def test_a_front_page_is_what_one_follows_or_everything(post: PostService) -> None:
    """Who follows a community gets its posts with their own votes on them, and links to it; anyone else everything."""
    for name in ("alpha", "bravo"):
        await found(post, name)
    followed, _ = await submit(post, community="alpha"), await submit(post, community="bravo")
    await post.subscribe(BOB, "alpha", subscribed=True)
    await post.vote(BOB, followed.id, -1)
    home = await post.front_page(FeedQuery(subscribed_by=BOB.id, viewer_id=BOB.id), 5)
    assert home.is_home
    assert [each.id for each in home.feed.posts] == [followed.id]
    assert [(mark.post_id, mark.vote) for mark in home.feed.marks] == [(followed.id, -1)]
    assert [(link.name, link.subscribers) for link in home.communities] == [("alpha", 2)]
    everything = await post.front_page(FeedQuery(subscribed_by=12_345, viewer_id=12_345), 5)
    assert not everything.is_home
    assert len(everything.feed.posts) == 2
    assert everything.feed.marks == []
    assert {link.name for link in everything.communities} == {"alpha", "bravo"}


@pytest.mark.parametrize("sort", ["size", "name"])
async def test_a_damaged_cursor_is_refused(post: PostService, sort: CommunitySort) -> None:
    """A made-up page address says so instead of failing."""
    with pytest.raises(Invalid) as refused:
        await post.communities(sort, "!")
    assert refused.value.field == "after"


async def test_communities_are_found_by_their_words(post: PostService) -> None:
    """Words of the name, title or description find a community; those in the name count most."""
    await post.create_community(ANN, "AskHistorians", "Questions about the past", "Answered by *experts*.")
    await post.create_community(ANN, "cooking", "Food", "Ask what to eat")

    async def hits(text: str) -> list[str]:
        return [community.name for community in await post.find_communities(text)]

    assert await hits("ask") == ["AskHistorians", "cooking"]
    assert await hits("histor") == ["AskHistorians"]
    assert await hits("experts answered") == ["AskHistorians"]
    for nothing in ("", "   ", '"', "nothing*", "ask NOT food", "name:cooking", "expert ask"):
        assert await hits(nothing) == []
    await post.edit_community(ANN, "cooking", "Baking", "", "")
    assert await hits("food") == []
    assert await hits("baking") == ["cooking"]
