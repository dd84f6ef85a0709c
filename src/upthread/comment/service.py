"""What can be done with threads of comments and votes on them: the only door of the comment room."""

import asyncio
from functools import cache

import msgspec
from prometheus_client import Counter

from upthread import cursor, markdown, seed
from upthread.account.model import Actor, Author, PersonErased
from upthread.comment.model import (
    TEXT_LIMIT,
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
    WrittenPage,
)
from upthread.comment.store import CommentSlice, CommentStore, KeyedComment, NewComment, Writing
from upthread.comment.tree import Placed, Selection, Wanted, in_context, top_needed
from upthread.cursor import Position
from upthread.errors import Forbidden, Gone, Invalid, NotFound, SignInNeeded, UpthreadError
from upthread.post.model import ImportedIds
from upthread.runtime.calls.methods import idempotent
from upthread.runtime.clock import Clock

THREAD_PAGE_LIMIT = 500
"""Comments on a page of a thread at most, whatever is asked for."""
PAGE_LIMIT = 100
"""Comments on a page of a list at most."""
SEARCH_DEPTH = 1_000
"""A search goes no further than this many hits; whoever has not found it by then needs other words."""
MENTIONS_LIMIT = 10
"""People told of one text, so that nobody can call the whole site together."""
ERASE_BATCH = 200
"""Comments of an erased person changed in one write, so that others don't wait long in between."""


@cache  # made with a service, so that a process that only calls one from afar does not tell of it
def _made() -> Counter:
    return Counter("comment_count", "Comments made.")


