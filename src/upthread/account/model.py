"""The types that cross the account room's door. All times are whole Unix seconds, UTC."""

from typing import Literal

from msgspec import Struct, field

Theme = Literal["auto", "light", "dark"]
Density = Literal["comfortable", "compact"]
NoticeKind = Literal["reply", "mention"]
WrittenContent = Literal["keep", "erase"]
"""What happens to posts and comments when an account is deleted: kept without the name, or emptied as well."""

NAME_PATTERN = r"[A-Za-z0-9_-]{3,20}"
"""What a person's name looks like. Names are unique without regard to case and never change."""
BIO_LIMIT = 2_000
"""Characters of Markdown in a profile."""
UNREAD_CAP = 1_000
"""Unread inbox entries are counted up to this many, so that a full inbox slows no page."""


class Actor(Struct, frozen=True):
    """Who asks for something: a person (``id`` > 0) or a guest (``id`` < 0, from a signed cookie).

    The site makes it from a session; services trust it, because only the site and other services can call them.
    """

    id: int
    name: str
    is_admin: bool = False
    email: str = ""
    """A guest's address as they typed it. Never shown on a page."""

    @property
    def is_guest(self) -> bool:
        """Whether this is someone without an account."""
        return self.id < 0


class Author(Struct, frozen=True, gc=False):
    """Who wrote something, as kept beside it: ``id`` > 0 a person, < 0 a guest, 0 somebody no longer known."""

    id: int
    name: str


class Settings(Struct, frozen=True, kw_only=True):
    """What a person has chosen about how the site looks. An empty text means "as the site decides"."""

    theme: Theme = "auto"
    language: Literal["", "en", "ru"] = ""
    feed_sort: str = ""
    comment_sort: str = ""
    density: Density = "comfortable"


class Person(Struct, frozen=True, kw_only=True):
    """Somebody with an account, as anyone may see them."""

    id: int
    name: str
    created_at: int
    is_admin: bool = False
    bio: str = ""
    """Markdown as it was typed."""
    bio_html: str = ""
    post_karma: int = 0
    comment_karma: int = 0


class SignedIn(Struct, frozen=True, kw_only=True):
    """A person who is signed in, with what every page of theirs needs: read with one query."""

    person: Person
    session_id: int
    settings: Settings = field(default_factory=Settings)
    unread: int = 0
    """Inbox entries not yet read, counted up to UNREAD_CAP."""

    @property
    def actor(self) -> Actor:
        """The person as the one who asks."""
        return Actor(id=self.person.id, name=self.person.name, is_admin=self.person.is_admin)


class Device(Struct, frozen=True):
    """Where a request came from, kept with a session so that people recognise it and limits can count it."""

    ip: str
    user_agent: str = ""


class NewSession(Struct, frozen=True):
    """A session just opened. The token goes into the cookie; only its hash is kept."""

    token: str
    signed_in: SignedIn


class Session(Struct, frozen=True, kw_only=True):
    """One of a person's open sessions, as listed for them."""

    id: int
    created_at: int
    last_seen_at: int
    expires_at: int
    ip: str
    user_agent: str


class Notice(Struct, frozen=True, kw_only=True):
    """One inbox entry."""

    id: int
    kind: NoticeKind
    author: Author
    post_id: int
    comment_id: int | None
    """None where the mention is in a post."""
    title: str
    """Title of the post it belongs to."""
    community: str
    excerpt: str
    """The beginning of what was written, plain text."""
    created_at: int
    read: bool


class NoticePage(Struct, frozen=True):
    """A page of an inbox, newest first, and the cursor of the next one."""

    notices: list[Notice]
    after: str | None


class PersonPage(Struct, frozen=True):
    """A page of people and the cursor of the next one."""

    people: list[Person]
    after: str | None


# A fact that this room sends.


class PersonErased(Struct, frozen=True, kw_only=True):
    """An account was deleted: take the name off what they wrote and, if ``erase_content``, empty that too."""

    person_id: int
    erase_content: bool


# Facts that arrive from other services, at least once and possibly late (see docs/architecture.md, "outbox").


class NoticeArrived(Struct, frozen=True, kw_only=True):
    """Somebody was answered or mentioned.

    The same (person, post_id, comment_id) makes one inbox entry only; a reply with a mention in it is a reply.
    """

    kind: NoticeKind
    person_id: int = 0
    """Whom it is for; 0 if only the name is known, as in a mention."""
    person_name: str = ""
    author: Author
    post_id: int
    comment_id: int | None
    title: str
    community: str
    excerpt: str
    created_at: int


class KarmaChanged(Struct, frozen=True, kw_only=True):
    """What a person's posts (or comments) have earned in all; a higher ``revision`` replaces a lower one."""

    person_id: int
    source: Literal["post", "comment"]
    karma: int
    revision: int
