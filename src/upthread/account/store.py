"""What the account service needs kept. Each method is one transaction: it happens whole or not at all.

Names come folded (see :mod:`upthread.account.names`) wherever they are looked up by. People whose account was deleted
have no credentials, no sessions and no inbox, and are found by :meth:`AccountStore.person` only.
"""

from typing import Protocol

from msgspec import Struct

from upthread.account.limits import Try
from upthread.account.model import (
    Device,
    KarmaChanged,
    Notice,
    NoticeArrived,
    Person,
    PersonErased,
    Session,
    Settings,
    SignedIn,
)


class Credentials(Struct, frozen=True):
    """What a password is checked against. Imported people have no hash until an operator sets a password."""

    person_id: int
    name: str
    password_hash: str | None


class OpenSession(Struct, frozen=True):
    """A session found by its token."""

    signed_in: SignedIn
    last_seen_at: int


class KnownPerson(Struct, frozen=True):
    """Somebody who has, or had, an account."""

    person: Person
    deleted: bool


class SessionDraft(Struct, frozen=True, kw_only=True):
    """A session about to be opened."""

    token_hash: bytes
    device: Device
    opened_at: int
    """Everybody's sessions that have expired by then go as this one comes."""
    expires_at: int
    at_most: int
    """How many sessions a person has; those used longest ago go first."""


class AccountStore(Protocol):
    """Keeps people, sessions, inboxes, counts of tries, and facts for the other services."""

    # people and passwords

    async def add_person(self, name: str, folded: str, password_hash: str, session: SessionDraft) -> SignedIn | None:
        """Add a person and open their first session; None if the name is or was somebody's."""
        ...

    async def credentials(self, folded: str) -> Credentials | None:
        """What to check a password against, by name."""
        ...

    async def credentials_by_id(self, person_id: int) -> Credentials | None:
        """What to check a password against, by id."""
        ...

    async def replace_password(self, verified: Credentials, password_hash: str, keep_session: int) -> bool:
        """Set a new hash and end every other session, unless the hash is no longer the verified one."""
        ...

    async def set_password(self, folded: str, password_hash: str) -> bool:
        """Set a hash and end every session; False if there is no such person."""
        ...

    async def set_admin(self, folded: str, *, is_admin: bool) -> bool:
        """Set whether somebody is an administrator; False if there is no such person."""
        ...

    async def person(self, folded: str) -> KnownPerson | None:
        """Somebody by name."""
        ...

    async def set_bio(self, person_id: int, bio: str, bio_html: str) -> Person | None:
        """Set a profile's text; None if there is no such person."""
        ...

    async def set_settings(self, person_id: int, settings: Settings) -> None:
        """Set how the site looks for somebody."""
        ...

    async def delete_person(self, verified: Credentials, fact: PersonErased, deleted_at: int) -> bool:
        """Wipe the account but for its name and tell the other services, unless the hash is not the verified one.

        Their name goes from others' inboxes as well, or, if their texts are to be erased, the whole entry.
        """
        ...

    async def find_people(self, prefix: str, words: list[str], after: str, limit: int) -> list[Person]:
        """People whose folded name begins with ``prefix`` or whose bio has all the words, by name, behind ``after``."""
        ...

    # sessions

    async def open_session(
        self, verified: Credentials, better_hash: str | None, session: SessionDraft
    ) -> SignedIn | None:
        """Open a session, unless the hash is no longer the verified one. ``better_hash`` takes its place if given."""
        ...

    async def session(self, token_hash: bytes, now: int) -> OpenSession | None:
        """The session with this token, if it has not expired, and all that pages need of its person: one query."""
        ...

    async def touch_session(self, session_id: int, now: int, expires_at: int) -> None:
        """Note that a session was used, and until when it now lives."""
        ...

    async def close_session(self, token_hash: bytes) -> None:
        """End the session with this token, if there is one."""
        ...

    async def sessions(self, person_id: int, now: int) -> list[Session]:
        """A person's sessions that have not expired, used last first."""
        ...

    async def end_session(self, person_id: int, session_id: int) -> None:
        """End one session of this person."""
        ...

    async def end_sessions(self, person_id: int, keep: int | None, now: int) -> int:
        """End all sessions of this person but one; how many of them had not expired."""
        ...

    # limits

    async def take_tries(self, tries: list[Try], now: int) -> int:
        """Count one try for each of these, if all are within their limits: 0.

        Otherwise count none: the seconds until all are.
        """
        ...

    async def give_back(self, tries: list[Try], taken_at: int) -> None:
        """Take back one try each, counted at that time, because it was none of those that are limited."""
        ...

    # inbox

    async def notices(
        self, person_id: int, *, unread_only: bool, before: tuple[float, int] | None, limit: int
    ) -> list[Notice]:
        """Inbox entries behind this (time, id), newest first."""
        ...

    async def mark_read(self, person_id: int, notice_ids: list[int], *, read: bool) -> None:
        """Mark those of the entries that are this person's."""
        ...

    async def mark_all_read(self, person_id: int) -> None:
        """Mark every entry of this person."""
        ...

    # from elsewhere

    async def import_people(self, names: dict[str, str], created_at: int) -> dict[str, int]:
        """The id for each folded name, adding people without a password (named by the value) where there are none.

        A name whose account was deleted gets the id 0.
        """
        ...

    async def ids(self, folded: list[str]) -> dict[str, int]:
        """The ids of those of the names that somebody has."""
        ...

    async def add_notices(self, notices: list[NoticeArrived]) -> None:
        """Put entries into the inboxes of ``person_id``, one for each person and thing.

        A reply takes the place of a mention. Passed over if the person, or the author, is nobody (any more).
        """
        ...

    async def set_karma(self, events: list[KarmaChanged]) -> None:
        """Keep each person's karma, where the revision is higher than the one known."""
        ...

    async def check(self) -> None:
        """Do the least that shows that the database answers.

        Raises:
            Unavailable: it does not.
        """
        ...
