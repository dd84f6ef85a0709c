"""The comment store on SQLite. Search, import, and the writes on comments have modules of their own."""

from collections import defaultdict
from collections.abc import Sequence
from operator import itemgetter

import msgspec

from upthread.comment import sqlite_comments, sqlite_import, sqlite_search
from upthread.comment.layout import LAYOUT
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
)
from upthread.comment.sqlite_rows import (
    COMMENT,
    COMMENTS_BY_IDS,
    LISTED,
    LISTED_BY_ID,
    WRITTEN,
    comment_of,
    listed_of,
    written_of,
)
from upthread.comment.store import CommentSlice, KeyedComment, NewComment, ThreadSize, Writing, WrittenSlice
from upthread.comment.tree import Placed, Wanted
from upthread.cursor import LARGEST_ID, Position
from upthread.post.model import ImportedIds
from upthread.ranking import SCOPE_WINDOW
from upthread.storage.sqlite import Database, Row

__all__ = ["LAYOUT", "SqliteCommentStore"]

KEYS: dict[CommentSort, str] = {
    "best": "best",
    "top": "score",
    "new": "created_at",
    "old": "created_at",
    "controversial": "controversy",
}
"""The column that each sort orders by, highest first but for "old"; equals by id, in the same direction."""
BEFORE_ALL: Position = (float("inf"), LARGEST_ID)
BEFORE_OLDEST: Position = (float("-inf"), 0)


