"""What the comment service needs kept. Each method is one transaction: it happens whole or not at all.

Where something is asked of a comment that is not there, the answer is None (or False), and nothing is written; the
service knows how to say so.
"""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from upthread.account.model import Author
from upthread.comment.model import (
    Comment,
    CommentHits,
    CommentMark,
    CommentRevision,
    CommentSort,
    PostChanged,
    SearchQuery,
    State,
    Tally,
    ThreadRef,
    Vote,
    WrittenComment,
)
from upthread.comment.tree import Placed, Wanted
from upthread.cursor import Position
from upthread.post.model import ImportedIds


class Writing(Struct, frozen=True, kw_only=True):
    """What a comment says, in each form that is kept of it."""

    text: str
    """Markdown as it was typed."""
    html: str
    plain: str
    """The words alone, for searching and for inboxes."""
    mentions: tuple[str, ...] = ()
    """Names of those to be told that they are mentioned."""


class NewComment(Struct, frozen=True, kw_only=True):
    """A comment about to be kept."""

    post_id: int
    author: Author
    author_email: str = ""
    writing: Writing
    created_at: int
    sent_created_at: str | None = None
    edited_at: int | None = None
    ups: int = 0
    downs: int = 0
    state: State = "live"


class KeyedComment(Struct, frozen=True):
    """A comment from elsewhere about to be kept, and what it and its parent are known by there."""

    key: str
    parent_key: str | None
    new: NewComment


class ThreadSize(Struct, frozen=True):
    """How many comments a thread has, and how many of them are at its top."""

    comments: int
    roots: int


class CommentSlice(Struct, frozen=True):
    """A part of a flat list: at most as many comments as asked for, and where it ended if there are more."""

    comments: list[Comment]
    end: Position | None


class WrittenSlice(Struct, frozen=True):
    """A part of a post's comments as they were written, and where it ended if there are more."""

    comments: list[WrittenComment]
    end: Position | None


class CommentStore(Protocol):
    """Keeps comments, votes and marks, and facts for the other services."""

    async def add_comment(self, thread: ThreadRef, parent_id: int | None, new: NewComment) -> Comment | None:
        """Add a comment to its thread, and tell those it answers and mentions; None if its parent is not live there."""
        ...

    async def comment(self, comment_id: int) -> Comment | None:
        """One comment in whatever state, with the title and community of its post."""
        ...

    async def revise(self, comment_id: int, writing: Writing, at: int) -> Comment | None:
        """Make this the newest revision and tell those it mentions, unless the newest says the same already.

        None if there is no such live comment.
        """
        ...

    async def revisions(self, comment_id: int) -> list[CommentRevision]:
        """All versions of a comment, newest first; none if it is not live."""
        ...

    async def bury(self, comment_id: int, state: State) -> None:
        """Destroy what a live comment says and who wrote it, leaving its place and votes in this state."""
        ...

    # threads

    async def thread(self, post_id: int) -> ThreadSize | None:
        """The size of a thread; None before its first comment."""
        ...

    async def replies(
        self, post_id: int, wanted: Sequence[Wanted], sort: CommentSort, after: Position | None = None
    ) -> list[Placed]:
        """The first replies below each of these comments of a thread, in order, without title and community.

        It may be up to twice as many as wanted, so that a store can read those of many comments together.

        Args:
            post_id: Whose thread.
            wanted: Below which comments, and how many.
            sort: In which order.
            after: Begin behind this place, below each of them.
        """
        ...

    async def comments(self, comment_ids: Sequence[int]) -> list[Comment]:
        """Those that there are, in the order asked for, without title and community."""
        ...

    # votes and marks

    async def vote(self, comment_id: int, voter_id: int, vote: Vote) -> Tally | None:
        """Set a vote on a live comment, its counts and ranks, and its author's karma; the same vote changes nothing."""
        ...

    async def save(self, person_id: int, comment_id: int, at: int) -> bool:
        """Put a live comment into a person's list, unless it is there."""
        ...

    async def unsave(self, person_id: int, comment_id: int) -> None:
        """Take a comment out of a person's list."""
        ...

    async def marks(self, actor_id: int, comment_ids: Sequence[int]) -> list[CommentMark]:
        """What somebody has done with these comments; nothing for those they have not touched."""
        ...

    # flat lists, of live comments with title and community

    async def by_author(self, author_id: int, sort: CommentSort, after: Position | None, limit: int) -> CommentSlice:
        """What a person has commented. All sorts but "new" and "old" look at their newest comments only."""
        ...

    async def saved(self, person_id: int, after: Position | None, limit: int) -> CommentSlice:
        """What a person has saved, saved last first."""
        ...

    async def newest(self, post_id: int | None, after: Position | None, limit: int) -> CommentSlice:
        """The newest comments of a post or, without one, of the site."""
        ...

    async def written(self, post_id: int, after: Position | None, limit: int) -> WrittenSlice:
        """The live comments of a post with their newest text and all e-mail addresses, oldest first."""
        ...

    async def search(self, query: SearchQuery) -> CommentHits:
        """Comments that match."""
        ...

    # from elsewhere

    async def import_comments(self, threads: Sequence[ThreadRef], comments: Sequence[KeyedComment]) -> ImportedIds:
        """Add those whose key is not known and whose parent and thread are. Nobody is told but of karma and counts."""
        ...

    async def posts_changed(self, events: Sequence[PostChanged]) -> None:
        """Take over titles, communities and authors that are newer than what is kept."""
        ...

    async def erase_comments(self, person_id: int, limit: int, *, with_content: bool) -> int:
        """Take a person's name off some of their comments, and their content too if asked; how many that were."""
        ...

    async def forget_person(self, person_id: int) -> None:
        """Remove a person's list and karma. Their votes stay counted."""
        ...

    async def check(self) -> None:
        """Answer if the database does."""
        ...
