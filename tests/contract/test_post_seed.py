"""The post service by the original's contract, called as the original's website would."""

import asyncio
import random

import httpx
import pytest

from tests.conftest import START
from tests.contract.original import OriginalUi
from tests.contract.posting import ADMIN, ANN, BOB, GUEST, found, imported, submit
from upthread import seed
from upthread.account.model import Author
from upthread.assembly import Services
from upthread.errors import NotFound
from upthread.post import seed as post_seed
from upthread.post.model import FeedQuery, Post
from upthread.post.service import GUEST_COMMUNITY, PAGE_LIMIT, PostService

pytestmark = pytest.mark.anyio

UNKNOWN = "5f9d88b2c1a4e2a3b4c5d6e7"
"""An id that MongoDB could have made."""


@pytest.fixture
def post(services: Services) -> PostService:
    """The door of the post room."""
    return services.post


def id_of(post: Post) -> str:
    """The id that the contract gives a post."""
    return seed.object_id(post.created_at, post.id)


# the whole of it


async def test_the_original_website_runs_on_it(original: OriginalUi) -> None:
    """Posting, listing, voting, showing and commenting give what the original's website reads, in its shapes."""
    assert await original.all_posts() == []
    post_id = await original.add_post("A wren", "https://example.org/wren", "1699999123")
    await original.vote(post_id, 1)
    await original.vote(post_id, 1)
    await original.vote(post_id, -1)
    expected = {
        "_id": {"$oid": post_id},
        "title": "A wren",
        "link": "https://example.org/wren",
        "created_at": "1699999123",
        "votes": 1,
    }
    assert await original.a_post(post_id) == expected
    assert await original.all_posts() == [expected]
    await original.add_comment(post_id, body="So small!", created_at="1699999124")
    (comment,) = await original.comments(post_id)
    assert len(comment.pop("_id")["$oid"]) == 24
    assert comment == {
        "post_id": post_id,
        "name": "Ann",
        "email": "ann@example.org",
        "body": "So small!",
        "created_at": "1699999124",
    }


# posts there and here


async def test_its_posts_appear_on_our_site(original: OriginalUi, post: PostService) -> None:
    """A post that is made there is here a guest's, as old as it was sent, in the community for guests."""
    post_id = await original.add_post("A wren", "Example.org/wren", "1699999123")
    (shown,) = (await post.feed(FeedQuery(sort="new"))).posts
    assert (shown.title, shown.url, shown.community) == ("A wren", "https://example.org/wren", GUEST_COMMUNITY)
    assert (shown.created_at, id_of(shown)) == (1_699_999_123, post_id)
    assert shown.author.id < 0
    assert (await post.community(GUEST_COMMUNITY)).moderators == []


async def test_our_posts_appear_there(original: OriginalUi, post: PostService) -> None:
    """Posts of our site are there with their score and time, those without a link with an empty one."""
    await found(post)
    link = await submit(post, title="A robin", url="https://example.org/robin")
    await post.vote(BOB, link.id, -1)
    await submit(post, title="A question", text="Words")
    question, robin = await original.all_posts()
    assert (question["title"], question["link"], question["votes"]) == ("A question", "", 0)
    assert (robin["link"], robin["votes"], robin["created_at"]) == ("https://example.org/robin", -1, str(START))
    assert await original.a_post(id_of(link)) == robin


async def test_deleted_posts_are_gone_there(original: OriginalUi, post: PostService) -> None:
    """What was deleted on our site is neither listed nor shown there, and can't be voted on."""
    post_id = await original.add_post("A wren")
    await post.delete(ADMIN, (await post.feed(FeedQuery())).posts[0].id)
    assert await original.all_posts() == []
    assert (await original.post.get(f"/post/{post_id}")).json() is None
    assert (await original.post.post("/vote", data={"id": post_id, "type": "1"})).status_code == 404


async def test_posts_come_newest_first_by_the_time_sent(original: OriginalUi) -> None:
    """The list is in the order of the times that were sent, whenever the posts came."""
    for title, created_at in (("second", "1699990002"), ("third", "1699990001.5"), ("first", "1699990003")):
        await original.add_post(title, created_at=created_at)
    assert [post["title"] for post in await original.all_posts()] == ["first", "second", "third"]


async def test_a_time_comes_back_as_it_was_sent(original: OriginalUi, post: PostService) -> None:
    """Whatever number was sent is given back to the letter; here nothing is older than 1970 or newer than now."""
    for sent in ("1699999000", "1699999000.25", "0", "-5", "+12", "32503680000"):
        post_id = await original.add_post(f"Sent at {sent}", created_at=sent)
        assert (await original.a_post(post_id))["created_at"] == sent
    shown = {made.title: made.created_at for made in (await post.feed(FeedQuery(sort="new"))).posts}
    assert [shown[f"Sent at {sent}"] for sent in ("1699999000.25", "-5", "+12")] == [1_699_999_000, 0, 12]
    assert max(shown.values()) == shown["Sent at 32503680000"] == START


