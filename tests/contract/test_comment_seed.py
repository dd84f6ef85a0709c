"""The comment service by the original's contract, called as the original's website would."""

import httpx
import pytest
from starlette.applications import Starlette

from tests.conftest import START
from tests.contract.original import OriginalUi
from tests.contract.posting import ADMIN, ANN, GUEST, found, submit
from tests.loopback import on_loopback
from upthread import seed
from upthread.account.model import Author
from upthread.assembly import Services
from upthread.comment.model import ImportedComment, ThreadQuery, thread_of
from upthread.comment.seed import seed_routes
from upthread.comment.service import PAGE_LIMIT
from upthread.post.model import FeedQuery
from upthread.post.service import PostService
from upthread.runtime.calls.client import far

pytestmark = pytest.mark.anyio

UNKNOWN = "5f9d88b2c1a4e2a3b4c5d6e7"


async def test_its_comments_appear_on_our_site(original: OriginalUi, services: Services) -> None:
    """A comment that is made there is here a guest's at the top of the thread, and counted."""
    await original.add_comment(await original.add_post("A wren"), body="So *small*!", created_at="1699999123")
    await services.settle()
    (post,) = (await services.post.feed(FeedQuery())).posts
    assert post.comments == 1
    (node,) = (await services.comment.thread(ThreadQuery(post_id=post.id))).nodes
    comment = node.comment
    assert (comment.author.name, comment.html, comment.created_at) == (
        "Ann",
        "<p>So <em>small</em>!</p>\n",
        START - 877,
    )
    assert comment.author.id < 0


async def test_our_comments_appear_there(original: OriginalUi, services: Services) -> None:
    """Comments of our site are there as they were typed, replies among the others, deleted ones not at all."""
    await found(services.post)
    post = await submit(services.post)
    thread = thread_of(post)
    top = await services.comment.add(ANN, thread, None, "Top, **typed**")
    gone = await services.comment.add(ANN, thread, top.id, "Gone")
    await services.comment.add(ANN, thread, gone.id, "Below")
    await services.comment.delete(ADMIN, gone.id)
    shown = await original.comments(seed.object_id(post.created_at, post.id))
    assert [(comment["name"], comment["body"]) for comment in shown] == [("ann", "Top, **typed**"), ("ann", "Below")]
    assert {comment["created_at"] for comment in shown} == {str(START)}
    await services.comment.edit(ANN, top.id, "Changed")
    assert (await original.comments(seed.object_id(post.created_at, post.id)))[0]["body"] == "Changed"


async def test_addresses_typed_on_our_site_stay_here(original: OriginalUi, services: Services) -> None:
    """An e-mail address is given back where it came by the contract, and never that of a guest of our own site."""
    post_id = await original.add_post("A wren")
    (post,) = (await services.post.feed(FeedQuery())).posts
    await original.add_comment(post_id, name="Cid", email="cid@example.org")
    await services.comment.add(GUEST, thread_of(post), None, "Typed on our own site")
    shown = await original.comments(post_id)
    assert [(comment["name"], comment["email"]) for comment in shown] == [("Cid", "cid@example.org"), (GUEST.name, "")]


