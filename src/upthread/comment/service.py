"""What can be done with threads of comments and votes on them: the only door of the comment room."""

from upthread.account.model import Actor, PersonErased
from upthread.comment.model import (
    Comment,
    CommentHits,
    CommentMark,
    CommentPage,
    CommentRevision,
    CommentSort,
    ImportedComment,
    PostChanged,
    SearchQuery,
    Tally,
    ThreadPage,
    ThreadQuery,
    ThreadRef,
    Vote,
)
from upthread.post.model import ImportedIds


class CommentService:
    """Threads and votes on comments. Every method is one call, near or far, with typed ends."""

    async def add(self, actor: Actor, thread: ThreadRef, parent_id: int | None, text: str) -> Comment:
        """Comment on a post, or on a comment of the same post. Whoever is answered or mentioned is told.

        Raises:
            Invalid: field body; empty or too long.
            NotFound, Gone: the parent is not there.
        """
        raise NotImplementedError

    async def comment(self, comment_id: int) -> Comment:
        """One comment, with the title and community of its post.

        Raises:
            NotFound: there never was such a comment.
        """
        raise NotImplementedError

    async def edit(self, actor: Actor, comment_id: int, text: str) -> Comment:
        """Change one's own comment; the version before stays readable. Same content: no new version."""
        raise NotImplementedError

    async def history(self, comment_id: int) -> list[CommentRevision]:
        """All versions of a live comment, newest first; the first of the list is the source text to edit.

        Raises:
            NotFound, Gone: there is none, or it was deleted.
        """
        raise NotImplementedError

    async def delete(self, actor: Actor, comment_id: int, *, as_moderator: bool = False) -> None:
        """Delete one's own comment, or remove another's: administrators, and moderators of the post's community,
        for which the caller vouches with ``as_moderator``. The thread below stays. Doing so twice changes nothing.
        """
        raise NotImplementedError

    async def thread(self, query: ThreadQuery) -> ThreadPage:
        """A bounded part of a thread, best parts first.

        Raises:
            NotFound: the comment in focus is not in this thread.
            Invalid: field after; the cursor is damaged.
        """
        raise NotImplementedError

    async def vote(self, actor: Actor, comment_id: int, vote: Vote) -> Tally:
        """Set one's vote: 1 up, -1 down, 0 taken back. The same vote twice changes nothing.

        Raises:
            NotFound, Gone: nothing there to vote on.
        """
        raise NotImplementedError

    async def save(self, actor: Actor, comment_id: int, saved: bool) -> None:
        """Keep a comment in one's saved list, or take it out."""
        raise NotImplementedError

    async def marks(self, actor_id: int, comment_ids: list[int]) -> list[CommentMark]:
        """What this person or guest has done with these comments: one query for a whole page."""
        raise NotImplementedError

    async def by_author(
        self, author_id: int, sort: CommentSort = "new", after: str | None = None, limit: int = 25
    ) -> CommentPage:
        """What one person has commented."""
        raise NotImplementedError

    async def saved(self, person_id: int, after: str | None = None, limit: int = 25) -> CommentPage:
        """What one person has saved, saved last first."""
        raise NotImplementedError

    async def newest(
        self, post_id: int | None = None, after: str | None = None, limit: int = 25
    ) -> CommentPage:
        """The newest comments of the whole site or of one post, flat: for feed readers."""
        raise NotImplementedError

    async def search(self, query: SearchQuery) -> CommentHits:
        """Comments with these words. ``domain`` never matches a comment."""
        raise NotImplementedError

    # from elsewhere

    async def import_comments(self, threads: list[ThreadRef], comments: list[ImportedComment]) -> ImportedIds:
        """Take over comments of these threads; what is there already (by key) stays. No one is told.

        A comment whose parent is not known is left out; its key is then missing from the answer.
        """
        raise NotImplementedError

    async def posts_changed(self, events: list[PostChanged]) -> None:
        """Take note of new titles. Idempotent; threads without comments need none and are passed over."""
        raise NotImplementedError

    async def people_erased(self, events: list[PersonErased]) -> None:
        """Take erased people's names (and texts) off their comments. Idempotent."""
        raise NotImplementedError

    async def check(self) -> None:
        """Answer if the database does.

        Raises:
            Unavailable: it does not.
        """
        raise NotImplementedError
