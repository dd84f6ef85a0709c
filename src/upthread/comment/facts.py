"""What the comment room tells the other rooms: each fact with its receiver and the key under which it waits.

A newer fact under the same key takes the place of an older one that is still waiting (:mod:`upthread.storage.outbox`).
"""

from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from upthread import markdown
from upthread.account.model import KarmaChanged, NoticeArrived, NoticeKind
from upthread.comment.model import Comment
from upthread.post.model import ThreadChanged

EXCERPT_LENGTH = 200
"""Characters of a comment that an inbox shows."""


class Fact(NamedTuple):
    """Something another service must know."""

    receiver: str
    key: str
    content: Struct


def karma(author_id: int, earned: int, revision: int) -> Fact:
    """What a person's comments have earned in all; ``revision`` grows with every change of it."""
    content = KarmaChanged(person_id=author_id, source="comment", karma=earned, revision=revision)
    return Fact("account", str(author_id), content)


def thread_changed(post_id: int, comments: int, last_comment_at: int, revision: int) -> Fact:
    """How many comments a post has now; ``revision`` grows with every change of it."""
    content = ThreadChanged(post_id=post_id, comments=comments, last_comment_at=last_comment_at, revision=revision)
    return Fact("post", str(post_id), content)


def reply(comment: Comment, person_id: int, plain: str) -> Fact:
    """Somebody's comment or post was answered."""
    notice = _notice("reply", comment, plain, comment.created_at)
    return Fact("account", f"reply {comment.id}", replace(notice, person_id=person_id))


def mention(comment: Comment, name: str, plain: str, at: int) -> Fact:
    """Somebody is mentioned in a comment; a second fact about the same person and comment is the same fact."""
    notice = _notice("mention", comment, plain, at)
    return Fact("account", f"mention {comment.id} {name.lower()}", replace(notice, person_name=name))


def _notice(kind: NoticeKind, comment: Comment, plain: str, at: int) -> NoticeArrived:
    return NoticeArrived(
        kind=kind,
        author=comment.author,
        post_id=comment.post_id,
        comment_id=comment.id,
        title=comment.title,
        community=comment.community,
        excerpt=markdown.shortened(plain, EXCERPT_LENGTH),
        created_at=at,
    )
