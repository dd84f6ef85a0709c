"""The account store on SQLite."""

import math
from collections.abc import Sequence
from typing import Any

import apsw
import msgspec

from upthread.account import limits
from upthread.account.layout import LAYOUT
from upthread.account.limits import Try
from upthread.account.model import (
    UNREAD_CAP,
    Author,
    KarmaChanged,
    Notice,
    NoticeArrived,
    Person,
    PersonErased,
    Session,
    Settings,
    SignedIn,
)
from upthread.account.store import Credentials, KnownPerson, OpenSession, SessionDraft
from upthread.storage import outbox
from upthread.storage.sqlite import Database, Parameters, Row

__all__ = ["LAYOUT", "SqliteAccountStore"]

AFTER_ALL_NAMES = "\U0010ffff"
"""Sorts behind every character that a name has."""


class SqliteAccountStore:
    """Keeps accounts in a service's own SQLite file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # people and passwords

    async def add_person(self, name: str, folded: str, password_hash: str, session: SessionDraft) -> SignedIn | None:
        """Add a person and open their first session; None if the name is or was somebody's."""

        def add(connection: apsw.Connection) -> SignedIn | None:
            added = connection.execute(
                "INSERT INTO person (name, name_folded, password_hash, created_at) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (name_folded) DO NOTHING RETURNING id",
                (name, folded, password_hash, session.opened_at),
            ).fetchone()
            if added is None:
                return None
            (person_id,) = added
            return _open_session(connection, person_id, session)

        return await self._database.write(add)

    async def credentials(self, folded: str) -> Credentials | None:
        """What to check a password against, by name."""
        return _credentials(
            self._database.row(
                "SELECT id, name, password_hash FROM person WHERE name_folded = ? AND deleted_at IS NULL", (folded,)
            )
        )

    async def credentials_by_id(self, person_id: int) -> Credentials | None:
        """What to check a password against, by id."""
        return _credentials(
            self._database.row(
                "SELECT id, name, password_hash FROM person WHERE id = ? AND deleted_at IS NULL", (person_id,)
            )
        )

    async def replace_password(self, verified: Credentials, password_hash: str, keep_session: int) -> bool:
        """Set a new hash and end every other session, unless the hash is no longer the verified one."""

        def replace(connection: apsw.Connection) -> bool:
            if not _set_hash_if_verified(connection, verified, password_hash):
                return False
            connection.execute(
                "DELETE FROM session WHERE person_id = ? AND id != ?", (verified.person_id, keep_session)
            )
            return True

        return await self._database.write(replace)

    async def set_password(self, folded: str, password_hash: str) -> bool:
        """Set a hash and end every session; False if there is no such person."""

        def set_hash(connection: apsw.Connection) -> bool:
            person = connection.execute(
                "UPDATE person SET password_hash = ? WHERE name_folded = ? AND deleted_at IS NULL RETURNING id",
                (password_hash, folded),
            ).fetchone()
            if person is None:
                return False
            connection.execute("DELETE FROM session WHERE person_id = ?", person)
            return True

        return await self._database.write(set_hash)

    async def set_admin(self, folded: str, *, is_admin: bool) -> bool:
        """Set whether somebody is an administrator; False if there is no such person."""
        changed = await self._execute(
            "UPDATE person SET is_admin = ? WHERE name_folded = ? AND deleted_at IS NULL", (is_admin, folded)
        )
        return changed > 0

    async def person(self, folded: str) -> KnownPerson | None:
        """Somebody by name."""
        row = self._database.row(f"SELECT {PERSON}, deleted_at FROM profile WHERE name_folded = ?", (folded,))  # noqa: S608 - no input in it
        if not row:
            return None
        *columns, deleted_at = row
        return KnownPerson(_person(columns), deleted=deleted_at is not None)

    async def set_bio(self, person_id: int, bio: str, bio_html: str) -> Person | None:
        """Set a profile's text; None if there is no such person."""

        def set_bio(connection: apsw.Connection) -> Person | None:
            connection.execute(
                "UPDATE person SET bio = ?, bio_html = ? WHERE id = ? AND deleted_at IS NULL",
                (bio, bio_html, person_id),
            )
            row = connection.execute(
                f"SELECT {PERSON} FROM profile WHERE id = ? AND deleted_at IS NULL",  # noqa: S608 - no input in it
                (person_id,),
            ).fetchone()
            if row is None:
                return None
            connection.execute("DELETE FROM bio_words WHERE rowid = ?", (person_id,))
            if bio:
                connection.execute("INSERT INTO bio_words (rowid, bio) VALUES (?, ?)", (person_id, bio))
            return _person(row)

        return await self._database.write(set_bio)

    async def set_settings(self, person_id: int, settings: Settings) -> None:
        """Set how the site looks for somebody."""
        text = msgspec.json.encode(settings).decode()
        await self._execute("UPDATE person SET settings = ? WHERE id = ? AND deleted_at IS NULL", (text, person_id))

    async def delete_person(self, verified: Credentials, fact: PersonErased, deleted_at: int) -> bool:
        """Wipe the account but for its name and tell the other services, unless the hash is not the verified one."""

        def delete(connection: apsw.Connection) -> bool:
            if not _set_hash_if_verified(connection, verified, None):
                return False
            person_id = verified.person_id
            connection.execute(
                "UPDATE person SET name = '', is_admin = 0, bio = '', bio_html = '', settings = '{}', deleted_at = ?"
                " WHERE id = ?",
                (deleted_at, person_id),
            )
            connection.execute("DELETE FROM bio_words WHERE rowid = ?", (person_id,))
            connection.execute("DELETE FROM karma WHERE person_id = ?", (person_id,))
            connection.execute("DELETE FROM session WHERE person_id = ?", (person_id,))
            connection.execute("DELETE FROM notice WHERE person_id = ?", (person_id,))
            if fact.erase_content:
                connection.execute("DELETE FROM notice WHERE author_id = ?", (person_id,))
            else:
                connection.execute(
                    "UPDATE notice SET author_id = 0, author_name = '' WHERE author_id = ?", (person_id,)
                )
            for receiver in ("post", "comment"):
                outbox.put(connection, receiver, str(person_id), fact)
            return True

        return await self._database.write(delete)

    async def find_people(self, prefix: str, words: list[str], after: str, limit: int) -> list[Person]:
        """People whose folded name begins with ``prefix`` or whose bio has all the words, by name, behind ``after``."""
        everything_found = f"""
            SELECT {PERSON} FROM profile WHERE id IN (
                SELECT id FROM (
                    SELECT id FROM person
                    WHERE name_folded >= :prefix AND name_folded < :prefix_end AND name_folded > :after
                        AND deleted_at IS NULL
                    ORDER BY name_folded LIMIT :limit
                )
                UNION
                SELECT id FROM (
                    SELECT person.id FROM bio_words JOIN person ON person.id = bio_words.rowid
                    WHERE bio_words MATCH :words AND name_folded > :after
                    ORDER BY name_folded LIMIT :limit
                )
            ) ORDER BY name_folded LIMIT :limit
        """  # noqa: S608 - no input in it
        parameters = {
            "prefix": prefix,
            "prefix_end": prefix + AFTER_ALL_NAMES,
            "words": " ".join(f'"{word}"' for word in words) or '""',
            "after": after,
            "limit": limit,
        }
        found = await self._database.slow(
            lambda connection: connection.execute(everything_found, parameters).fetchall()
        )
        return [_person(row) for row in found]

    # sessions

    async def open_session(
        self, verified: Credentials, better_hash: str | None, session: SessionDraft
    ) -> SignedIn | None:
        """Open a session, unless the hash is no longer the verified one. ``better_hash`` takes its place if given."""

        def open_session(connection: apsw.Connection) -> SignedIn | None:
            if not _set_hash_if_verified(connection, verified, better_hash or verified.password_hash):
                return None
            return _open_session(connection, verified.person_id, session)

        return await self._database.write(open_session)

    async def session(self, token_hash: bytes, now: int) -> OpenSession | None:
        """The session with this token, if it has not expired, and all that pages need of its person: one query."""
        row = self._database.row(OPEN_SESSION, (UNREAD_CAP, token_hash, now))
        if not row:
            return None
        last_seen_at, *columns = row
        return OpenSession(_signed_in(columns), last_seen_at)

    async def touch_session(self, session_id: int, now: int, expires_at: int) -> None:
        """Note that a session was used, and until when it now lives."""
        await self._execute(
            "UPDATE session SET last_seen_at = ?, expires_at = ? WHERE id = ?", (now, expires_at, session_id)
        )

    async def close_session(self, token_hash: bytes) -> None:
        """End the session with this token, if there is one."""
        await self._database.write(
            lambda connection: connection.execute("DELETE FROM session WHERE token_hash = ?", (token_hash,))
        )

    async def sessions(self, person_id: int, now: int) -> list[Session]:
        """A person's sessions that have not expired, used last first."""
        found = self._database.rows(
            "SELECT id, created_at, last_seen_at, expires_at, ip, user_agent FROM session"
            " WHERE person_id = ? AND expires_at > ? ORDER BY last_seen_at DESC, id DESC",
            (person_id, now),
        )
        return [
            Session(
                id=session_id,
                created_at=created_at,
                last_seen_at=last_seen_at,
                expires_at=expires_at,
                ip=ip,
                user_agent=user_agent,
            )
            for session_id, created_at, last_seen_at, expires_at, ip, user_agent in found
        ]

    async def end_session(self, person_id: int, session_id: int) -> None:
        """End one session of this person."""
        await self._execute("DELETE FROM session WHERE id = ? AND person_id = ?", (session_id, person_id))

    async def end_sessions(self, person_id: int, keep: int | None, now: int) -> int:
        """End all sessions of this person but one; how many of them had not expired."""

        def end(connection: apsw.Connection) -> int:
            ended = connection.execute(
                "DELETE FROM session WHERE person_id = ? AND id IS NOT ? RETURNING expires_at > ?",
                (person_id, keep, now),
            )
            return sum(lived for (lived,) in ended)

        return await self._database.write(end)

    # limits

    async def take_tries(self, tries: list[Try], now: int) -> int:
        """Count one try for each of these unless one is over its limit; then how many seconds until none is."""

        def take(connection: apsw.Connection) -> int:
            connection.execute("DELETE FROM attempt WHERE expires_at <= ?", (now,))
            counted = [(each, _times(connection, each)) for each in tries]
            wait = max(limits.wait(times, each.limit, now) for each, times in counted)
            if not wait:
                for each, times in counted:
                    kept = [*limits.recent(times, each.limit, now), now]
                    connection.execute(
                        "INSERT OR REPLACE INTO attempt (key, times, expires_at) VALUES (?, ?, ?)",
                        (each.digest, msgspec.json.encode(kept).decode(), now + each.limit.seconds),
                    )
            return wait

        return await self._database.write(take)

    async def give_back(self, tries: list[Try], taken_at: int) -> None:
        """Take back one try each, counted at that time, because it was none of those that are limited."""

        def give_back(connection: apsw.Connection) -> None:
            for each in tries:
                times = _times(connection, each)
                if taken_at in times:
                    times.remove(taken_at)
                    connection.execute(
                        "UPDATE attempt SET times = ? WHERE key = ?",
                        (msgspec.json.encode(times).decode(), each.digest),
                    )

        await self._database.write(give_back)

    # inbox

    async def notices(
        self, person_id: int, *, unread_only: bool, before: tuple[float, int] | None, limit: int
    ) -> list[Notice]:
        """Inbox entries behind this (time, id), newest first."""
        found = self._database.rows(
            UNREAD_NOTICES if unread_only else NOTICES, (person_id, *(before or (math.inf, 0)), limit)
        )
        return [_notice(row) for row in found]

    async def mark_read(self, person_id: int, notice_ids: list[int], *, read: bool) -> None:
        """Mark those of the entries that are this person's."""
        await self._execute_many(
            "UPDATE notice SET is_read = ? WHERE id = ? AND person_id = ?",
            [(read, notice_id, person_id) for notice_id in notice_ids],
        )

    async def mark_all_read(self, person_id: int) -> None:
        """Mark every entry of this person."""
        await self._execute("UPDATE notice SET is_read = 1 WHERE person_id = ? AND NOT is_read", (person_id,))

    # from elsewhere

    async def import_people(self, names: dict[str, str], created_at: int) -> dict[str, int]:
        """The id for each folded name, adding people without a password where there are none; 0 for deleted ones."""

        def import_people(connection: apsw.Connection) -> dict[str, int]:
            connection.executemany(
                "INSERT INTO person (name, name_folded, created_at) VALUES (?, ?, ?)"
                " ON CONFLICT (name_folded) DO NOTHING",
                [(name, folded, created_at) for folded, name in names.items()],
            )
            found = connection.execute(
                "SELECT name_folded, iif(deleted_at IS NULL, person.id, 0)"
                " FROM json_each(?) CROSS JOIN person ON name_folded = value",
                (msgspec.json.encode(list(names)).decode(),),
            )
            return dict(found)

        return await self._database.write(import_people)

    async def ids(self, folded: list[str]) -> dict[str, int]:
        """The ids of those of the names that somebody has."""
        found = self._database.rows(
            "SELECT name_folded, id FROM person"
            " WHERE name_folded IN (SELECT value FROM json_each(?)) AND deleted_at IS NULL",
            (msgspec.json.encode(folded).decode(),),
        )
        return dict(found)

    async def add_notices(self, notices: list[NoticeArrived]) -> None:
        """Put entries into inboxes, one for each person and thing; a reply takes the place of a mention."""
        await self._execute_many(ADD_NOTICE, [_notice_row(notice) for notice in notices])

    async def set_karma(self, events: list[KarmaChanged]) -> None:
        """Keep each person's karma, where the revision is higher than the one known."""
        await self._execute_many(
            """
            INSERT INTO karma (person_id, source, karma, revision)
            SELECT id, :source, :karma, :revision FROM person WHERE id = :person_id AND deleted_at IS NULL
            ON CONFLICT (person_id, source) DO UPDATE SET karma = excluded.karma, revision = excluded.revision
                WHERE excluded.revision > karma.revision
            """,
            [msgspec.structs.asdict(event) for event in events],
        )

    async def check(self) -> None:
        """Read one row of the smallest table there is."""
        self._database.row("SELECT 1 FROM sqlite_schema")

    async def _execute(self, sql: str, parameters: Parameters) -> int:
        """Run one statement; how many rows it has changed."""

        def execute(connection: apsw.Connection) -> int:
            connection.execute(sql, parameters)
            return connection.changes()

        return await self._database.write(execute)

    async def _execute_many(self, sql: str, rows: Sequence[Parameters]) -> None:
        await self._database.write(lambda connection: connection.executemany(sql, rows))


