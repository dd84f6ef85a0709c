"""The comment store on MongoDB. Lists, search, and what is done in transactions have modules of their own.

Whatever changes several documents that must agree is one transaction: a vote with its comment's counts and ranks, its
author's karma and the fact that tells of it; a comment with its text, its parent's and its thread's counts and the
facts that tell of them. The exceptions, and how they hold:

- An import is several transactions, each of them some comments with all that belongs to them. Keys make another run go
  on where one was broken off.
- An erased person's list and karma go one after the other; a courier repeats it until both are gone.
- A comment may be saved in the moment in which it is deleted. Lists look whether their comments are live.
"""

from collections.abc import Sequence

from pymongo import DESCENDING, UpdateOne

from upthread.comment import mongo_comments, mongo_import, mongo_lists, mongo_search, mongo_votes
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
from upthread.comment.mongo_comments import Addition, revised_at
from upthread.comment.mongo_documents import WITH_ITS_TEXT, comment_of, read_comment, written_of
from upthread.comment.mongo_layout import (
    AUTHOR_KARMA,
    COMMENT,
    LAYOUT,
    SAVED,
    THREAD,
    VOTE,
)
from upthread.comment.mongo_lists import ORDERS
from upthread.comment.mongo_votes import Ballot, vote_id
from upthread.comment.store import CommentSlice, KeyedComment, NewComment, ThreadSize, Writing, WrittenSlice
from upthread.comment.tree import Placed, Wanted
from upthread.cursor import Position
from upthread.post.model import ImportedIds
from upthread.storage.mongo import Document, MongoDatabase
from upthread.storage.mongo_group_commit import GroupCommit

__all__ = ["LAYOUT", "MongoCommentStore"]


