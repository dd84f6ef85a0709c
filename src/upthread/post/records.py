"""What a backup holds of the post room, and what is worked out from it again."""

from msgspec import Struct

from upthread import markdown
from upthread.account.model import Author
from upthread.post.model import State, Vote
from upthread.post.store import CommunityTexts, Mark, Writing
from upthread.ranking import Ranks, post_ranks
from upthread.storage.records import Counter, WaitingFact


class CommunityRecord(Struct, frozen=True, kw_only=True, tag=True):
    """A community and those who look after it."""

    id: int
    name: str
    title: str
    description: str
    rules: str
    created_at: int
    subscribers: int
    posts: int
    activity: float
    moderators: list[Author]

    def texts(self) -> CommunityTexts:
        """What it says about itself, as it is shown too."""
        return CommunityTexts(
            title=self.title,
            description=self.description,
            description_html=markdown.render(self.description),
            rules=self.rules,
            rules_html=markdown.render(self.rules),
        )


class PostVersion(Struct, frozen=True):
    """One version of what a post says."""

    number: int
    title: str
    text: str
    created_at: int


class PostRecord(Struct, frozen=True, kw_only=True, tag=True):
    """A post with all its versions, oldest first; one that is not live has none."""

    id: int
    community_id: int
    url: str
    author_id: int
    author_name: str
    author_email: str
    created_at: int
    sent_created_at: str | None
    edited_at: int | None
    ups: int
    downs: int
    comments: int
    last_comment_at: int
    thread_revision: int
    told_revision: int
    flair: str
    nsfw: bool
    locked: bool
    state: State
    versions: list[PostVersion]

    @property
    def ranks(self) -> Ranks:
        """Its place in every order."""
        return post_ranks(self.ups, self.downs, self.created_at, self.last_comment_at)

    @property
    def revisions(self) -> int:
        """How many versions are told of it."""
        return max(len(self.versions), 1)

    def writing(self) -> Writing:
        """What it says, in each form that is kept of it."""
        newest = self.versions[-1] if self.versions else PostVersion(0, "", "", 0)
        html = markdown.render(newest.text) if newest.text else ""
        return Writing(title=newest.title, text=newest.text, html=html, plain=markdown.plain(html))


class PostKey(Struct, frozen=True, tag=True):
    """What a post from elsewhere is known by there."""

    key: str
    post_id: int


class PostVote(Struct, frozen=True, tag=True):
    """A vote. Votes that were imported are in the post's sums only."""

    post_id: int
    voter_id: int
    vote: Vote


class PostMarked(Struct, frozen=True, tag=True):
    """A post in somebody's list."""

    mark: Mark
    person_id: int
    post_id: int
    marked_at: int


class Subscription(Struct, frozen=True, tag=True):
    """Somebody follows a community."""

    person_id: int
    community_id: int


class PostKarma(Struct, frozen=True, tag=True):
    """What somebody's posts have earned."""

    author_id: int
    karma: int
    revision: int


PostRoomRecord = (
    CommunityRecord | PostRecord | PostKey | PostVote | PostMarked | Subscription | PostKarma | WaitingFact | Counter
)
"""Everything there is, in the order in which it is kept and restored."""
