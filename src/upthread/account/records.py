"""What a backup holds of the account room. Tries that count against limits are not kept: they are over in a day."""

from msgspec import Struct

from upthread.account.model import NoticeKind, Settings
from upthread.storage.records import Counter, WaitingFact


class Earned(Struct, frozen=True):
    """What a person has earned in another room, as of its last news."""

    source: str
    karma: int
    revision: int


class OpenedSession(Struct, frozen=True, kw_only=True):
    """A session; of its token a hash is all that is known."""

    id: int
    token_hash: bytes
    created_at: int
    last_seen_at: int
    expires_at: int
    ip: str
    user_agent: str


class PersonRecord(Struct, frozen=True, kw_only=True, tag=True):
    """An account with what they earned, by source, and their sessions, by id. A deleted one is but a taken name."""

    id: int
    name: str
    name_folded: str
    password_hash: str | None
    created_at: int
    deleted_at: int | None
    is_admin: bool
    bio: str
    settings: Settings
    earned: list[Earned]
    sessions: list[OpenedSession]


class NoticeRecord(Struct, frozen=True, kw_only=True, tag=True):
    """An inbox entry; ``comment_id`` is 0 for a mention in a post."""

    id: int
    person_id: int
    kind: NoticeKind
    author_id: int
    author_name: str
    post_id: int
    comment_id: int
    title: str
    community: str
    excerpt: str
    created_at: int
    is_read: bool


AccountRoomRecord = PersonRecord | NoticeRecord | WaitingFact | Counter
"""Everything there is, in the order in which it is kept and restored."""