class CommentService:
    """Threads and votes on comments. Every method is one call, near or far, with typed ends."""

    def __init__(self, store: CommentStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._made = _made()

    async def add(
        self, actor: Actor, thread: ThreadRef, parent_id: int | None, text: str, sent_created_at: str | None = None
    ) -> Comment:
        """Comment on a post, or on a comment of the same post. Whoever is answered or mentioned is told.

        ``sent_created_at`` is the time as text that the original's contract sends (see :mod:`upthread.seed`).

        Raises:
            Invalid: field body; empty or too long.
            NotFound, Gone: the parent is not there.
        """
        writing = _writing(actor, text)
        if parent_id is not None:
            parent = await self._live(parent_id)
            if parent.post_id != thread.post_id:
                raise _not_in_thread()
        created_at, sent = seed.times(sent_created_at, self._clock.now())
        new = NewComment(
            post_id=thread.post_id,
            author=Author(actor.id, actor.name),
            author_email=actor.email,
            writing=writing,
            created_at=created_at,
            sent_created_at=sent,
        )
        comment = await self._store.add_comment(thread, parent_id, new)
        if comment is None:  # the parent was deleted just now
            raise _gone()
        self._made.inc()
        return comment

    @idempotent
    async def comment(self, comment_id: int) -> Comment:
        """One comment, with the title and community of its post; a deleted one has its state and no text or author.

        Raises:
            NotFound: there never was such a comment.
        """
        comment = await self._store.comment(comment_id)
        if comment is None:
            raise _no_comment()
        return comment

    @idempotent
    async def edit(self, actor: Actor, comment_id: int, text: str) -> Comment:
        """Change one's own comment; the version before stays readable. Same content: no new version.

        Whoever is newly mentioned is told.

        Raises:
            Invalid: field body; empty or too long.
            NotFound, Gone: there is none, or it was deleted.
            Forbidden: it is somebody else's.
        """
        comment = await self._live(comment_id)
        if not _wrote(actor, comment):
            raise Forbidden("Only the author can edit a comment.")
        told = {name.lower() for version in await self.history(comment_id) for name in markdown.mentions(version.text)}
        revised = await self._store.revise(comment_id, _writing(actor, text, told), self._clock.now())
        if revised is None:
            raise _gone()
        return revised

    @idempotent
    async def history(self, comment_id: int) -> list[CommentRevision]:
        """All versions of a live comment, newest first; the first of the list is the source text to edit.

        Raises:
            NotFound, Gone: there is none, or it was deleted.
        """
        revisions = await self._store.revisions(comment_id)
        if not revisions:
            raise await self._missing(comment_id)
        return revisions

    @idempotent
    async def delete(self, actor: Actor, comment_id: int, *, as_moderator: bool = False) -> None:
        """Delete one's own comment, or remove another's as a moderator or administrator.

        What it says and all its versions are destroyed; its votes and the thread below stay. Doing so twice changes
        nothing. That the actor moderates the post's community, the caller vouches for with ``as_moderator``.

        Raises:
            NotFound: there never was such a comment.
            Forbidden: it is somebody else's.
        """
        comment = await self.comment(comment_id)
        if comment.state != "live":
            return
        if _wrote(actor, comment):
            await self._store.bury(comment_id, "deleted")
        elif not actor.is_guest and (actor.is_admin or as_moderator):
            await self._store.bury(comment_id, "removed")
        else:
            raise Forbidden("Only the author or a moderator can delete a comment.")

    @idempotent
    async def thread(self, query: ThreadQuery) -> ThreadPage:
        """A bounded part of a thread, best parts first (see :mod:`upthread.comment.tree`).

        Its cost depends on what is shown, not on how large the thread is.

        Raises:
            NotFound: the comment in focus, or the one whose replies are asked for, is not in this thread.
            Invalid: field after; the cursor is damaged.
        """
        query = msgspec.structs.replace(query, limit=min(max(query.limit, 1), THREAD_PAGE_LIMIT))
        if query.focus is not None:
            return await self._in_focus(query, query.focus)
        start = cursor.decode_counted(query.after)
        size = await self._store.thread(query.post_id)
        at_this_level = size.roots if size else 0
        if query.parent_id is not None:
            at_this_level = (await self._in_thread(query.post_id, query.parent_id)).replies
        top = await self._top(query, (start.key, start.id) if start else None)
        selection = await self._filled(Selection(top, query.limit), query)
        return selection.page(size.comments if size else 0, at_this_level, start.count if start else 0)

    async def _top(self, query: ThreadQuery, after: Position | None) -> list[Placed]:
        """The comments of the page's top level that may come onto it, and one more if there are more.

        Half a page at first: in a lively thread the replies to these take up much of the rest.
        """
        top: list[Placed] = []
        needed = query.limit // 2 + 1
        while needed > len(top):
            wanted = Wanted(query.parent_id, needed - len(top))
            found = await self._store.replies(query.post_id, [wanted], query.sort, after=after)
            top += found
            if len(found) < wanted.count:
                break
            after = (top[-1].key, top[-1].comment.id)
            needed = top_needed(top, query.limit)
        return top

    async def _in_focus(self, query: ThreadQuery, focus: int) -> ThreadPage:
        comment = await self._in_thread(query.post_id, focus)
        size = await self._store.thread(query.post_id)
        above = [int(part) for part in comment.path.split(".")[:-1]]
        context = above[max(len(above) - query.context, 0) :]
        selection = await self._filled(Selection([Placed(comment, 0)], query.limit), query)
        page = selection.page(size.comments if size else 0, at_this_level=1)
        return in_context(await self._store.comments(context), page)

    async def _filled(self, selection: Selection, query: ThreadQuery) -> Selection:
        while wanted := selection.wanted():
            selection.add(await self._store.replies(query.post_id, wanted, query.sort))
        return selection

    async def _in_thread(self, post_id: int, comment_id: int) -> Comment:
        comment = await self._store.comment(comment_id)
        if comment is None or comment.post_id != post_id:
            raise _not_in_thread()
        return comment

    @idempotent
    async def vote(self, actor: Actor, comment_id: int, vote: Vote) -> Tally:
        """Set one's vote: 1 up, -1 down, 0 taken back. The same vote twice changes nothing.

        Raises:
            NotFound, Gone: nothing there to vote on.
        """
        tally = await self._store.vote(comment_id, actor.id, vote)
        if tally is None:
            raise await self._missing(comment_id)
        return tally

    @idempotent
    async def save(self, actor: Actor, comment_id: int, saved: bool) -> None:  # noqa: FBT001 - one form field, one meaning
        """Keep a comment in one's saved list, or take it out. Doing so twice changes nothing.

        Raises:
            NotFound, Gone: nothing there to save.
            SignInNeeded: guests can't.
        """
        if actor.id <= 0:
            raise SignInNeeded("Log in to do this.")
        if not saved:
            await self._store.unsave(actor.id, comment_id)
        elif not await self._store.save(actor.id, comment_id, self._clock.now()):
            raise await self._missing(comment_id)

    @idempotent
    async def marks(self, actor_id: int, comment_ids: list[int]) -> list[CommentMark]:
        """What this person or guest has done with these comments: one query for a whole page."""
        return await self._store.marks(actor_id, comment_ids)

    @idempotent
    async def by_author(
        self, author_id: int, sort: CommentSort = "new", after: str | None = None, limit: int = 25
    ) -> CommentPage:
        """What one person has commented. Sorts by votes look at their newest 1,000 comments.

        Raises:
            Invalid: field after; the cursor is damaged.
        """
        return _page(await self._store.by_author(author_id, sort, cursor.decode(after), _page_limit(limit)))

    @idempotent
    async def saved(self, person_id: int, after: str | None = None, limit: int = 25) -> CommentPage:
        """What one person has saved, saved last first.

        Raises:
            Invalid: field after; the cursor is damaged.
        """
        return _page(await self._store.saved(person_id, cursor.decode(after), _page_limit(limit)))

    @idempotent
    async def newest(self, post_id: int | None = None, after: str | None = None, limit: int = 25) -> CommentPage:
        """The newest comments of the whole site or of one post, flat: for feed readers.

        Raises:
            Invalid: field after; the cursor is damaged.
        """
        return _page(await self._store.newest(post_id, cursor.decode(after), _page_limit(limit)))

    @idempotent
    async def written(self, post_id: int, after: str | None = None, limit: int = 25) -> WrittenPage:
        """The comments of a post as they were sent, flat and oldest first: for the original's contract.

        The e-mail address of a guest of our own site, who was told that nobody gets to see it, is left out.

        Raises:
            Invalid: field after; the cursor is damaged.
        """
        part = await self._store.written(post_id, cursor.decode(after), _page_limit(limit))
        return WrittenPage(
            [
                comment if comment.sent_created_at is not None else msgspec.structs.replace(comment, email="")
                for comment in part.comments
            ],
            cursor.encode(part.end) if part.end else None,
        )

    @idempotent
    async def search(self, query: SearchQuery) -> CommentHits:
        """Comments with these words, the last one perhaps unfinished: best first among the newest.

        Without words, the newest comments that the filters let through; with neither, none. Comments have no
        ``domain``, so none matches one.
        """
        limit = _page_limit(query.limit)
        offset = max(query.offset, 0)
        if query.domain or offset >= SEARCH_DEPTH:
            return CommentHits(hits=[], more=False)
        hits = await self._store.search(msgspec.structs.replace(query, limit=limit, offset=offset))
        return CommentHits(hits.hits, more=hits.more and offset + limit < SEARCH_DEPTH)

    # from elsewhere

    @idempotent
    async def import_comments(self, threads: list[ThreadRef], comments: list[ImportedComment]) -> ImportedIds:
        """Take over comments of these threads; what is there already (by key) stays. No one is told.

        A comment whose parent is not known in the same thread is left out; its key is then missing from the answer.
        Texts may be longer than what can be typed here.
        """
        return await self._store.import_comments(threads, await asyncio.to_thread(_imported, comments))

    @idempotent
    async def posts_changed(self, events: list[PostChanged]) -> None:
        """Take note of new titles. Idempotent; threads without comments need none and are passed over."""
        await self._store.posts_changed(events)

    @idempotent
    async def people_erased(self, events: list[PersonErased]) -> None:
        """Take erased people's names (and texts) off their comments. Idempotent."""
        for event in events:
            erased = ERASE_BATCH
            while erased == ERASE_BATCH:
                erased = await self._store.erase_comments(
                    event.person_id, ERASE_BATCH, with_content=event.erase_content
                )
            await self._store.forget_person(event.person_id)

    @idempotent
    async def check(self) -> None:
        """Answer if the database does.

        Raises:
            Unavailable: it does not.
        """
        await self._store.check()

    async def _live(self, comment_id: int) -> Comment:
        comment = await self.comment(comment_id)
        if comment.state != "live":
            raise _gone()
        return comment

    async def _missing(self, comment_id: int) -> UpthreadError:
        """Why nothing can be done with a comment that is not live."""
        return _gone() if await self._store.comment(comment_id) else _no_comment()


# What is asked of people and their texts


def _wrote(actor: Actor, comment: Comment) -> bool:
    """Guests are known by a cookie only, which is too little to let them change what is public."""
    return comment.author.id == actor.id > 0


def _no_comment() -> NotFound:
    return NotFound("There is no such comment.")


def _not_in_thread() -> NotFound:
    return NotFound("There is no such comment in this thread.")


def _gone() -> Gone:
    return Gone("This comment has been deleted.")


def _page_limit(limit: int) -> int:
    return min(max(limit, 1), PAGE_LIMIT)


def _page(part: CommentSlice) -> CommentPage:
    return CommentPage(part.comments, cursor.encode(part.end) if part.end else None)


def _writing(actor: Actor, text: str, told: frozenset[str] | set[str] = frozenset()) -> Writing:
    """What a comment by this person says, checked; ``told`` are those whom earlier versions mentioned."""
    text = markdown.tidied(text)
    if not any(character.isprintable() and not character.isspace() for character in text):
        raise Invalid("Please write something.", field="body")
    if len(text) > TEXT_LIMIT:
        raise Invalid("A comment has at most {limit} characters.", field="body", limit=TEXT_LIMIT)
    to_tell = [name for name in markdown.mentions(text) if name.lower() not in {*told, actor.name.lower()}]
    return _written(text, mentions=tuple(to_tell[:MENTIONS_LIMIT]))


def _written(text: str, mentions: tuple[str, ...] = ()) -> Writing:
    html = markdown.render(text)
    return Writing(text=text, html=html, plain=markdown.plain(html), mentions=mentions)


def _imported(comments: list[ImportedComment]) -> list[KeyedComment]:
    """Comments from elsewhere, rendered; of those that were deleted there, neither text nor author."""
    return [
        KeyedComment(
            comment.key,
            comment.parent_key,
            NewComment(
                post_id=comment.post_id,
                author=comment.author if comment.state == "live" else Author(0, ""),
                writing=_written(markdown.tidied(comment.text) if comment.state == "live" else ""),
                created_at=comment.created_at,
                edited_at=comment.edited_at if comment.state == "live" else None,
                ups=comment.ups,
                downs=comment.downs,
                state=comment.state,
            ),
        )
        for comment in comments
    ]
