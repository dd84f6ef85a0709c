"""What the contract tests of the post room share: people, and short ways to make communities and posts."""

from typing import Any

import msgspec

from upthread.account.model import Actor, Author
from upthread.post.model import Community, FeedQuery, ImportedPost, Post, PostDraft
from upthread.post.service import PostService

ANN = Actor(1, "ann")
BOB = Actor(2, "bob")
CAT = Actor(3, "cat")
ADMIN = Actor(9, "root", is_admin=True)
GUEST = Actor(-7, "Somebody", email="somebody@example.org")


async def found(post: PostService, name: str = "gardens", actor: Actor = ANN) -> Community:
    """A new community that ``actor`` moderates."""
    return await post.create_community(actor, name, "About " + name)


async def submit(post: PostService, actor: Actor = ANN, **draft: Any) -> Post:
    """A new post, in ``gardens`` unless told otherwise."""
    return await post.submit(actor, PostDraft(**{"community": "gardens", "title": "A title"} | draft))


def imported(key: str, **fields: Any) -> ImportedPost:
    """A post from elsewhere, in ``gardens`` and by nobody known unless told otherwise."""
    defaults: dict[str, Any] = {
        "community": "gardens",
        "title": key,
        "author": Author(0, ""),
        "created_at": 1_699_999_000,
    }
    return ImportedPost(key=key, **defaults | fields)


async def walk(post: PostService, query: FeedQuery) -> list[Post]:
    """All posts of a feed, page by page."""
    shown: list[Post] = []
    after: str | None = None
    while True:
        page = await post.feed(msgspec.structs.replace(query, after=after))
        assert len(page.posts) <= query.limit
        shown += page.posts
        after = page.after
        if after is None:
            return shown


async def titles(post: PostService, **query: Any) -> list[str]:
    """The titles of a whole feed, in its order."""
    return [shown.title for shown in await walk(post, FeedQuery(**query))]
