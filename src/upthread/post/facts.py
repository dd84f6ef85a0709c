"""What the post room tells the other rooms: each fact with its receiver and the key under which it waits.

A newer fact under the same key takes the place of an older one that is still waiting (:mod:`upthread.storage.outbox`).
"""

from typing import NamedTuple

from msgspec import Struct

from upthread import markdown
from upthread.account.model import KarmaChanged, NoticeArrived
from upthread.comment.model import PostChanged
from upthread.post.model import Post

EXCERPT_LENGTH = 200
"""Characters of a post that an inbox shows."""


class Fact(NamedTuple):
    """Something another service must know."""

    receiver: str
    key: str
    content: Struct


def karma(author_id: int, earned: int, revision: int) -> Fact:
    """What a person's posts have earned in all; ``revision`` grows with every change of it."""
    content = KarmaChanged(person_id=author_id, source="post", karma=earned, revision=revision)
    return Fact("account", str(author_id), content)


def mention(post: Post, name: str, text: str, at: int) -> Fact:
    """Somebody is mentioned in a post; a second fact about the same person and post is the same fact."""
    notice = NoticeArrived(
        kind="mention",
        person_name=name,
        author=post.author,
        post_id=post.id,
        comment_id=None,
        title=post.title,
        community=post.community,
        excerpt=markdown.excerpt(text, EXCERPT_LENGTH),
        created_at=at,
    )
    return Fact("account", f"mention {post.id} {name.lower()}", notice)


def changed(post: Post, revision: int) -> Fact:
    """What the thread's pages and lists show of its post; ``revision`` grows with every change of it."""
    content = PostChanged(
        post_id=post.id, title=post.title, community=post.community, author_id=post.author.id, revision=revision
    )
    return Fact("comment", str(post.id), content)
