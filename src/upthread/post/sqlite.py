"""The post store on SQLite. Feeds, search, and the writes on posts and on communities have modules of their own."""

from collections.abc import Mapping

import apsw
import msgspec

from upthread import links
from upthread.account.model import Author
from upthread.cursor import Position
from upthread.post import sqlite_communities, sqlite_import, sqlite_posts, sqlite_search
from upthread.post.layout import LAYOUT
from upthread.post.model import (
    Community,
    CommunityLink,
    FeedQuery,
    ImportedIds,
    Post,
    PostHits,
    PostMark,
    PostRevision,
    SearchQuery,
    State,
    Tally,
    ThreadChanged,
    Vote,
)
from upthread.post.names import folded
from upthread.post.sqlite_feeds import BEFORE_ALL, Feeds
from upthread.post.sqlite_rows import (
    COMMUNITY,
    COMMUNITY_BY_NAME,
    POST,
    POST_BY_ID,
    POSTS_BY_ID,
    community_of,
    post_of,
)
from upthread.post.store import CommunityRank, CommunitySlice, CommunityTexts, Mark, NewPost, PostSlice, Writing
from upthread.storage.sqlite import Database

__all__ = ["LAYOUT", "SqlitePostStore"]


class SqlitePostStore:
    """Keeps communities, posts and votes in a service's own SQLite file."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._feeds = Feeds(database)

    # communities

    async def add_community(
        self, name: str, texts: CommunityTexts, founder: Author | None, at: int
    ) -> Community | None:
        """Add a community that its founder, if it has one, moderates and follows; None if the name is taken."""
        return await self._database.write(
            lambda connection: sqlite_communities.found_community(connection, name, texts, founder, at)
        )

    async def change_community(self, name: str, texts: CommunityTexts) -> Community | None:
        """Change what a community says about itself."""
        return await self._database.write(
            lambda connection: sqlite_communities.change_community(connection, name, texts)
        )

    async def community(self, name: str) -> Community | None:
        """A community with its moderators."""
        row = self._database.row(COMMUNITY_BY_NAME, (folded(name),))
        return community_of(row) if row else None

    async def communities_by_rank(self, rank: CommunityRank, after: Position | None, limit: int) -> CommunitySlice:
        """Communities from a place in this order on, highest first, without rules and moderators."""
        rows = self._database.rows(
            f"""
            SELECT {COMMUNITY}, description, description_html, {rank} AS key
            FROM community INDEXED BY community_by_{rank} JOIN community_text ON community_id = id
            WHERE ({rank}, tie) < (?, ?) ORDER BY {rank} DESC, tie DESC LIMIT ?
            """,  # noqa: S608 - rank is one of two names
            (*(after or BEFORE_ALL), limit + 1),
        )
        shown = rows[:limit]
        end = (shown[-1][-1], shown[-1][0]) if len(rows) > limit else None
        return CommunitySlice([community_of(row[:-1]) for row in shown], end)

    async def communities_by_name(self, after: str, limit: int) -> list[Community]:
        """Communities with names after this one in any case, without rules and moderators."""
        rows = self._database.rows(
            f"""
            SELECT {COMMUNITY}, description, description_html FROM community JOIN community_text ON community_id = id
            WHERE name_folded > ? ORDER BY name_folded LIMIT ?
            """,  # noqa: S608 - no input in it
            (folded(after), limit),
        )
        return [community_of(row) for row in rows]

    async def find_communities(self, text: str, limit: int) -> list[Community]:
        """Communities with these words, best first, without rules and moderators."""
        return await self._database.slow(lambda connection: sqlite_search.find_communities(connection, text, limit))

    async def subscribe(self, person_id: int, name: str, *, subscribed: bool) -> Community | None:
        """Follow a community or stop; the community with its moderators."""
        return await self._database.write(
            lambda connection: sqlite_communities.subscribe(connection, person_id, name, subscribed=subscribed)
        )

    async def most_active(self, limit: int) -> list[CommunityLink]:
        """The communities highest in activity."""
        rows = self._database.rows(
            """
            SELECT id, name, subscribers FROM community INDEXED BY community_by_activity
            ORDER BY activity DESC, tie DESC LIMIT ?
            """,
            (limit,),
        )
        return [CommunityLink(*row) for row in rows]

    async def subscriptions(self, person_id: int) -> list[CommunityLink]:
        """The communities a person follows, by name."""
        rows = self._database.rows(
            """
            SELECT id, name, subscribers FROM subscription CROSS JOIN community ON id = community_id
            WHERE person_id = ? ORDER BY name_folded
            """,
            (person_id,),
        )
        return [CommunityLink(*row) for row in rows]

    async def follows(self, person_id: int, community_id: int) -> bool:
        """Whether a person follows this community."""
        subscription = "SELECT 1 FROM subscription WHERE person_id = ? AND community_id = ?"
        return self._database.row(subscription, (person_id, community_id)) is not None

    # posts

    async def add_post(self, new: NewPost) -> Post | None:
        """Add a post and tell those it mentions; None if the community does not exist."""
        return await self._database.write(lambda connection: sqlite_posts.add_post(connection, new))

    async def post(self, post_id: int) -> Post | None:
        """One post with its HTML, in whatever state."""
        row = self._database.row(POST_BY_ID, (post_id,))
        return post_of(row) if row else None

    async def posts(self, post_ids: list[int]) -> list[Post]:
        """Those that there are, in the order asked for, without HTML."""
        return [post_of(row) for row in self._database.rows(POSTS_BY_ID, (_json(post_ids),))]

    async def same_link(self, community: str, url: str, limit: int) -> list[Post]:
        """Live posts of this community whose link is canonically the same, newest first."""
        rows = self._database.rows(
            f"""
            SELECT {POST}, '' AS html FROM post INDEXED BY post_by_link
            WHERE community_id = (SELECT id FROM community WHERE name_folded = ?) AND link_key = ? AND state = 'live'
            ORDER BY created_at DESC LIMIT ?
            """,  # noqa: S608 - no input in it
            (folded(community), links.key(url), limit),
        )
        return [post_of(row) for row in rows]

    async def revise(self, post_id: int, writing: Writing, at: int) -> Post | None:
        """Make this the newest revision unless it says the same; None if there is no such live post."""
        return await self._database.write(lambda connection: sqlite_posts.revise(connection, post_id, writing, at))

    async def revisions(self, post_id: int) -> list[PostRevision]:
        """All versions of a post, newest first; none if it is not live."""
        rows = self._database.rows(
            "SELECT number, title, text, created_at FROM post_revision WHERE post_id = ? ORDER BY number DESC",
            (post_id,),
        )
        return [
            PostRevision(number=number, title=title, text=text, created_at=created_at)
            for number, title, text, created_at in rows
        ]

    async def bury(self, post_id: int, state: State) -> None:
        """Destroy what a live post says and who wrote it, leaving its id, votes and comment count in this state."""
        await self._database.write(lambda connection: sqlite_posts.bury(connection, post_id, state))

    async def lock(self, post_id: int, *, locked: bool) -> Post | None:
        """Set whether a live post takes comments."""
        return await self._database.write(lambda connection: sqlite_posts.lock(connection, post_id, locked=locked))

    # votes and marks

    async def vote(self, post_id: int, voter_id: int, vote: Vote) -> Tally | None:
        """Set a vote on a live post, its counts and ranks, and its author's karma; the same vote changes nothing."""
        return await self._database.write(lambda connection: sqlite_posts.vote(connection, post_id, voter_id, vote))

    async def set_mark(self, mark: Mark, person_id: int, post_id: int, at: int) -> bool:
        """Put a live post into a person's list, unless it is there."""
        return await self._database.write(
            lambda connection: sqlite_posts.set_mark(connection, mark, person_id, post_id, at)
        )

    async def clear_mark(self, mark: Mark, person_id: int, post_id: int) -> None:
        """Take a post out of a person's list."""
        await self._database.write(lambda connection: sqlite_posts.clear_mark(connection, mark, person_id, post_id))

    async def marks(self, actor_id: int, post_ids: list[int]) -> list[PostMark]:
        """What somebody has done with these posts; nothing for those they have not touched."""
        rows = self._database.rows(
            """
            SELECT value AS post_id,
                coalesce((SELECT vote FROM post_vote WHERE post_id = value AND voter_id = :actor), 0) AS vote,
                EXISTS (SELECT 1 FROM saved_post WHERE post_id = value AND person_id = :actor) AS saved,
                EXISTS (SELECT 1 FROM hidden_post WHERE post_id = value AND person_id = :actor) AS hidden
            FROM json_each(:posts)
            """,
            {"actor": actor_id, "posts": _json(post_ids)},
        )
        return [
            PostMark(post_id=post_id, vote=vote, saved=bool(saved), hidden=bool(hidden))
            for post_id, vote, saved, hidden in rows
            if vote or saved or hidden
        ]

    # feeds and search

    async def feed(self, query: FeedQuery, after: Position | None, now: int) -> PostSlice | None:
        """Posts from a place in the feed on; None if its community does not exist."""
        positions = await self._feeds.positions(query, after, now)
        if positions is None:
            return None
        shown = positions[: query.limit]
        end = shown[-1] if len(positions) > query.limit else None
        return PostSlice(await self.posts([post_id for _, post_id in shown]), end)

    async def search(self, query: SearchQuery) -> PostHits:
        """Live posts that match."""
        return await self._database.slow(lambda connection: sqlite_search.search(connection, query))

    # from elsewhere

    async def import_posts(self, posts: Mapping[str, NewPost]) -> ImportedIds:
        """Add those whose key is not known, and the communities they need. Nobody is told but of karma."""
        return await self._database.write(lambda connection: sqlite_import.import_posts(connection, posts))

    async def imported(self, keys: list[str]) -> dict[str, int]:
        """The ids of those of these posts that have been imported, by their key."""
        return dict(self._database.rows(sqlite_import.IMPORTED, (_json(keys),)))

    async def threads_changed(self, events: list[ThreadChanged]) -> None:
        """Take over comment counts that are newer than what is kept."""
        await self._database.write(lambda connection: sqlite_posts.threads_changed(connection, events))

    async def erase_posts(self, person_id: int, limit: int, *, with_content: bool) -> int:
        """Take a person's name off some of their live posts, and their content too if asked; how many that were."""
        return await self._database.write(
            lambda connection: sqlite_posts.erase_posts(connection, person_id, limit, with_content=with_content)
        )

    async def forget_person(self, person_id: int) -> None:
        """Remove a person's subscriptions, lists, moderation and karma. Their votes stay counted."""

        def forget(connection: apsw.Connection) -> None:
            sqlite_communities.leave_all(connection, person_id)
            sqlite_posts.forget_person(connection, person_id)

        await self._database.write(forget)

    async def check(self) -> None:
        """Answer if the database does."""
        self._database.row("SELECT 1 FROM post LIMIT 1")


def _json(asked: list[int] | list[str]) -> str:
    return msgspec.json.encode(asked).decode()
