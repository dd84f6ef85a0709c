"""The post service by the original's contract: its paths, parameters, JSON and status codes (docs/original.md).

Nobody says who they are there. So each vote is that of a guest of its own: every one counts, as it did in the original,
and none takes the place of another's on our site.
"""

from collections.abc import AsyncIterator, Sequence

from msgspec import Struct, field
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from upthread import seed
from upthread.account.guests import new_guest
from upthread.errors import NotFound
from upthread.post.model import FeedQuery, Post, PostDraft, Vote
from upthread.post.service import PAGE_LIMIT, PostService
from upthread.runtime.seed import ObjectId, id_in_path, json, json_array, object_id, parameters, route

POSTS_LIMIT = 1_000
"""The newest posts that ``GET /posts`` gives; the original gave all, and its website prints them on one page."""


class SeedPost(Struct, frozen=True, kw_only=True):
    """A post as the contract has it."""

    id: ObjectId = field(name="_id")
    title: str
    link: str
    """Empty for a post without a link, which the original could not have."""
    created_at: str
    votes: int


def seed_routes(posts: PostService) -> list[Route]:
    """The contract's paths on this service."""

    async def show_all(_request: Request) -> Response:
        return await json_array(_newest(posts))

    async def show(request: Request) -> Response:
        post = await found(posts, id_in_path(request))
        return json(_as_sent(post) if post and post.state == "live" else None)

    async def add(request: Request) -> Response:
        given = await parameters(request)
        draft = PostDraft(
            community="",
            title=given.required("title"),
            url=given.required("link"),
            sent_created_at=given.get("created_at"),
        )
        await posts.submit(new_guest(), draft)
        return PlainTextResponse("OK")

    async def vote(request: Request) -> Response:
        given = await parameters(request)
        object_id, number = given.object_id("id"), given.number("type")
        post = await live(posts, object_id)
        way: Vote = 1 if number > 0 else -1
        if number:
            await posts.vote(new_guest(), post.id, way)
        return PlainTextResponse("OK")

    return [
        route("GET", "/posts", show_all),
        route("GET", "/post/{id}", show),
        route("POST", "/add_post", add),
        route("POST", "/vote", vote),
    ]


async def found(posts: PostService, object_id: str) -> Post | None:
    """The post with this id of 24 hex digits, in whatever state."""
    own_id = seed.own_id(object_id)
    if own_id is None:
        return None
    try:
        post = await posts.post(own_id)
    except NotFound:
        return None
    return post if seed.object_id(post.created_at, post.id) == object_id.lower() else None


async def live(posts: PostService, object_id: str) -> Post:
    """The post with this id of 24 hex digits.

    Raises:
        NotFound: there is none, or it was deleted.
    """
    post = await found(posts, object_id)
    if post is None or post.state != "live":
        raise NotFound("There is no such post.")
    return post


async def _newest(posts: PostService) -> AsyncIterator[Sequence[SeedPost]]:
    after: str | None = None
    for _ in range(POSTS_LIMIT // PAGE_LIMIT):
        page = await posts.feed(FeedQuery(sort="new", after=after, limit=PAGE_LIMIT))
        yield [_as_sent(post) for post in page.posts]
        after = page.after
        if after is None:
            return


def _as_sent(post: Post) -> SeedPost:
    return SeedPost(
        id=object_id(post.created_at, post.id),
        title=post.title,
        link=post.url,
        created_at=post.sent_created_at or str(post.created_at),
        votes=post.score,
    )
