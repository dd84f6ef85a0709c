"""What can be done with people, their sessions and their inbox: the only door of the account room."""

import hashlib
import re
import secrets
from contextlib import suppress

import msgspec

from upthread import cursor, markdown
from upthread.account import limits
from upthread.account.limits import Try
from upthread.account.model import (
    BIO_LIMIT,
    Device,
    KarmaChanged,
    NewSession,
    NoticeArrived,
    NoticePage,
    Person,
    PersonErased,
    PersonPage,
    Session,
    Settings,
    SignedIn,
    WrittenContent,
)
from upthread.account.names import check_name, fold
from upthread.account.passwords import Passwords, check_password
from upthread.account.store import AccountStore, Credentials, SessionDraft
from upthread.errors import Gone, Invalid, NotFound, RateLimited, SignInNeeded, Unavailable
from upthread.runtime.calls.methods import idempotent
from upthread.runtime.clock import Clock

SESSION_LIFE = 30 * 24 * 60 * 60
"""Seconds for which a session lives after it was last used."""
SEEN_STEP = 60 * 60
"""A session's last use is known to this many seconds, so that reading pages doesn't write."""
SESSIONS_AT_MOST = 100
"""Sessions of one person; a further one ends the one used longest ago."""
USER_AGENT_LIMIT = 300
"""Characters kept of what a browser says it is."""
PAGE_LIMIT = 100
"""Things on a page at most, whatever is asked for."""
SEARCH_TEXT_LIMIT = 200
"""Characters of a search that are looked at."""


