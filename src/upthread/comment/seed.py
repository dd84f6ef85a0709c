"""The comment service by the original's contract: its paths, parameters, JSON and status codes (docs/original.md).

Comments are shown without asking the post service, as in the original. To add one it is asked what the thread hangs on.
"""

from collections.abc import AsyncIterator, Sequence

from msgspec import Struct, field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from upthread import seed
from upthread.account.guests import introduced, new_guest
from upthread.comment.model import WrittenComment, thread_of
from upthread.comment.service import PAGE_LIMIT, CommentService
from upthread.post.seed import live
from upthread.post.service import PostService
from upthread.runtime.seed import ObjectId, id_in_path, json_array, object_id, parameters, route


class SeedComment(Struct, frozen=True, kw_only=True):
    """A comment as the contract has it. Replies are among the others: the original knew no threads."""

    id: ObjectId = field(name="_id")
    post_id: str
    name: str
    email: str
    body: str
    created_at: str


def seed_routes(comments: CommentService, posts: PostService) -> list[Route]:
    """The contract's paths on this service, which looks up posts behind that other door."""

    async def show_all(request: Request) -> Response:
        return await json_array(_oldest(comments, id_in_path(request).lower()))

    async def add(request: Request) -> Response:
        given = await parameters(request)
        post_id, body = given.object_id("post_id"), given.required("body")
        guest = introduced(new_guest(), given.get("name"), given.get("email"))
        thread = thread_of(await live(posts, post_id))
        await comments.add(guest, thread, None, body, given.get("created_at"))
        return Response()

    return [
        route("GET", "/{id}/comments", show_all),
        route("POST", "/add_comment", add),
        route("POST", "/add_comment/", add),
    ]


async def _oldest(comments: CommentService, post_id: str) -> AsyncIterator[Sequence[SeedComment]]:
    own_id, after = seed.own_id(post_id), None
    while own_id is not None:
        page = await comments.written(own_id, after, PAGE_LIMIT)
        yield [_as_sent(comment, post_id) for comment in page.comments]
        after = page.after
        if after is None:
            return


def _as_sent(comment: WrittenComment, post_id: str) -> SeedComment:
    return SeedComment(
        id=object_id(comment.created_at, comment.id),
        post_id=post_id,
        name=comment.author.name,
        email=comment.email,
        body=comment.text,
        created_at=comment.sent_created_at or str(comment.created_at),
    )