async def test_without_a_time_the_arrival_counts(original: OriginalUi) -> None:
    """Where no number is sent, the post is as old as its arrival."""
    times: list[dict[str, str]] = [{}, {"created_at": ""}, {"created_at": "today"}, {"created_at": "nan"}]
    for sent in times:
        answer = await original.post.post("/add_post", data={"title": "A wren", "link": "https://example.org", **sent})
        assert answer.status_code == 200
    assert [post["created_at"] for post in await original.all_posts()] == [str(START)] * len(times)


async def test_the_list_is_bounded(original: OriginalUi, post: PostService, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many posts there are, the newest come up to a limit, each once and in order."""
    limit = 2 * PAGE_LIMIT
    monkeypatch.setattr(post_seed, "POSTS_LIMIT", limit)
    batch = [imported(f"t3_{n}", created_at=START - n) for n in range(limit + 30)]
    random.Random(3).shuffle(batch)
    await post.import_posts(batch)
    assert [shown["title"] for shown in await original.all_posts()] == [f"t3_{n}" for n in range(limit)]


async def test_first_posts_may_come_at_once(original: OriginalUi) -> None:
    """Of eight posts that arrive at once where there is no community for them yet, each is there."""
    posts = [{"title": f"{n}", "link": f"https://example.org/{n}"} for n in range(8)]
    answers = await asyncio.gather(*(original.post.post("/add_post", data=post) for post in posts))
    assert [answer.status_code for answer in answers] == [200] * 8
    assert sorted(shown["title"] for shown in await original.all_posts()) == [post["title"] for post in posts]


# votes


async def test_no_vote_is_lost(original: OriginalUi) -> None:
    """Of 64 votes that arrive at once, each counts."""
    post_id = await original.add_post("A wren")
    await asyncio.gather(*(original.vote(post_id, -1 if n % 4 == 0 else 1) for n in range(64)))
    assert (await original.a_post(post_id))["votes"] == 48 - 16


async def test_votes_there_leave_those_of_our_people_alone(original: OriginalUi, post: PostService) -> None:
    """A person of our site has one vote however often they click, and votes from there come on top of it."""
    await found(post)
    made = await submit(post)
    for vote in (1, 1, -1):
        await post.vote(ANN, made.id, vote)
        await post.vote(GUEST, made.id, 1)
        await original.vote(id_of(made), 1)
    shown = await post.post(made.id)
    assert (shown.ups, shown.downs) == (1 + 3, 1)
    assert [mark.vote for mark in await post.marks(ANN.id, [made.id])] == [-1]


async def test_the_sign_of_a_vote_counts(original: OriginalUi) -> None:
    """Five votes at once are one, and none is none."""
    post_id = await original.add_post("A wren")
    for sent, votes in (("5", 1), ("+1", 2), (" 1 ", 3), ("0", 3), ("-3", 2)):
        assert (await original.post.post("/vote", data={"id": post_id, "type": sent})).status_code == 200
        assert (await original.a_post(post_id))["votes"] == votes


# requests as they may come


async def test_parameters_may_be_in_the_address(original: OriginalUi) -> None:
    """What is in the query string counts like what is in the form, and both together too."""
    await original.post.post("/add_post?title=A+wren&link=https://example.org&created_at=1699999000")
    (shown,) = await original.all_posts()
    assert (shown["title"], shown["created_at"]) == ("A wren", "1699999000")
    await original.post.post(f"/vote?id={shown['_id']['$oid']}", data={"type": "1"})
    assert (await original.all_posts())[0]["votes"] == 1


async def test_an_id_in_capitals_is_the_same(original: OriginalUi) -> None:
    """The case of an id's letters makes no difference."""
    post_id = await original.add_post("A wren", created_at="1699999000")  # 0x6553ed18: has letters
    assert post_id != post_id.upper()
    await original.vote(post_id.upper(), 1)
    assert (await original.a_post(post_id.upper()))["votes"] == 1


async def test_an_unknown_post_is_null(original: OriginalUi) -> None:
    """Of an id that is no post's, or has another time in it than its post, nothing is known."""
    post_id = await original.add_post("A wren", created_at="1699999000")
    other_time = "00000000" + post_id[8:]
    for unknown in (UNKNOWN, "0" * 24, "f" * 24, other_time, post_id[:-1] + "7"):
        answer = await original.post.get(f"/post/{unknown}")
        assert (answer.status_code, answer.json()) == (200, None)
        assert (await original.post.post("/vote", data={"id": unknown, "type": "1"})).status_code == 404
    assert (await original.a_post(post_id))["votes"] == 0


async def test_what_can_not_be_is_400_and_says_why(original: OriginalUi) -> None:
    """A missing parameter, an impossible number or id, a text that our rules don't allow: 400, and a sentence."""
    refused: list[tuple[str, dict[str, str]]] = [
        ("/vote", {"type": "1"}),
        ("/vote", {"id": UNKNOWN}),
        ("/vote", {"id": UNKNOWN, "type": "up"}),
        ("/vote", {"id": UNKNOWN, "type": "1.5"}),
        ("/vote", {"id": UNKNOWN, "type": "9" * 5_000}),
        ("/vote", {"id": "17", "type": "1"}),
        ("/vote", {"id": "g" * 24, "type": "1"}),
        ("/add_post", {"link": "https://example.org"}),
        ("/add_post", {"title": " ", "link": "https://example.org"}),
        ("/add_post", {"title": "A wren"}),
        ("/add_post", {"title": "x" * 301, "link": "https://example.org"}),
        ("/add_post", {"title": "A wren", "link": "javascript:alert(1)"}),
        ("/add_post", {"title": "A wren", "link": "nothing"}),
    ]
    for path, sent in refused:
        answer = await original.post.post(path, data=sent)
        assert (answer.status_code, answer.text[-1:]) == (400, "."), (path, sent)
    assert await original.all_posts() == []


async def test_text_that_is_not_utf_8_is_400(original: OriginalUi) -> None:
    """A damaged text is refused rather than kept with other letters; UTF-8 is taken, percent-encoded or not."""
    form = {"content-type": "application/x-www-form-urlencoded"}
    link = b"&link=https://example.org"
    for damaged in (b"title=%ff%fe", b"title=\xff\xfe"):
        assert (await original.post.post("/add_post", content=damaged + link, headers=form)).status_code == 400
    assert await original.all_posts() == []
    for title in ("title=%D0%BF%D1%82%D0%B0%D1%85", "title=птах"):
        answer = await original.post.post("/add_post", content=title.encode() + link, headers=form)
        assert answer.status_code == 200
    assert [shown["title"] for shown in await original.all_posts()] == ["птах", "птах"]


async def test_paths_and_methods(original: OriginalUi) -> None:
    """HEAD works; a wrong method is 405; an unknown path, a slash at its end or a malformed id in it is 404."""
    for method, path, status in (
        ("HEAD", "/posts", 200),
        ("HEAD", f"/post/{UNKNOWN}", 200),
        ("POST", "/posts", 405),
        ("GET", "/add_post", 405),
        ("GET", "/vote", 405),
        ("PUT", f"/post/{UNKNOWN}", 405),
        ("GET", "/posts/", 404),
        ("POST", "/vote/", 404),
        ("POST", "/add_post/", 404),
        ("GET", "/post/17", 404),
        ("GET", "/post/", 404),
        ("GET", f"/post/{UNKNOWN}0", 404),
        ("GET", "/elsewhere", 404),
    ):
        assert (await original.post.request(method, path)).status_code == status, (method, path)


async def test_no_page_can_use_a_browser_against_it(original: OriginalUi) -> None:
    """A form that a page elsewhere has a browser send is refused, as nobody is asked here who they are."""
    sent = {"title": "A wren", "link": "https://example.org"}
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        assert (await original.post.post("/add_post", data=sent, headers=headers)).status_code == 403
    assert await original.all_posts() == []


async def test_our_own_posts_have_no_sent_time(post: PostService) -> None:
    """Posts that are made on our site or imported are as old as we say, and carry no text beside it."""
    await found(post)
    made = await submit(post)
    ids = (await post.import_posts([imported("t3_1", author=Author(0, ""))])).ids
    assert [shown.sent_created_at for shown in await post.posts([made.id, ids["t3_1"]])] == [None, None]


async def test_nothing_is_made_by_looking(original: OriginalUi, post: PostService) -> None:
    """The community for guests is made for the first post, not before."""
    assert await original.all_posts() == []
    with pytest.raises(NotFound):
        await post.community(GUEST_COMMUNITY)


async def test_an_answer_says_what_it_is(original: OriginalUi) -> None:
    """Lists and posts are JSON by their media type as well."""
    post_id = await original.add_post("A wren")
    answers: list[httpx.Response] = [await original.post.get(path) for path in ("/posts", f"/post/{post_id}")]
    assert [answer.headers["content-type"] for answer in answers] == ["application/json"] * 2