class AccountService:
    """People, sessions, inbox. Every method is one call, near or far, with typed ends."""

    def __init__(self, store: AccountStore, clock: Clock, passwords: Passwords) -> None:
        self._store = store
        self._clock = clock
        self._passwords = passwords

    async def sign_up(self, name: str, password: str, device: Device) -> NewSession:
        """Make an account and sign in.

        Raises:
            Invalid: fields name (misshapen or taken) or password (too short, too long, or the name itself).
            RateLimited: too many new accounts from this address.
        """
        check_name(name)
        check_password(password, name)
        if await self._store.person(fold(name)):
            raise _name_taken()
        wait = await self._store.take_tries(
            [Try(limits.SIGN_UPS_BY_ADDRESS, limits.network_of(device.ip))], self._clock.now()
        )
        if wait:
            raise RateLimited("Too many new accounts. Try again in {retry_after} s.", retry_after=wait)
        password_hash = await self._passwords.hash(password)
        token, session = self._new_session(device)
        signed_in = await self._store.add_person(name, fold(name), password_hash, session)
        if signed_in is None:  # somebody else was quicker
            raise _name_taken()
        return NewSession(token, signed_in)

    async def log_in(self, name: str, password: str, device: Device) -> NewSession:
        """Sign in. The answer and its time are the same for a wrong password and a name that does not exist.

        Raises:
            SignInNeeded: name and password do not match.
            RateLimited: too many failures for this name or from this address.
        """
        tries = [
            Try(limits.LOG_INS_BY_NAME, fold(name)),
            Try(limits.LOG_INS_BY_ADDRESS, limits.network_of(device.ip)),
        ]
        verified = await self._verified(await self._store.credentials(fold(name)), password, tries)
        if verified is None:
            raise _no_match()
        better_hash = None
        if verified.password_hash and self._passwords.outdated(verified.password_hash):
            with suppress(RateLimited):  # in a busy moment it can wait for the next log-in
                better_hash = await self._passwords.hash(password)
        token, session = self._new_session(device)
        signed_in = await self._store.open_session(verified, better_hash, session)
        if signed_in is None:  # the password was changed, or the account deleted, since it was verified
            raise _no_match()
        return NewSession(token, signed_in)

    @idempotent
    async def signed_in(self, token: str) -> SignedIn | None:
        """Whose session this token opens, with settings and unread count; None if it is unknown or has ended."""
        now = self._clock.now()
        session = await self._store.session(_token_hash(token), now)
        if session is None:
            return None
        if now - session.last_seen_at >= SEEN_STEP:
            with suppress(Unavailable):  # pages can still be read where nothing can be written
                await self._store.touch_session(session.signed_in.session_id, now, now + SESSION_LIFE)
        return session.signed_in

    @idempotent
    async def log_out(self, token: str) -> None:
        """End the session of this token. Doing so twice changes nothing."""
        await self._store.close_session(_token_hash(token))

    @idempotent
    async def sessions(self, person_id: int) -> list[Session]:
        """A person's open sessions, used last first."""
        return await self._store.sessions(person_id, self._clock.now())

    @idempotent
    async def end_session(self, person_id: int, session_id: int) -> None:
        """End one session of this person."""
        if 0 < session_id <= cursor.LARGEST_ID:
            await self._store.end_session(person_id, session_id)

    async def end_sessions(self, person_id: int, *, keep: int | None = None) -> int:
        """End all sessions of this person but ``keep``; how many ended."""
        return await self._store.end_sessions(person_id, keep, self._clock.now())

    async def change_password(self, person_id: int, current: str, new: str, session_id: int) -> None:
        """Set a new password and end every session but this one.

        Raises:
            Invalid: fields current (does not match) or new.
            RateLimited: too many failures.
        """
        verified = await self._verified_person(person_id, current, field="current")
        check_password(new, verified.name, field="new")
        new_hash = await self._passwords.hash(new)
        if not await self._store.replace_password(verified, new_hash, session_id):
            raise _wrong_password("current")

    @idempotent
    async def person(self, name: str) -> Person:
        """Somebody by name, in any case.

        Raises:
            NotFound: never was. Gone: the account was deleted.
        """
        known = await self._store.person(fold(name))
        if known is None:
            raise _nobody()
        if known.deleted:
            raise Gone("This account was deleted.")
        return known.person

    @idempotent
    async def edit_profile(self, person_id: int, bio: str) -> Person:
        """Set what one says about oneself (Markdown, at most 2,000 characters; field bio)."""
        bio = bio.strip()
        if len(bio) > BIO_LIMIT:
            raise Invalid("A profile has at most {limit} characters.", field="bio", limit=BIO_LIMIT)
        person = await self._store.set_bio(person_id, bio, markdown.render(bio))
        if person is None:
            raise _nobody()
        return person

    @idempotent
    async def change_settings(self, person_id: int, settings: Settings) -> None:
        """Set how the site looks for this person."""
        for field in ("feed_sort", "comment_sort"):
            if not re.fullmatch("[a-z]{0,20}", getattr(settings, field)):
                raise Invalid("There is no such order.", field=field)
        await self._store.set_settings(person_id, settings)

    async def delete_account(self, person_id: int, password: str, content: WrittenContent) -> None:
        """Delete the account for good; the name stays taken.

        Profile, password, sessions and inbox go at once, the name on what they wrote (and, with ``erase``, the texts)
        as soon as the other services have taken note.

        Raises:
            Invalid: field password; it does not match.
            RateLimited: too many failures.
        """
        verified = await self._verified_person(person_id, password, field="password")
        fact = PersonErased(person_id=person_id, erase_content=content == "erase")
        if not await self._store.delete_person(verified, fact, self._clock.now()):
            raise _wrong_password("password")

    @idempotent
    async def find_people(self, text: str, after: str | None = None, limit: int = 10) -> PersonPage:
        """People whose name begins with this text, or whose profile has these words; by name."""
        text = text[:SEARCH_TEXT_LIMIT].strip()
        position = cursor.decode_text(after)
        limit = _bounded(limit)
        found = await self._store.find_people(
            fold(text), re.findall(r"\w+", text), position.key if position else "", limit + 1
        )
        people = found[:limit]
        end = people[-1] if len(found) > limit else None
        return PersonPage(people, cursor.encode(cursor.TextPosition(fold(end.name), end.id)) if end else None)

    # inbox

    @idempotent
    async def inbox(
        self, person_id: int, *, unread_only: bool = False, after: str | None = None, limit: int = 25
    ) -> NoticePage:
        """Replies and mentions, newest first."""
        limit = _bounded(limit)
        found = await self._store.notices(
            person_id, unread_only=unread_only, before=cursor.decode(after), limit=limit + 1
        )
        notices = found[:limit]
        end = notices[-1] if len(found) > limit else None
        return NoticePage(notices, cursor.encode((end.created_at, end.id)) if end else None)

    @idempotent
    async def mark_read(self, person_id: int, notice_ids: list[int], *, read: bool = True) -> None:
        """Mark these inbox entries as read, or as unread again. Other people's entries are passed over."""
        ids = [notice_id for notice_id in notice_ids if 0 < notice_id <= cursor.LARGEST_ID]
        await self._store.mark_read(person_id, ids, read=read)

    @idempotent
    async def mark_all_read(self, person_id: int) -> None:
        """Mark the whole inbox as read."""
        await self._store.mark_all_read(person_id)

    # for operators

    @idempotent
    async def set_admin(self, name: str, *, is_admin: bool) -> Person:
        """Make somebody an administrator, or no longer one.

        Raises:
            NotFound, Gone: there is no such person.
        """
        await self._store.set_admin(fold(name), is_admin=is_admin)
        return await self.person(name)

    @idempotent
    async def reset_password(self, name: str, password: str) -> None:
        """Set a password without knowing the old one, and end every session.

        Raises:
            Invalid: field password; too short, too long, or the name itself.
            NotFound, Gone: there is no such person.
        """
        check_password(password, name)
        await self.person(name)
        if not await self._store.set_password(fold(name), await self._passwords.hash(password)):
            raise _nobody()

    # from elsewhere

    @idempotent
    async def import_people(self, names: list[str], created_at: int) -> dict[str, int]:
        """Ids for these names, making people without a password where there are none. Idempotent.

        A name whose account was deleted here gets the id 0: what it wrote is nobody's any more.
        """
        by_folded: dict[str, str] = {}
        for name in names:
            by_folded.setdefault(fold(name), name)
        ids = await self._store.import_people(by_folded, created_at)
        return {name: ids[fold(name)] for name in names}

    @idempotent
    async def notices_arrived(self, events: list[NoticeArrived]) -> None:
        """Put replies and mentions into inboxes, once each; names that nobody has are passed over."""
        ids = await self._store.ids(sorted({fold(event.person_name) for event in events if not event.person_id}))
        notices = []
        for event in events:
            person_id = event.person_id or ids.get(fold(event.person_name), 0)
            if person_id > 0 and person_id != event.author.id:
                notices.append(msgspec.structs.replace(event, person_id=person_id))
        await self._store.add_notices(notices)

    @idempotent
    async def karma_changed(self, events: list[KarmaChanged]) -> None:
        """Take note of karma. Idempotent; older news than what is known is passed over."""
        await self._store.set_karma(events)

    @idempotent
    async def check(self) -> None:
        """Answer if the database does.

        Raises:
            Unavailable: it does not.
        """
        await self._store.check()

    # passwords and sessions

    async def _verified(self, credentials: Credentials | None, password: str, tries: list[Try]) -> Credentials | None:
        # The tries are counted before the password is checked, so that many at once don't slip past the limit.
        now = self._clock.now()
        wait = await self._store.take_tries(tries, now)
        if wait:
            raise RateLimited("Too many wrong passwords. Try again in {retry_after} s.", retry_after=wait)
        try:
            matches = await self._passwords.verify(password, credentials.password_hash if credentials else None)
        except RateLimited:  # nothing was checked
            await self._store.give_back(tries, now)
            raise
        if not matches:
            return None
        await self._store.give_back(tries, now)
        return credentials

    async def _verified_person(self, person_id: int, password: str, field: str) -> Credentials:
        credentials = await self._store.credentials_by_id(person_id)
        verified = await self._verified(credentials, password, [Try(limits.CHECKS_BY_PERSON, str(person_id))])
        if verified is None:
            raise _wrong_password(field)
        return verified

    def _new_session(self, device: Device) -> tuple[str, SessionDraft]:
        token = secrets.token_urlsafe(32)
        now = self._clock.now()
        return token, SessionDraft(
            token_hash=_token_hash(token),
            device=Device(device.ip, device.user_agent[:USER_AGENT_LIMIT]),
            opened_at=now,
            expires_at=now + SESSION_LIFE,
            at_most=SESSIONS_AT_MOST,
        )


def _token_hash(token: str) -> bytes:
    # No salt and no slow hash: the token is 256 random bits, so there is nothing to guess.
    return hashlib.sha256(token.encode()).digest()


def _bounded(limit: int) -> int:
    return max(1, min(limit, PAGE_LIMIT))


def _nobody() -> NotFound:
    return NotFound("There is nobody with this name.")


def _name_taken() -> Invalid:
    return Invalid("This name is taken.", field="name")


def _no_match() -> SignInNeeded:
    return SignInNeeded("Name and password do not match.")


def _wrong_password(field: str) -> Invalid:
    return Invalid("This is not your password.", field=field)