class SqliteCommentStore:
    """Keeps comments and votes on them in a service's own SQLite file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_comment(self, thread: ThreadRef, parent_id: int | None, new: NewComment) -> Comment | None:
        """Add a comment to its thread, and tell those it answers and mentions; None if its parent is not live there."""
        return await self._database.write(
            lambda connection: sqlite_comments.add_comment(connection, thread, parent_id, new)
        )

    async def comment(self, comment_id: int) -> Comment | None:
        """One comment in whatever state, with the title and community of its post."""
        row = self._database.row(LISTED_BY_ID, (comment_id,))
        return listed_of(row) if row else None

    async def revise(self, comment_id: int, writing: Writing, at: int) -> Comment | None:
        """Make this the newest revision unless it says the same; None if there is no such live comment."""
        return await self._database.write(
            lambda connection: sqlite_comments.revise(connection, comment_id, writing, at)
        )

    async def revisions(self, comment_id: int) -> list[CommentRevision]:
        """All versions of a comment, newest first; none if it is not live."""
        rows = self._database.rows(
            "SELECT number, text, created_at FROM comment_revision WHERE comment_id = ? ORDER BY number DESC",
            (comment_id,),
        )
        return [CommentRevision(number=number, text=text, created_at=at) for number, text, at in rows]

    async def bury(self, comment_id: int, state: State) -> None:
        """Destroy what a live comment says and who wrote it, leaving its place and votes in this state."""
        await self._database.write(lambda connection: sqlite_comments.bury(connection, comment_id, state))

    # threads

    async def thread(self, post_id: int) -> ThreadSize | None:
        """The size of a thread; None before its first comment."""
        row = self._database.row("SELECT comments, roots FROM thread WHERE post_id = ?", (post_id,))
        return ThreadSize(*row) if row else None

    async def replies(
        self, post_id: int, wanted: Sequence[Wanted], sort: CommentSort, after: Position | None = None
    ) -> list[Placed]:
        """The first replies below each of these comments of a thread, in order, without title and community.

        One query for all: SQLite takes a limit for each branch only as a number in the statement, so branches of which
        about as many are wanted are read together, up to 1, up to 2, up to 4 and so on, and those wanted whole apart.
        """
        whole = [part.parent_id for part in wanted if part.all]
        groups = defaultdict(list)
        for part in wanted:
            if not part.all:
                groups[(part.count - 1).bit_length()].append(part)
        statements, parameters = [_replies(sort)] * len(groups), list[str | float]()
        for group in groups.values():
            branches = [-post_id if part.parent_id is None else part.parent_id for part in group]
            parameters += (_json(branches), *_start(sort, after), max(part.count for part in group))
        if whole:
            statements.append(_all_replies(sort))
            parameters.append(_json(whole))
        rows = self._database.rows(" UNION ALL ".join(statements), parameters)
        # By key and id, at which these columns are.
        rows.sort(key=itemgetter(-1, 0), reverse=sort != "old")
        return [Placed(comment_of(columns), key) for *columns, key in rows]

    async def comments(self, comment_ids: Sequence[int]) -> list[Comment]:
        """Those that there are, in the order asked for, without title and community."""
        return [comment_of(row) for row in self._database.rows(COMMENTS_BY_IDS, (_json(comment_ids),))]

    # votes and marks

    async def vote(self, comment_id: int, voter_id: int, vote: Vote) -> Tally | None:
        """Set a vote on a live comment, its counts and ranks, and its author's karma; the same vote changes nothing."""
        return await self._database.write(
            lambda connection: sqlite_comments.vote(connection, comment_id, voter_id, vote)
        )

    async def save(self, person_id: int, comment_id: int, at: int) -> bool:
        """Put a live comment into a person's list, unless it is there."""
        return await self._database.write(
            lambda connection: sqlite_comments.save(connection, person_id, comment_id, at)
        )

    async def unsave(self, person_id: int, comment_id: int) -> None:
        """Take a comment out of a person's list."""
        await self._database.write(lambda connection: sqlite_comments.unsave(connection, person_id, comment_id))

    async def marks(self, actor_id: int, comment_ids: Sequence[int]) -> list[CommentMark]:
        """What somebody has done with these comments; nothing for those they have not touched."""
        rows = self._database.rows(
            """
            SELECT value AS comment_id,
                coalesce((SELECT vote FROM comment_vote WHERE comment_id = value AND voter_id = :actor), 0) AS vote,
                EXISTS (SELECT 1 FROM saved_comment WHERE comment_id = value AND person_id = :actor) AS saved
            FROM json_each(:comments)
            """,
            {"actor": actor_id, "comments": _json(comment_ids)},
        )
        return [
            CommentMark(comment_id=comment_id, vote=vote, saved=bool(saved))
            for comment_id, vote, saved in rows
            if vote or saved
        ]

    # flat lists

    async def by_author(self, author_id: int, sort: CommentSort, after: Position | None, limit: int) -> CommentSlice:
        """What a person has commented. All sorts but "new" and "old" look at their newest comments only."""
        key = KEYS[sort]
        parameters = {"author": author_id, **_named(_start(sort, after)), "limit": limit + 1, "window": SCOPE_WINDOW}
        if key == "created_at":
            return _slice(self._database.rows(_by_author_in_time(sort), parameters), limit)
        ranked = f"""
            SELECT {LISTED}, {key} AS key FROM (
                SELECT id AS recent FROM comment INDEXED BY comment_by_author_time
                WHERE author_id = :author AND author_id > 0 ORDER BY created_at DESC, tie DESC LIMIT :window
            ) CROSS JOIN comment ON comment.id = recent JOIN thread USING (post_id)
            WHERE ({key}, comment.id) < (:key, :tie) ORDER BY {key} DESC, comment.id DESC LIMIT :limit
        """  # noqa: S608 - the key is one of the names above
        return _slice(
            await self._database.slow(lambda connection: connection.execute(ranked, parameters).fetchall()), limit
        )

    async def saved(self, person_id: int, after: Position | None, limit: int) -> CommentSlice:
        """What a person has saved, saved last first."""
        rows = self._database.rows(
            f"""
            SELECT {LISTED}, saved_at AS key FROM saved_comment INDEXED BY saved_comment_by_time
            CROSS JOIN comment ON comment.id = comment_id JOIN thread USING (post_id)
            WHERE person_id = ? AND (saved_at, comment_id) < (?, ?) AND state = 'live'
            ORDER BY saved_at DESC, comment_id DESC LIMIT ?
            """,  # noqa: S608 - no input in it
            (person_id, *(after or BEFORE_ALL), limit + 1),
        )
        return _slice(rows, limit)

    async def newest(self, post_id: int | None, after: Position | None, limit: int) -> CommentSlice:
        """The newest comments of a post or, without one, of the site."""
        index, scope = ("comment_by_time", "") if post_id is None else ("comment_by_post_time", "post_id = :post AND")
        rows = self._database.rows(
            f"""
            SELECT {LISTED}, created_at AS key FROM comment INDEXED BY {index} CROSS JOIN thread USING (post_id)
            WHERE {scope} state = 'live' AND (created_at, tie) < (:key, :tie)
            ORDER BY created_at DESC, tie DESC LIMIT :limit
            """,  # noqa: S608 - the names are those above
            {"post": post_id, **_named(after or BEFORE_ALL), "limit": limit + 1},
        )
        return _slice(rows, limit)

    async def written(self, post_id: int, after: Position | None, limit: int) -> WrittenSlice:
        """The live comments of a post with their newest text and all e-mail addresses, oldest first."""
        rows = self._database.rows(WRITTEN, (post_id, *(after or BEFORE_OLDEST), limit + 1))
        shown = [written_of(row) for row in rows[:limit]]
        return WrittenSlice(shown, (shown[-1].created_at, shown[-1].id) if len(rows) > limit else None)

    async def search(self, query: SearchQuery) -> CommentHits:
        """Comments that match."""
        return await self._database.slow(lambda connection: sqlite_search.search(connection, query))

    # from elsewhere

    async def import_comments(self, threads: Sequence[ThreadRef], comments: Sequence[KeyedComment]) -> ImportedIds:
        """Add those whose key is not known and whose parent and thread are. Nobody is told but of karma and counts."""
        return await self._database.write(
            lambda connection: sqlite_import.import_comments(connection, threads, comments)
        )

    async def posts_changed(self, events: Sequence[PostChanged]) -> None:
        """Take over titles, communities and authors that are newer than what is kept."""
        await self._database.write(lambda connection: sqlite_comments.posts_changed(connection, events))

    async def erase_comments(self, person_id: int, limit: int, *, with_content: bool) -> int:
        """Take a person's name off some of their comments, and their content too if asked; how many that were."""
        return await self._database.write(
            lambda connection: sqlite_comments.erase_comments(connection, person_id, limit, with_content=with_content)
        )

    async def forget_person(self, person_id: int) -> None:
        """Remove a person's list and karma. Their votes stay counted."""
        await self._database.write(lambda connection: sqlite_comments.forget_person(connection, person_id))

    async def check(self) -> None:
        """Answer if the database does."""
        self._database.row("SELECT 1 FROM comment LIMIT 1")