PERSON = "profile.id, name, profile.created_at, is_admin, bio, bio_html, post_karma, comment_karma"
"""What :func:`_person` takes, of the view ``profile``."""

OPEN_SESSION = f"""
SELECT
    session.last_seen_at, session.id, settings,
    (SELECT count(*) FROM (SELECT 1 FROM notice WHERE person_id = profile.id AND NOT is_read LIMIT ?)),
    {PERSON}
FROM session JOIN profile ON profile.id = session.person_id
WHERE session.token_hash = ? AND session.expires_at > ?
"""  # noqa: S608 - no input in it

NOTICE = "id, kind, author_id, author_name, post_id, comment_id, title, community, excerpt, created_at, is_read"

NOTICES = f"""
SELECT {NOTICE} FROM notice WHERE person_id = ? AND (created_at, id) < (?, ?)
ORDER BY created_at DESC, id DESC LIMIT ?
"""  # noqa: S608 - no input in it

UNREAD_NOTICES = f"""
SELECT {NOTICE} FROM notice WHERE person_id = ? AND (created_at, id) < (?, ?) AND NOT is_read
ORDER BY created_at DESC, id DESC LIMIT ?
"""  # noqa: S608 - no input in it

ADD_NOTICE = """
INSERT INTO notice
    (person_id, kind, author_id, author_name, post_id, comment_id, title, community, excerpt, created_at)
SELECT id, :kind, :author_id, :author_name, :post_id, :comment_id, :title, :community, :excerpt, :created_at
FROM person
WHERE id = :person_id AND deleted_at IS NULL
    AND (:author_id <= 0 OR EXISTS (SELECT 1 FROM person WHERE id = :author_id AND deleted_at IS NULL))
ON CONFLICT (person_id, post_id, comment_id) DO UPDATE SET kind = excluded.kind WHERE excluded.kind = 'reply'
"""