class MongoCommentStore:
    """Keeps comments and votes on them in a service's own MongoDB database."""

    def __init__(self, database: MongoDatabase) -> None:
        self._database = database
        self._additions: GroupCommit[Addition, Comment | None] = GroupCommit(
            database, lambda session, additions: mongo_comments.add_comments(database, session, additions)
        )
        self._votes: GroupCommit[Ballot, Tally | None] = GroupCommit(
            database, lambda session, ballots: mongo_votes.cast(database, session, ballots)
        )
        self._threads = database.collection(THREAD)
        self._comments = database.collection(COMMENT)
        self._saved = database.collection(SAVED)

    async def add_comment(self, thread: ThreadRef, parent_id: int | None, new: NewComment) -> Comment | None:
        """Add a comment to its thread, and tell those it answers and mentions; None if its parent is not live there."""
        (comment_id,) = await self._database.next_ids(COMMENT)
        return await self._additions.add(Addition(comment_id, thread, parent_id, new))

    async def comment(self, comment_id: int) -> Comment | None:
        """One comment in whatever state, with the title and community of its post."""
        return await read_comment(self._database, comment_id)

    async def revise(self, comment_id: int, writing: Writing, at: int) -> Comment | None:
        """Make this the newest revision unless it says the same; None if there is no such live comment."""
        return await self._database.transact(
            lambda session: mongo_comments.revise(self._database, session, comment_id, writing, at)
        )

    async def revisions(self, comment_id: int) -> list[CommentRevision]:
        """All versions of a comment, newest first; none if it is not live."""
        live = {"$match": {"_id": comment_id, "state": "live"}}
        found = await self._database.aggregate(COMMENT, [live, WITH_ITS_TEXT, mongo_lists.WITH_EARLIER_REVISIONS])
        if not found or not found[0]["texts"]:
            return []
        (comment,) = found
        (newest,) = comment["texts"]
        return [
            CommentRevision(number=comment["revisions"], text=newest["text"], created_at=revised_at(comment)),
            *(
                CommentRevision(number=each["number"], text=each["text"], created_at=each["created_at"])
                for each in comment["earlier"]
            ),
        ]

    async def bury(self, comment_id: int, state: State) -> None:
        """Destroy what a live comment says and who wrote it, leaving its place and votes in this state."""
        await self._database.transact(lambda session: mongo_comments.bury(self._database, session, [comment_id], state))

    # threads

    async def thread(self, post_id: int) -> ThreadSize | None:
        """The size of a thread; None before its first comment."""
        found = await self._database.read(self._threads.find_one({"_id": post_id}, ["comments", "roots"]))
        return ThreadSize(found["comments"], found["roots"]) if found else None

    async def replies(
        self, post_id: int, wanted: Sequence[Wanted], sort: CommentSort, after: Position | None = None
    ) -> list[Placed]:
        """The first replies below each of these comments of a thread, in order, without title and community."""
        order = ORDERS[sort]
        found = await self._database.aggregate(COMMENT, mongo_lists.replies(post_id, wanted, order, after))
        placed = [Placed(comment_of(each), each[order.key]) for each in found]
        return sorted(placed, key=lambda each: (each.key, each.comment.id), reverse=order.direction == DESCENDING)

    async def comments(self, comment_ids: Sequence[int]) -> list[Comment]:
        """Those that there are, in the order asked for, without title and community."""
        found = await self._database.read(self._comments.find({"_id": {"$in": list(comment_ids)}}).to_list())
        comments = {comment["_id"]: comment_of(comment) for comment in found}
        return [comments[comment_id] for comment_id in comment_ids if comment_id in comments]

    # votes and marks

    async def vote(self, comment_id: int, voter_id: int, vote: Vote) -> Tally | None:
        """Set a vote on a live comment, its counts and ranks, and its author's karma; the same vote changes nothing."""
        return await self._votes.add(Ballot(comment_id, voter_id, vote))

    async def save(self, person_id: int, comment_id: int, at: int) -> bool:
        """Put a live comment into a person's list, unless it is there."""
        live = {"_id": comment_id, "state": "live"}
        if await self._database.read(self._comments.find_one(live, ["_id"])) is None:
            return False
        entry = {"person_id": person_id, "comment_id": comment_id}
        saved = {"$setOnInsert": {"saved_at": at}}
        await self._database.repeat(lambda: self._saved.update_one(entry, saved, upsert=True))
        return True

    async def unsave(self, person_id: int, comment_id: int) -> None:
        """Take a comment out of a person's list."""
        await self._database.write(self._saved.delete_one({"person_id": person_id, "comment_id": comment_id}))

    async def marks(self, actor_id: int, comment_ids: Sequence[int]) -> list[CommentMark]:
        """What somebody has done with these comments; nothing for those they have not touched."""
        asked = [vote_id(comment_id, actor_id) for comment_id in comment_ids]
        cast = await self._database.read(self._database.collection(VOTE).find({"_id": {"$in": asked}}).to_list())
        kept: dict[str, Vote] = {vote["_id"]: vote["vote"] for vote in cast}
        votes: dict[int, Vote] = {
            comment_id: kept[voted] for comment_id, voted in zip(comment_ids, asked, strict=True) if voted in kept
        }
        theirs = self._saved.find({"person_id": actor_id, "comment_id": {"$in": list(comment_ids)}}, ["comment_id"])
        saved = {entry["comment_id"] for entry in await self._database.read(theirs.to_list())}
        return [
            CommentMark(comment_id=comment_id, vote=votes.get(comment_id, 0), saved=comment_id in saved)
            for comment_id in comment_ids
            if comment_id in votes or comment_id in saved
        ]

    # flat lists

    async def by_author(self, author_id: int, sort: CommentSort, after: Position | None, limit: int) -> CommentSlice:
        """What a person has commented. All sorts but "new" and "old" look at their newest comments only."""
        if author_id <= 0:
            return CommentSlice([], None)
        order = ORDERS[sort]
        if order.key == "created_at":
            return await self._listed({"author_id": author_id}, sort, after, limit)
        found = await self._database.aggregate(COMMENT, mongo_lists.ranked(author_id, order, after, limit + 1))
        return _slice(found, order.key, limit)

    async def saved(self, person_id: int, after: Position | None, limit: int) -> CommentSlice:
        """What a person has saved, saved last first."""
        found = await self._database.aggregate(SAVED, mongo_lists.saved(person_id, after, limit + 1))
        return _slice([{**entry["comment"], "saved_at": entry["saved_at"]} for entry in found], "saved_at", limit)

    async def newest(self, post_id: int | None, after: Position | None, limit: int) -> CommentSlice:
        """The newest comments of a post or, without one, of the site."""
        scope = {} if post_id is None else {"post_id": post_id}
        return await self._listed({**scope, "state": "live"}, "new", after, limit)

    async def written(self, post_id: int, after: Position | None, limit: int) -> WrittenSlice:
        """The live comments of a post with their newest text and all e-mail addresses, oldest first."""
        found = await self._database.aggregate(COMMENT, mongo_lists.written(post_id, after, limit + 1))
        read = found[:limit]
        shown = [written_of(each) for each in read if each["texts"]]  # none: deleted while this was read
        return WrittenSlice(shown, (read[-1]["created_at"], read[-1]["_id"]) if len(found) > limit else None)

    async def search(self, query: SearchQuery) -> CommentHits:
        """Comments that match."""
        return await mongo_search.search(self._database, query)

    # from elsewhere

    async def import_comments(self, threads: Sequence[ThreadRef], comments: Sequence[KeyedComment]) -> ImportedIds:
        """Add those whose key is not known and whose parent and thread are. Nobody is told but of karma and counts."""
        return await mongo_import.import_comments(self._database, threads, comments)

    async def posts_changed(self, events: Sequence[PostChanged]) -> None:
        """Take over titles, communities and authors that are newer than what is kept."""
        changes = [
            UpdateOne(
                {"_id": event.post_id, "post_revision": {"$lt": event.revision}},
                {
                    "$set": {
                        "title": event.title,
                        "community": event.community,
                        "author_id": event.author_id,
                        "post_revision": event.revision,
                    }
                },
            )
            for event in events
        ]
        if changes:
            await self._database.repeat(lambda: self._threads.bulk_write(changes))

    async def erase_comments(self, person_id: int, limit: int, *, with_content: bool) -> int:
        """Take a person's name off some of their comments, and their content too if asked; how many that were."""
        return await self._database.transact(
            lambda session: mongo_comments.erase_comments(
                self._database, session, person_id, limit, with_content=with_content
            )
        )

    async def forget_person(self, person_id: int) -> None:
        """Remove a person's list and karma. Their votes stay counted."""
        await self._database.repeat(lambda: self._saved.delete_many({"person_id": person_id}))
        await self._database.write(self._database.collection(AUTHOR_KARMA).delete_one({"_id": person_id}))

    async def check(self) -> None:
        """Ask the server whether it is there."""
        await self._database.ping()

    async def _listed(self, wanted: Document, sort: CommentSort, after: Position | None, limit: int) -> CommentSlice:
        found = await self._database.aggregate(COMMENT, mongo_lists.listed(wanted, ORDERS[sort], after, limit + 1))
        return _slice(found, ORDERS[sort].key, limit)


def _slice(found: list[Document], key: str, limit: int) -> CommentSlice:
    shown = found[:limit]
    end = (shown[-1][key], shown[-1]["_id"]) if len(found) > limit else None
    return CommentSlice([comment_of(comment) for comment in shown], end)
