"""What a backup holds of the comment room, and what is worked out from it again."""

from msgspec import Struct

from upthread import markdown
from upthread.comment.model import State, Vote
from upthread.comment.store import Writing
from upthread.ranking import CommentRanks, comment_ranks
from upthread.storage.records import Counter, WaitingFact


class ThreadRecord(Struct, frozen=True, kw_only=True, tag=True):
    """What is kept of a post that has comments."""

    post_id: int
    author_id: int
    title: str
    community: str
    comments: int
    roots: int
    last_comment_at: int
    revision: int
    post_revision: int


class CommentVersion(Struct, frozen=True):
    """One version of what a comment says."""

    number: int
    text: str
    created_at: int


class CommentRecord(Struct, frozen=True, kw_only=True, tag=True):
    """A comment with all its versions, oldest first; one that is not live has none."""

    id: int
    post_id: int
    community: str
    """That of its thread, by which it is found."""
    above: list[int]
    """The comments above it, from the top down."""
    author_id: int
    author_name: str
    author_email: str
    created_at: int
    sent_created_at: str | None
    edited_at: int | None
    ups: int
    downs: int
    replies: int
    state: State
    versions: list[CommentVersion]

    @property
    def ranks(self) -> CommentRanks:
        """Its ranks among its siblings."""
        return comment_ranks(self.ups, self.downs)

    @property
    def revisions(self) -> int:
        """How many versions are told of it."""
        return max(len(self.versions), 1)

    def writing(self) -> Writing:
        """What it says, in each form that is kept of it."""
        text = self.versions[-1].text if self.versions else ""
        html = markdown.render(text) if text else ""
        return Writing(text=text, html=html, plain=markdown.plain(html))


class CommentKey(Struct, frozen=True, tag=True):
    """What a comment from elsewhere is known by there."""

    key: str
    comment_id: int
    post_id: int


class CommentVote(Struct, frozen=True, tag=True):
    """A vote. Votes that were imported are in the comment's sums only."""

    comment_id: int
    voter_id: int
    vote: Vote


class CommentSaved(Struct, frozen=True, tag=True):
    """A comment in somebody's list."""

    person_id: int
    comment_id: int
    saved_at: int


class CommentKarma(Struct, frozen=True, tag=True):
    """What somebody's comments have earned."""

    author_id: int
    karma: int
    revision: int


CommentRoomRecord = (
    ThreadRecord | CommentRecord | CommentKey | CommentVote | CommentSaved | CommentKarma | WaitingFact | Counter
)
"""Everything there is, in the order in which it is kept and restored."""
