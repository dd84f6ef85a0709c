"""The post store on MongoDB. Feeds, search, and what is done in transactions have modules of their own.

Whatever changes several documents that must agree is one transaction: a vote with its post's counts and ranks, its
author's karma and the fact that tells of it; a post with its text and its community's counts. The exceptions, and how
they hold:

- An import is several transactions, each of them some posts with all that belongs to them. Keys make another run go on
  where one was broken off.
- What is kept of an erased person beside their posts goes in several writes; a courier repeats them until all are done.
- A mark may be put on a post in the moment in which it is deleted. Lists look whether their posts are live.
"""

from collections.abc import Mapping

from pymongo import ASCENDING, DESCENDING
from pymongo.errors import DuplicateKeyError

from upthread import links
from upthread.account.model import Author
from upthread.cursor import Position
from upthread.post import mongo_communities, mongo_import, mongo_posts, mongo_search, mongo_votes
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
from upthread.post.mongo_documents import WITH_ITS_TEXT, community_of, post_of, read_community, read_post
from upthread.post.mongo_feeds import Feeds, behind
from upthread.post.mongo_layout import AUTHOR_KARMA, COMMUNITY, LAYOUT, MARK, POST, POST_REVISION, SUBSCRIPTION, VOTE
from upthread.post.mongo_votes import Ballot, vote_id
from upthread.post.names import folded
from upthread.post.store import CommunityRank, CommunitySlice, CommunityTexts, Mark, NewPost, PostSlice, Writing
from upthread.storage.mongo import MongoDatabase, Session
from upthread.storage.mongo_group_commit import GroupCommit

__all__ = ["LAYOUT", "MongoPostStore"]