def _set_hash_if_verified(connection: apsw.Connection, verified: Credentials, password_hash: str | None) -> bool:
    # The password was checked some time ago, in another thread; meanwhile it may have been changed, or the
    # account deleted.
    connection.execute(
        "UPDATE person SET password_hash = ? WHERE id = ? AND password_hash = ?",
        (password_hash, verified.person_id, verified.password_hash),
    )
    return connection.changes() > 0


def _open_session(connection: apsw.Connection, person_id: int, session: SessionDraft) -> SignedIn:
    connection.execute("DELETE FROM session WHERE expires_at <= ?", (session.opened_at,))
    connection.execute(
        "DELETE FROM session WHERE person_id = ? AND id NOT IN"
        " (SELECT id FROM session WHERE person_id = ? ORDER BY last_seen_at DESC, id DESC LIMIT ?)",
        (person_id, person_id, session.at_most - 1),
    )
    connection.execute(
        "INSERT INTO session (token_hash, person_id, created_at, last_seen_at, expires_at, ip, user_agent)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            session.token_hash,
            person_id,
            session.opened_at,
            session.opened_at,
            session.expires_at,
            session.device.ip,
            session.device.user_agent,
        ),
    )
    [(_, *columns)] = connection.execute(OPEN_SESSION, (UNREAD_CAP, session.token_hash, session.opened_at))
    return _signed_in(columns)


