"""What the post service needs kept. Each method is one transaction: it happens whole or not at all.

Where something is asked of a post or community that is not there, the answer is None (or False), and nothing is
written; the service knows how to say so.
"""

from collections.abc import Mapping
from typing import Literal, Protocol

from msgspec import Struct

from upthread.account.model import Author
from upthread.cursor import Position
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

Mark = Literal["saved", "hidden"]
CommunityRank = Literal["subscribers", "activity"]


class CommunityTexts(Struct, frozen=True, kw_only=True):
    """What a community says about itself, as typed and as shown."""

    title: str
    description: str
    description_html: str
    rules: str
    rules_html: str


class Writing(Struct, frozen=True, kw_only=True):
    """What a post says, in each form that is kept of it."""

    title: str
    text: str
    """Markdown as it was typed."""
    html: str
    plain: str
    """The words alone, for searching."""
    mentions: tuple[str, ...] = ()
    """Names of those to be told that they are mentioned."""


class NewPost(Struct, frozen=True, kw_only=True):
    """A post about to be kept."""

    community: str
    writing: Writing
    url: str
    author: Author
    author_email: str = ""
    created_at: int
    sent_created_at: str | None = None
    edited_at: int | None = None
    ups: int = 0
    downs: int = 0
    flair: str
    nsfw: bool
    locked: bool = False
    state: State = "live"


class PostSlice(Struct, frozen=True):
    """A part of a feed: at most as many posts as asked for, and where it ended if there are more."""

    posts: list[Post]
    end: Position | None


class CommunitySlice(Struct, frozen=True):
    """A part of the list of communities, and where it ended if there are more."""

    communities: list[Community]
    end: Position | None


class PostStore(Protocol):
    """Keeps communities, posts, votes and marks, and facts for the other services."""

    # communities

    async def add_community(
        self, name: str, texts: CommunityTexts, founder: Author | None, at: int
    ) -> Community | None:
        """Add a community that its founder, if it has one, moderates and follows; None if the name is taken."""
        ...

    async def change_community(self, name: str, texts: CommunityTexts) -> Community | None:
        """Change what a community says about itself."""
        ...

    async def community(self, name: str) -> Community | None:
        """A community with its moderators."""
        ...

    async def communities_by_rank(self, rank: CommunityRank, after: Position | None, limit: int) -> CommunitySlice:
        """Communities from a place in this order on, highest first, without rules and moderators."""
        ...

    async def communities_by_name(self, after: str, limit: int) -> list[Community]:
        """Communities with names after this one in any case, without rules and moderators."""
        ...

    async def find_communities(self, text: str, limit: int) -> list[Community]:
        """Communities with these words, best first, without rules and moderators."""
        ...

    async def subscribe(self, person_id: int, name: str, *, subscribed: bool) -> Community | None:
        """Follow a community or stop; the community with its moderators."""
        ...

    async def most_active(self, limit: int) -> list[CommunityLink]:
        """The communities highest in activity."""
        ...

    async def subscriptions(self, person_id: int) -> list[CommunityLink]:
        """The communities a person follows, by name."""
        ...

    async def follows(self, person_id: int, community_id: int) -> bool:
        """Whether a person follows this community."""
        ...

    # posts

    async def add_post(self, new: NewPost) -> Post | None:
        """Add a post and tell those it mentions; None if the community does not exist."""
        ...

    async def post(self, post_id: int) -> Post | None:
        """One post with its HTML, in whatever state."""
        ...

    async def posts(self, post_ids: list[int]) -> list[Post]:
        """Those that there are, in the order asked for, without HTML."""
        ...

    async def same_link(self, community: str, url: str, limit: int) -> list[Post]:
        """Live posts of this community whose link is canonically the same, newest first."""
        ...

    async def revise(self, post_id: int, writing: Writing, at: int) -> Post | None:
        """Make this the newest revision, unless the newest says the same; None if there is no such live post.

        Those it mentions are told.
        """
        ...

    async def revisions(self, post_id: int) -> list[PostRevision]:
        """All versions of a post, newest first; none if it is not live."""
        ...

    async def bury(self, post_id: int, state: State) -> None:
        """Destroy what a live post says and who wrote it, leaving its id, votes and comment count in this state."""
        ...

    async def lock(self, post_id: int, *, locked: bool) -> Post | None:
        """Set whether a live post takes comments."""
        ...

    # votes and marks

    async def vote(self, post_id: int, voter_id: int, vote: Vote) -> Tally | None:
        """Set a vote on a live post, its counts and ranks, and its author's karma; the same vote changes nothing."""
        ...

    async def set_mark(self, mark: Mark, person_id: int, post_id: int, at: int) -> bool:
        """Put a live post into a person's list, unless it is there."""
        ...

    async def clear_mark(self, mark: Mark, person_id: int, post_id: int) -> None:
        """Take a post out of a person's list."""
        ...

    async def marks(self, actor_id: int, post_ids: list[int]) -> list[PostMark]:
        """What somebody has done with these posts; nothing for those they have not touched."""
        ...

    # feeds and search

    async def feed(self, query: FeedQuery, after: Position | None, now: int) -> PostSlice | None:
        """Posts from a place in the feed on; None if its community does not exist."""
        ...

    async def search(self, query: SearchQuery) -> PostHits:
        """Live posts that match."""
        ...

    # from elsewhere

    async def import_posts(self, posts: Mapping[str, NewPost]) -> ImportedIds:
        """Add those whose key is not known, and the communities they need. Nobody is told but of karma."""
        ...

    async def imported(self, keys: list[str]) -> dict[str, int]:
        """The ids of those of these posts that have been imported, by their key."""
        ...

    async def threads_changed(self, events: list[ThreadChanged]) -> None:
        """Take over comment counts that are newer than what is kept."""
        ...

    async def erase_posts(self, person_id: int, limit: int, *, with_content: bool) -> int:
        """Take a person's name off some of their live posts, and their content too if asked; how many that were."""
        ...

    async def forget_person(self, person_id: int) -> None:
        """Remove a person's subscriptions, lists, moderation and karma. Their votes stay counted."""
        ...

    async def check(self) -> None:
        """Answer if the database does."""
        ...