def _direction(sort: CommentSort) -> tuple[str, str]:
    """How to compare with the start, and in which direction to go on."""
    return (">", "ASC") if sort == "old" else ("<", "DESC")


def _start(sort: CommentSort, after: Position | None) -> Position:
    return after or (BEFORE_OLDEST if sort == "old" else BEFORE_ALL)


def _named(start: Position) -> dict[str, float]:
    return {"key": start[0], "tie": start[1]}


def _replies(sort: CommentSort) -> str:
    """Takes a JSON array of branches, a start, and how many to read of each branch."""
    key, (beyond, direction) = KEYS[sort], _direction(sort)
    return f"""
        SELECT {COMMENT}, {key} AS key FROM json_each(?) AS branches CROSS JOIN comment
        WHERE comment.id IN (
            SELECT reply.id FROM comment AS reply
            WHERE reply.branch = branches.value AND (reply.{key}, reply.tie) {beyond} (?, ?)
            ORDER BY reply.{key} {direction}, reply.tie {direction} LIMIT ?
        )
    """  # noqa: S608 - the names are those above


def _all_replies(sort: CommentSort) -> str:
    """Takes a JSON array of branches."""
    key = KEYS[sort]
    return f"""
        SELECT {COMMENT}, {key} AS key FROM json_each(?) AS branches
        CROSS JOIN comment INDEXED BY comment_by_{key} ON comment.branch = branches.value
    """  # noqa: S608 - the names are those above


def _by_author_in_time(sort: CommentSort) -> str:
    beyond, direction = _direction(sort)
    return f"""
        SELECT {LISTED}, created_at AS key FROM comment INDEXED BY comment_by_author_time
        CROSS JOIN thread USING (post_id)
        WHERE comment.author_id = :author AND comment.author_id > 0 AND (created_at, tie) {beyond} (:key, :tie)
        ORDER BY created_at {direction}, tie {direction} LIMIT :limit
    """  # noqa: S608 - the names are those above


def _slice(rows: list[Row], limit: int) -> CommentSlice:
    """Of rows of the columns :data:`LISTED` and the key that they are ordered by."""
    shown = rows[:limit]
    end = (shown[-1][-1], shown[-1][0]) if len(rows) > limit else None
    return CommentSlice([listed_of(row[:-1]) for row in shown], end)


def _json(ids: Sequence[int | None]) -> str:
    return msgspec.json.encode(ids).decode()