class MongoPostStore:
    """Keeps communities, posts and votes in a service's own MongoDB database."""

    def __init__(self, database: MongoDatabase) -> None:
        self._database = database
        self._feeds = Feeds(database)
        self._votes: GroupCommit[Ballot, Tally | None] = GroupCommit(
            database, lambda session, ballots: mongo_votes.cast(database, session, ballots)
        )
        self._communities = database.collection(COMMUNITY)
        self._posts = database.collection(POST)
        self._marks = database.collection(MARK)

    # communities

    async def add_community(
        self, name: str, texts: CommunityTexts, founder: Author | None, at: int
    ) -> Community | None:
        """Add a community that its founder, if it has one, moderates and follows; None if the name is taken."""
        (community_id,) = await self._database.next_ids(COMMUNITY)

        async def add(session: Session) -> None:
            await mongo_communities.add_community(self._database, session, community_id, name, texts, at)
            if founder:
                await mongo_communities.appoint(self._database, session, community_id, founder)

        try:
            await self._database.transact(add)
        except DuplicateKeyError:
            return None
        return await self.community(name)

    async def change_community(self, name: str, texts: CommunityTexts) -> Community | None:
        """Change what a community says about itself."""
        changed = await self._database.transact(
            lambda session: mongo_communities.change_community(self._database, session, name, texts)
        )
        return await self.community(name) if changed else None

    async def community(self, name: str) -> Community | None:
        """A community with its moderators."""
        return await read_community(self._database, name)

    async def communities_by_rank(self, rank: CommunityRank, after: Position | None, limit: int) -> CommunitySlice:
        """Communities from a place in this order on, highest first, without rules and moderators."""
        found = await self._database.aggregate(
            COMMUNITY,
            [
                {"$match": behind({}, rank, "_id", after)},
                {"$sort": {rank: DESCENDING, "_id": DESCENDING}},
                {"$limit": limit + 1},
                WITH_ITS_TEXT,
            ],
        )
        shown = found[:limit]
        end = (shown[-1][rank], shown[-1]["_id"]) if len(found) > limit else None
        return CommunitySlice([community_of(community) for community in shown], end)

    async def communities_by_name(self, after: str, limit: int) -> list[Community]:
        """Communities with names after this one in any case, without rules and moderators."""
        found = await self._database.aggregate(
            COMMUNITY,
            [
                {"$match": {"name_folded": {"$gt": folded(after)}}},
                {"$sort": {"name_folded": ASCENDING}},
                {"$limit": limit},
                WITH_ITS_TEXT,
            ],
        )
        return [community_of(community) for community in found]

    async def find_communities(self, text: str, limit: int) -> list[Community]:
        """Communities with these words, best first, without rules and moderators."""
        return await mongo_search.find_communities(self._database, text, limit)

    async def subscribe(self, person_id: int, name: str, *, subscribed: bool) -> Community | None:
        """Follow a community or stop; the community with its moderators."""
        community = await self.community(name)
        if community is None:
            return None
        await self._database.transact(
            lambda session: mongo_communities.subscribe(
                self._database, session, person_id, community.id, subscribed=subscribed
            )
        )
        return await self.community(name)

    async def most_active(self, limit: int) -> list[CommunityLink]:
        """The communities highest in activity."""
        highest_first = [("activity", DESCENDING), ("_id", DESCENDING)]
        found = self._communities.find({}, ["name", "subscribers"], sort=highest_first, limit=limit)
        return [
            CommunityLink(each["_id"], each["name"], each["subscribers"])
            for each in await self._database.read(found.to_list())
        ]

    async def subscriptions(self, person_id: int) -> list[CommunityLink]:
        """The communities a person follows, by name."""
        followed = self._database.collection(SUBSCRIPTION).find({"person_id": person_id}, ["community_id"])
        ids = [subscription["community_id"] for subscription in await self._database.read(followed.to_list())]
        shown = ["name", "name_folded", "subscribers"]
        found = await self._database.read(self._communities.find({"_id": {"$in": ids}}, shown).to_list())
        found.sort(key=lambda community: str(community["name_folded"]))
        return [CommunityLink(each["_id"], each["name"], each["subscribers"]) for each in found]

    async def follows(self, person_id: int, community_id: int) -> bool:
        """Whether a person follows this community."""
        subscription = {"person_id": person_id, "community_id": community_id}
        found = self._database.collection(SUBSCRIPTION).find_one(subscription, ["_id"])
        return await self._database.read(found) is not None

    # posts

    async def add_post(self, new: NewPost) -> Post | None:
        """Add a post and tell those it mentions; None if the community does not exist."""
        (post_id,) = await self._database.next_ids(POST)
        return await self._database.transact(
            lambda session: mongo_posts.add_post(self._database, session, post_id, new)
        )

    async def post(self, post_id: int) -> Post | None:
        """One post with its HTML, in whatever state."""
        return await read_post(self._database, post_id)

    async def posts(self, post_ids: list[int]) -> list[Post]:
        """Those that there are, in the order asked for, without HTML."""
        found = await self._database.read(self._posts.find({"_id": {"$in": post_ids}}).to_list())
        posts = {post["_id"]: post_of(post) for post in found}
        return [posts[post_id] for post_id in post_ids if post_id in posts]

    async def same_link(self, community: str, url: str, limit: int) -> list[Post]:
        """Live posts of this community whose link is canonically the same, newest first."""
        named = {"name_folded": folded(community)}
        known = await self._database.read(self._communities.find_one(named, ["_id"]))
        link_key = links.key(url)
        if known is None or link_key is None:
            return []
        same = self._posts.find({"community_id": known["_id"], "link_key": link_key, "state": "live"})
        newest_first = same.sort("created_at", DESCENDING).limit(limit).hint("by_link")
        return [post_of(post) for post in await self._database.read(newest_first.to_list())]

    async def revise(self, post_id: int, writing: Writing, at: int) -> Post | None:
        """Make this the newest revision unless it says the same; None if there is no such live post."""
        return await self._database.transact(
            lambda session: mongo_posts.revise(self._database, session, post_id, writing, at)
        )

    async def revisions(self, post_id: int) -> list[PostRevision]:
        """All versions of a post, newest first; none if it is not live."""
        revisions = self._database.collection(POST_REVISION).find({"post_id": post_id}, {"_id": 0, "post_id": 0})
        found = await self._database.read(revisions.sort("number", DESCENDING).to_list())
        return [PostRevision(**revision) for revision in found]

    async def bury(self, post_id: int, state: State) -> None:
        """Destroy what a live post says and who wrote it, leaving its id, votes and comment count in this state."""
        await self._database.transact(lambda session: mongo_posts.bury(self._database, session, [post_id], state))

    async def lock(self, post_id: int, *, locked: bool) -> Post | None:
        """Set whether a live post takes comments."""
        live = {"_id": post_id, "state": "live"}
        changed = await self._database.write(self._posts.update_one(live, {"$set": {"locked": locked}}))
        return await self.post(post_id) if changed.matched_count else None

    # votes and marks

    async def vote(self, post_id: int, voter_id: int, vote: Vote) -> Tally | None:
        """Set a vote on a live post, its counts and ranks, and its author's karma; the same vote changes nothing."""
        return await self._votes.add(Ballot(post_id, voter_id, vote))

    async def set_mark(self, mark: Mark, person_id: int, post_id: int, at: int) -> bool:
        """Put a live post into a person's list, unless it is there."""
        live = {"_id": post_id, "state": "live"}
        if await self._database.read(self._posts.find_one(live, ["_id"])) is None:
            return False
        thing = {"person_id": person_id, "mark": mark, "post_id": post_id}
        marked = {"$setOnInsert": {"marked_at": at}}
        await self._database.repeat(lambda: self._marks.update_one(thing, marked, upsert=True))
        return True

    async def clear_mark(self, mark: Mark, person_id: int, post_id: int) -> None:
        """Take a post out of a person's list."""
        thing = {"person_id": person_id, "mark": mark, "post_id": post_id}
        await self._database.write(self._marks.delete_one(thing))

    async def marks(self, actor_id: int, post_ids: list[int]) -> list[PostMark]:
        """What somebody has done with these posts; nothing for those they have not touched."""
        asked = {vote_id(post_id, actor_id): post_id for post_id in post_ids}
        these = {"_id": {"$in": list(asked)}}
        cast = await self._database.read(self._database.collection(VOTE).find(these).to_list())
        votes: dict[int, Vote] = {asked[vote["_id"]]: vote["vote"] for vote in cast}
        theirs = {"person_id": actor_id, "mark": {"$in": ["saved", "hidden"]}, "post_id": {"$in": post_ids}}
        marked = {
            (mark["mark"], mark["post_id"]) for mark in await self._database.read(self._marks.find(theirs).to_list())
        }
        return [
            PostMark(
                post_id=post_id,
                vote=votes.get(post_id, 0),
                saved=("saved", post_id) in marked,
                hidden=("hidden", post_id) in marked,
            )
            for post_id in post_ids
            if post_id in votes or ("saved", post_id) in marked or ("hidden", post_id) in marked
        ]

    # feeds and search

    async def feed(self, query: FeedQuery, after: Position | None, now: int) -> PostSlice | None:
        """Posts from a place in the feed on; None if its community does not exist."""
        entries = await self._feeds.entries(query, after, now)
        if entries is None:
            return None
        shown = entries[: query.limit]
        end = (shown[-1][0], shown[-1][1]["_id"]) if len(entries) > query.limit else None
        return PostSlice([post_of(post) for _, post in shown], end)

    async def search(self, query: SearchQuery) -> PostHits:
        """Live posts that match."""
        return await mongo_search.search(self._database, query)

    # from elsewhere

    async def import_posts(self, posts: Mapping[str, NewPost]) -> ImportedIds:
        """Add those whose key is not known, and the communities they need. Nobody is told but of karma."""
        return await mongo_import.import_posts(self._database, posts)

    async def imported(self, keys: list[str]) -> dict[str, int]:
        """The ids of those of these posts that have been imported, by their key."""
        return await self._database.read(mongo_import.known_posts(self._database, keys))

    async def threads_changed(self, events: list[ThreadChanged]) -> None:
        """Take over comment counts that are newer than what is kept."""
        await self._database.transact(lambda session: mongo_posts.threads_changed(self._database, session, events))

    async def erase_posts(self, person_id: int, limit: int, *, with_content: bool) -> int:
        """Take a person's name off some of their live posts, and their content too if asked; how many that were."""
        return await self._database.transact(
            lambda session: mongo_posts.erase_posts(
                self._database, session, person_id, limit, with_content=with_content
            )
        )

    async def forget_person(self, person_id: int) -> None:
        """Remove a person's subscriptions, lists, moderation and karma. Their votes stay counted."""
        await self._database.transact(lambda session: mongo_communities.leave_all(self._database, session, person_id))
        await self._database.repeat(lambda: self._marks.delete_many({"person_id": person_id}))
        await self._database.write(self._database.collection(AUTHOR_KARMA).delete_one({"_id": person_id}))

    async def check(self) -> None:
        """Ask the server whether it is there."""
        await self._database.ping()
