"""The types that cross the post room's door. All times are whole Unix seconds, UTC."""

from typing import Literal

from msgspec import Struct, field

from upthread.account.model import Author

Vote = Literal[-1, 0, 1]
FeedSort = Literal["hot", "active", "new", "hour", "day", "week", "month", "year", "all", "controversial"]
"""``hour`` to ``all`` are "top of" that long."""
CommunitySort = Literal["size", "activity", "name"]
State = Literal["live", "deleted", "removed"]
"""``deleted`` by its author, ``removed`` by a moderator. Either way the text is no longer given out."""

COMMUNITY_PATTERN = r"[A-Za-z0-9_]{2,30}"
"""What a community's name looks like. Names are unique without regard to case and never change."""
TITLE_LIMIT = 300
"""Characters of a post's title. (Imported titles may be longer; they are kept.)"""
TEXT_LIMIT = 40_000
"""Characters of Markdown in a post, a community's description, or its rules."""
COMMUNITY_TITLE_LIMIT = 100
"""Characters of a community's title."""
FLAIR_LIMIT = 64
"""Characters of a flair. (Imported ones may be longer; they are kept.)"""


class Community(Struct, frozen=True, kw_only=True):
    """A place for posts about one thing."""

    id: int
    name: str
    title: str
    description: str = ""
    """Markdown as it was typed."""
    description_html: str = ""
    rules: str = ""
    rules_html: str = ""
    created_at: int
    subscribers: int = 0
    posts: int = 0
    moderators: list[Author] = field(default_factory=list)
    """Filled in where one community is asked for, empty in lists."""


class CommunityLink(Struct, frozen=True, gc=False):
    """What a link to a community shows. Pages have links to many, up to hundreds that a person follows."""

    id: int
    name: str
    subscribers: int


class CommunityPage(Struct, frozen=True):
    """A page of communities and the cursor of the next one."""

    communities: list[Community]
    after: str | None


class PostDraft(Struct, frozen=True, kw_only=True):
    """What somebody wants to post: a link, a text, or a link with a text."""

    community: str
    title: str
    url: str = ""
    text: str = ""
    flair: str = ""
    nsfw: bool = False
    sent_created_at: str | None = None
    """When it was made, in Unix seconds, as whoever posts by the original's contract sends it; None on our own site."""


class Post(Struct, frozen=True, kw_only=True, gc=False):
    """A post as lists and pages show it. In feeds ``html`` is empty; ``has_text`` tells whether there is any."""

    id: int
    community: str
    title: str
    url: str = ""
    """Empty for a post that is text only."""
    domain: str = ""
    """Host of the link without ``www.``; empty without a link."""
    html: str = ""
    has_text: bool = False
    author: Author
    created_at: int
    edited_at: int | None = None
    ups: int = 0
    downs: int = 0
    comments: int = 0
    flair: str = ""
    nsfw: bool = False
    locked: bool = False
    """No new comments."""
    state: State = "live"
    revisions: int = 1
    """How many versions of title and text there are; more than one means that it was edited."""
    sent_created_at: str | None = None
    """The time as it was sent by the original's contract, to be given back so; None if it was not made there."""

    @property
    def score(self) -> int:
        """Ups minus downs."""
        return self.ups - self.downs


class PostRevision(Struct, frozen=True, kw_only=True):
    """One version of a post, as typed; number 1 is the first."""

    number: int
    title: str
    text: str
    created_at: int


class FeedQuery(Struct, frozen=True, kw_only=True):
    """Which posts, in which order, from where on. At most one of the scopes is set; none means the whole site."""

    subscribed_by: int | None = None
    community: str | None = None
    author_id: int | None = None
    domain: str | None = None
    saved_by: int | None = None
    hidden_by: int | None = None
    sort: FeedSort = "hot"
    """Not looked at for ``saved_by`` and ``hidden_by``: those show what was marked last first."""
    viewer_id: int | None = None
    """Leave out what this person has hidden."""
    after: str | None = None
    limit: int = 25


class PostMark(Struct, frozen=True, kw_only=True, gc=False):
    """What one person has done with a post. Posts they did nothing with have no mark."""

    post_id: int
    vote: Vote = 0
    saved: bool = False
    hidden: bool = False


class FeedPage(Struct, frozen=True):
    """A page of posts and the cursor of the next one (None at the end)."""

    posts: list[Post]
    after: str | None
    marks: list[PostMark] = field(default_factory=list)
    """What the viewer has done with them, or whose list it is."""


class FrontPage(Struct, frozen=True, kw_only=True):
    """A feed, and communities to name beside it."""

    feed: FeedPage
    communities: list[CommunityLink]
    """Those that the person follows whose home feed it is; of others the most active."""
    is_home: bool
    """Whether it is a person's home feed."""


class Tally(Struct, frozen=True):
    """The votes on one thing after a vote, and the voter's own."""

    ups: int
    downs: int
    vote: Vote

    @property
    def score(self) -> int:
        """Ups minus downs."""
        return self.ups - self.downs


class SearchQuery(Struct, frozen=True, kw_only=True):
    """A search as the service takes it. ``text`` is words; the rest narrow it down. Shared by posts and comments."""

    text: str = ""
    community: str | None = None
    author: str | None = None
    domain: str | None = None
    before: int | None = None
    """Only things made before this time."""
    after: int | None = None
    """Only things made at or after this time."""
    offset: int = 0
    limit: int = 25


class PostHit(Struct, frozen=True):
    """A post found by a search. In ``snippet`` each hit stands between U+E000 and U+E001; the rest is plain text."""

    post: Post
    snippet: str


class PostHits(Struct, frozen=True):
    """Posts found, best first. Ranking looks at the newest matches only, so a page costs the same on any site."""

    hits: list[PostHit]
    more: bool


class ImportedPost(Struct, frozen=True, kw_only=True):
    """A post from elsewhere, with its own time and votes. ``key`` makes running an import again change nothing."""

    key: str
    community: str
    title: str
    url: str = ""
    text: str = ""
    author: Author
    created_at: int
    edited_at: int | None = None
    ups: int = 0
    downs: int = 0
    flair: str = ""
    nsfw: bool = False
    locked: bool = False
    state: State = "live"
    """Where it is not live, its text is not kept, like that of a post deleted here."""


class ImportedIds(Struct, frozen=True):
    """The id of each imported thing by its key, and how many of them were new."""

    ids: dict[str, int]
    added: int


# Facts that arrive from other services, at least once and possibly late (see docs/architecture.md, "outbox").


class ThreadChanged(Struct, frozen=True, kw_only=True):
    """How many comments a post has now; a higher ``revision`` replaces a lower one."""

    post_id: int
    comments: int
    last_comment_at: int
    revision: int