async def test_comments_come_oldest_first_however_many(original: OriginalUi, services: Services) -> None:
    """A long thread comes whole, each comment once, in the order of their times."""
    post_id = await original.add_post("A wren")
    (post,) = (await services.post.feed(FeedQuery())).posts
    comments = [
        ImportedComment(
            key=f"t1_{n}",
            post_id=post.id,
            parent_key=None,
            author=Author(0, ""),
            text=str(n),
            created_at=START - n // 2,
        )
        for n in range(2 * PAGE_LIMIT + 20)
    ]
    await services.comment.import_comments([thread_of(post)], comments)
    expected = sorted(range(len(comments)), key=lambda n: (-(n // 2), n))
    assert [comment["body"] for comment in await original.comments(post_id)] == [str(n) for n in expected]


async def test_a_comment_may_say_little(original: OriginalUi) -> None:
    """Without a name, an address or a time a comment is taken and shown; the time is that of its arrival."""
    for missing, instead in (("name", ""), ("email", ""), ("created_at", str(START))):
        post_id = await original.add_post(f"No {missing}")
        form = {"name": "Ann", "email": "ann@example.org", "created_at": "1699999500", "body": "Indeed."}
        form |= {"post_id": post_id}
        del form[missing]
        assert (await original.comment.post("/add_comment", data=form)).status_code == 200
        (shown,) = await original.comments(post_id)
        assert shown[missing] == instead


async def test_hostile_names_are_tamed(original: OriginalUi) -> None:
    """A guest's name and address are short, on one line, and of characters that can be seen."""
    post_id = await original.add_post("A wren")
    await original.add_comment(post_id, name="A\u202enn\n" + "x" * 99, email="a\x00b@example.org" + "y" * 999)
    (shown,) = await original.comments(post_id)
    assert (len(shown["name"]), len(shown["email"])) == (40, 200)
    assert (shown["name"] + shown["email"]).isprintable()


async def test_parameters_may_be_in_the_address(original: OriginalUi) -> None:
    """What is in the query string counts like what is in the form, with a slash at the path's end or without."""
    post_id = await original.add_post("A wren")
    for path in ("/add_comment", "/add_comment/"):
        answer = await original.comment.post(f"{path}?post_id={post_id.upper()}&name=Ann&body=Yes&created_at=1")
        assert (answer.status_code, answer.text) == (200, "")
    assert [comment["post_id"] for comment in await original.comments(post_id.upper())] == [post_id] * 2


async def test_what_can_not_be_is_refused_and_says_why(original: OriginalUi, services: Services) -> None:
    """Malformed, missing and damaged parameters are 400, unknown posts 404, closed threads 409; nothing is written."""
    post_id = await original.add_post("A wren")
    refused = [
        (400, {"body": "Yes"}),
        (400, {"body": "Yes", "post_id": "17"}),
        (400, {"post_id": post_id}),
        (400, {"body": "\u200b", "post_id": post_id}),
        (400, {"body": "x" * 10_001, "post_id": post_id}),
        (404, {"body": "Yes", "post_id": UNKNOWN}),
        (404, {"body": "Yes", "post_id": "00000000" + post_id[8:]}),
    ]
    for status, form in refused:
        answer = await original.comment.post("/add_comment", data=form)
        assert (answer.status_code, answer.text.strip()[-1:]) == (status, "."), form
    damaged = b"body=%ff&post_id=" + post_id.encode()
    form_type = {"content-type": "application/x-www-form-urlencoded"}
    assert (await original.comment.post("/add_comment", content=damaged, headers=form_type)).status_code == 400
    (post,) = (await services.post.feed(FeedQuery())).posts
    await services.post.lock(ADMIN, post.id, locked=True)
    closed = await original.comment.post("/add_comment", data={"body": "Yes", "post_id": post_id})
    assert (closed.status_code, closed.text) == (409, "This post takes no new comments.")
    assert await original.comments(post_id) == []


async def test_paths_and_methods(original: OriginalUi) -> None:
    """HEAD works; a wrong method is 405; unknown paths and malformed ids are 404; unknown posts have no comments."""
    for method, path, status in (
        ("GET", f"/{UNKNOWN}/comments", 200),
        ("GET", f"/{'0' * 24}/comments", 200),
        ("HEAD", f"/{UNKNOWN}/comments", 200),
        ("POST", f"/{UNKNOWN}/comments", 405),
        ("GET", "/add_comment", 405),
        ("GET", "/17/comments", 404),
        ("GET", f"/{UNKNOWN}/comments/", 404),
        ("GET", f"/{UNKNOWN}", 404),
    ):
        answer = await original.comment.request(method, path)
        assert answer.status_code == status, (method, path)
        if (method, status) == ("GET", 200):
            assert answer.json() == []


async def test_comments_come_without_the_post_service(original: OriginalUi, services: Services) -> None:
    """While the post service is away comments are shown, and adding one is refused with the reason."""
    post_id = await original.add_post("A wren")
    await original.add_comment(post_id, body="Indeed.")
    async with (
        far(PostService, "http://127.0.0.1:1") as away,
        on_loopback(Starlette(routes=seed_routes(services.comment, away))) as url,
        httpx.AsyncClient(base_url=url) as client,
    ):
        shown = (await client.get(f"/{post_id}/comments")).json()
        refused = await client.post("/add_comment", data={"post_id": post_id, "body": "Yes"})
    assert [comment["body"] for comment in shown] == ["Indeed."]
    assert (refused.status_code, refused.text) == (503, "The post service does not answer.")
