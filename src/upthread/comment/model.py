"""The types that cross the comment room's door. All times are whole Unix seconds, UTC.

``gc=False`` keeps things that a page has hundreds of from the garbage collector, which would look through them again
and again; they hold nothing that could lead back to them.
"""

from typing import Literal

from msgspec import Struct

from upthread.account.model import Author
from upthread.errors import Conflict
from upthread.post.model import Post, SearchQuery, State, Tally, Vote

__all__ = ["SearchQuery", "State", "Tally", "Vote"]

CommentSort = Literal["best", "top", "new", "old", "controversial"]
TEXT_LIMIT = 10_000
"""Characters of Markdown in a comment. (Imported comments may be longer; they are kept.)"""


class ThreadRef(Struct, frozen=True, kw_only=True):
    """What the comment service keeps of the post a thread hangs on, given by whoever has just read that post."""

    post_id: int
    author_id: int
    """Who is told of comments at the top of the thread."""
    title: str
    community: str


def thread_of(post: Post) -> ThreadRef:
    """The thread below a post that takes comments.

    Raises:
        Conflict: it takes none; it is locked, deleted or removed.
    """
    if post.locked or post.state != "live":
        raise Conflict("This post takes no new comments.")
    return ThreadRef(post_id=post.id, author_id=post.author.id, title=post.title, community=post.community)


class Comment(Struct, frozen=True, kw_only=True, gc=False):
    """A comment as threads and lists show it. Deleted ones keep their place, with no author and no text."""

    id: int
    post_id: int
    parent_id: int | None
    above: str
    """The ids of the comments above it, from the top of the thread down, joined with dots: ``"1.7"``."""
    author: Author
    html: str
    created_at: int
    edited_at: int | None = None
    ups: int = 0
    downs: int = 0
    replies: int = 0
    """Direct replies."""
    state: State = "live"
    revisions: int = 1
    title: str = ""
    """Title of the post; filled in outside of threads."""
    community: str = ""
    """Community of the post; filled in outside of threads."""

    @property
    def path(self) -> str:
        """The ids from the top of the thread down to this one, joined with dots: ``"1.7.12"``."""
        return f"{self.above}.{self.id}" if self.above else str(self.id)

    @property
    def depth(self) -> int:
        """0 at the top of the thread."""
        return self.above.count(".") + 1 if self.above else 0

    @property
    def score(self) -> int:
        """Ups minus downs."""
        return self.ups - self.downs


class CommentRevision(Struct, frozen=True, kw_only=True):
    """One version of a comment, as typed; number 1 is the first."""

    number: int
    text: str
    created_at: int


class WrittenComment(Struct, frozen=True, kw_only=True):
    """A live comment as its author sent it, for the original's contract."""

    id: int
    post_id: int
    author: Author
    email: str
    """As it was typed where it came by that contract, which shows it to all; empty for all others."""
    text: str
    created_at: int
    sent_created_at: str | None
    """The time as it was sent by that contract; None if the comment was not made there."""


class WrittenPage(Struct, frozen=True):
    """A page of a post's comments, oldest first, and the cursor of the next one."""

    comments: list[WrittenComment]
    after: str | None


class ThreadQuery(Struct, frozen=True, kw_only=True):
    """Which part of a thread to read. However large the thread is, at most ``limit`` comments come."""

    post_id: int
    sort: CommentSort = "best"
    focus: int | None = None
    """Show only this comment, what is below it, and ``context`` comments above it."""
    context: int = 0
    parent_id: int | None = None
    """Continue the replies below this comment (None: the top of the thread) ..."""
    after: str | None = None
    """... from this cursor on."""
    limit: int = 200


class ThreadNode(Struct, frozen=True, kw_only=True):
    """A comment in its place, and where its replies go on if not all of them are here."""

    comment: Comment
    children: list["ThreadNode"]
    hidden_replies: int = 0
    """Direct replies of this comment that are not in ``children``."""
    after: str | None = None
    """Cursor for those (with ``parent_id`` this comment); None with ``hidden_replies`` > 0 means from the first."""


class ThreadPage(Struct, frozen=True, kw_only=True):
    """A bounded part of a thread: the tree in display order, and where its top goes on."""

    nodes: list[ThreadNode]
    total: int
    """Comments in the whole thread."""
    after: str | None = None
    """Cursor for more at the level asked for; None at the end."""
    remaining: int = 0
    """How many more there are at that level."""


class CommentPage(Struct, frozen=True):
    """A flat page of comments and the cursor of the next one."""

    comments: list[Comment]
    after: str | None


class CommentMark(Struct, frozen=True, kw_only=True, gc=False):
    """What one person has done with a comment. Comments they did nothing with have no mark."""

    comment_id: int
    vote: Vote = 0
    saved: bool = False


class CommentHit(Struct, frozen=True):
    """A comment found by a search. In ``snippet`` each hit stands between U+E000 and U+E001."""

    comment: Comment
    snippet: str


class CommentHits(Struct, frozen=True):
    """Comments found, best first among the newest matches."""

    hits: list[CommentHit]
    more: bool


class ImportedComment(Struct, frozen=True, kw_only=True):
    """A comment from elsewhere. Its parent is named by key and must be in the same batch before it or be there."""

    key: str
    post_id: int
    parent_key: str | None
    author: Author
    text: str
    created_at: int
    edited_at: int | None = None
    ups: int = 0
    downs: int = 0
    state: State = "live"
    """Where it is not live, its text is not kept, like that of a comment deleted here; the thread below stays."""


# Facts that arrive from other services, at least once and possibly late (see docs/architecture.md, "outbox").


class PostChanged(Struct, frozen=True, kw_only=True):
    """A post's title, community, author or visibility is new; a higher ``revision`` replaces a lower one."""

    post_id: int
    title: str
    community: str
    author_id: int
    revision: int
