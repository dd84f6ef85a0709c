"""A small site to look around in, for ``upthread serve --demo``. Where its texts come from is told in README.md."""

import asyncio
from importlib.resources import files
from itertools import zip_longest
from typing import TypeVar

import msgspec
from msgspec import Struct

from upthread.account.model import Actor, Author
from upthread.assembly import Services
from upthread.comment.model import ImportedComment, ThreadRef
from upthread.post.model import ImportedPost
from upthread.runtime.clock import Clock

T = TypeVar("T", bound=Struct)

OPENED = 60 * 24 * 3600
"""Seconds before now at which the people of the demo have signed up: well before its oldest post."""
DEMO = Actor(id=0, name="", is_admin=True)
"""Who gives the communities their texts. There is no such account, and nobody can sign in as anybody of the demo."""


class DemoCommunity(Struct, frozen=True):
    """A line of communities.jsonl."""

    name: str
    title: str
    description: str
    rules: str


class DemoPost(Struct, frozen=True, kw_only=True):
    """A line of posts.jsonl."""

    key: str
    community: str
    title: str
    url: str = ""
    text: str = ""
    author: str
    age: int
    """Seconds before the demo is loaded at which it was posted."""
    ups: int
    downs: int = 0
    flair: str = ""


class DemoComment(Struct, frozen=True, kw_only=True):
    """A line of comments.jsonl."""

    key: str
    post: str
    parent: str | None = None
    author: str
    age: int
    """Seconds before the demo is loaded at which it was written."""
    ups: int
    downs: int = 0
    text: str


async def load(services: Services, clock: Clock) -> None:
    """Fill an empty site. One that has a community already stays as it is."""
    if (await services.post.communities(limit=1)).communities:
        return
    communities = _lines("communities.jsonl", DemoCommunity)
    posts = _lines("posts.jsonl", DemoPost)
    comments = sorted(_lines("comments.jsonl", DemoComment), key=lambda comment: -comment.age)
    now = clock.now()
    names = {post.author for post in posts} | {comment.author for comment in comments}
    ids = await services.account.import_people(sorted(names), now - OPENED)
    authors = {name: Author(person_id, name) for name, person_id in ids.items()}

    imported = await services.post.import_posts(
        [
            ImportedPost(
                key=_key(post.key),
                community=post.community,
                title=post.title,
                url=post.url,
                text=post.text,
                author=authors[post.author],
                created_at=now - post.age,
                ups=post.ups,
                downs=post.downs,
                flair=post.flair,
            )
            for post in posts
        ]
    )
    threads = {
        post.key: ThreadRef(
            post_id=imported.ids[_key(post.key)],
            author_id=authors[post.author].id,
            title=post.title,
            community=post.community,
        )
        for post in posts
    }
    await services.comment.import_comments(
        list(threads.values()),
        [
            ImportedComment(
                key=_key(comment.key),
                post_id=threads[comment.post].post_id,
                parent_key=_key(comment.parent) if comment.parent else None,
                author=authors[comment.author],
                text=comment.text,
                created_at=now - comment.age,
                ups=comment.ups,
                downs=comment.downs,
            )
            for comment in comments
        ],
    )
    # People follow the communities they write in.
    at_home = {(post.author, post.community) for post in posts}
    at_home |= {(comment.author, threads[comment.post].community) for comment in comments}
    for each in communities:
        await services.post.edit_community(DEMO, each.name, each.title, each.description, each.rules)
    # One in each community at a time: they share a commit, and no two change the same community's count at once.
    followers = [[each for each in sorted(at_home) if each[1] == community.name] for community in communities]
    for side_by_side in zip_longest(*followers):
        await asyncio.gather(
            *(
                services.post.subscribe(Actor(authors[name].id, name), community, subscribed=True)
                for name, community in filter(None, side_by_side)
            )
        )
    await services.settle()


def _key(key: str) -> str:
    """The import key: not that of the real post, so that importing the real one later brings it with its own time."""
    return f"demo_{key}"


def _lines(name: str, kind: type[T]) -> list[T]:
    content = files(__package__).joinpath(name).read_bytes()
    return msgspec.json.Decoder(kind).decode_lines(content)