def _times(connection: apsw.Connection, tried: Try) -> list[int]:
    row = connection.execute("SELECT times FROM attempt WHERE key = ?", (tried.digest,)).fetchone()
    return msgspec.json.decode(*row, type=list[int]) if row else []


def _credentials(row: Row | None) -> Credentials | None:
    return Credentials(*row) if row else None


def _person(row: Sequence[Any]) -> Person:
    person_id, name, created_at, is_admin, bio, bio_html, post_karma, comment_karma = row
    return Person(
        id=person_id,
        name=name,
        created_at=created_at,
        is_admin=bool(is_admin),
        bio=bio,
        bio_html=bio_html,
        post_karma=post_karma,
        comment_karma=comment_karma,
    )


def _signed_in(row: Sequence[Any]) -> SignedIn:
    session_id, settings, unread, *person = row
    return SignedIn(
        person=_person(person),
        session_id=session_id,
        settings=msgspec.json.decode(settings, type=Settings),
        unread=unread,
    )


def _notice(row: Row) -> Notice:
    notice_id, kind, author_id, author_name, post_id, comment_id, title, community, excerpt, created_at, is_read = row
    return Notice(
        id=notice_id,
        kind=kind,
        author=Author(author_id, author_name),
        post_id=post_id,
        comment_id=comment_id or None,
        title=title,
        community=community,
        excerpt=excerpt,
        created_at=created_at,
        read=bool(is_read),
    )


def _notice_row(notice: NoticeArrived) -> dict[str, Any]:
    return {
        **msgspec.structs.asdict(notice),
        "comment_id": notice.comment_id or 0,
        "author_id": notice.author.id,
        "author_name": notice.author.name,
    }
