"""The account room's SQLite file as records of a backup, and back."""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from typing import Any

import apsw
import msgspec
from msgspec.structs import asdict

from upthread import markdown
from upthread.account.records import AccountRoomRecord, NoticeRecord, PersonRecord
from upthread.storage.records import Counter, WaitingFact
from upthread.storage.sqlite_records import add, add_facts, read, read_counters, read_facts, set_counters

PEOPLE = """
SELECT id, name, name_folded, password_hash, created_at, deleted_at, is_admin, bio, settings,
    (SELECT json_group_array(json_object('source', source, 'karma', karma, 'revision', revision))
     FROM (SELECT * FROM karma WHERE person_id = person.id ORDER BY source)) AS earned,
    (SELECT json_group_array(json_object('id', id, 'token_hash', base64(token_hash), 'created_at', created_at,
        'last_seen_at', last_seen_at, 'expires_at', expires_at, 'ip', ip, 'user_agent', user_agent))
     FROM (SELECT * FROM session WHERE person_id = person.id ORDER BY id)) AS sessions
FROM person ORDER BY id
"""
NOTICES = """
SELECT id, person_id, kind, author_id, author_name, post_id, comment_id, title, community, excerpt, created_at, is_read
FROM notice ORDER BY id
"""
NESTED = ("settings", "earned", "sessions")


def read_all(connection: apsw.Connection) -> Iterator[AccountRoomRecord]:
    """Everything that the room keeps, but for tries that count against limits."""
    connection.create_scalar_function("base64", _base64, 1, deterministic=True)
    yield from read(connection, PersonRecord, PEOPLE)
    yield from read(connection, NoticeRecord, NOTICES)
    yield from read_facts(connection)
    yield from read_counters(connection)


def _base64(*arguments: Any) -> str:
    (content,) = arguments
    return b64encode(content).decode()


def add_all(connection: apsw.Connection, records: Sequence[AccountRoomRecord]) -> None:
    """Add records to a file that had none, in the order in which they were read."""
    _add_people(connection, [record for record in records if isinstance(record, PersonRecord)])
    add(connection, "notice", [asdict(record) for record in records if isinstance(record, NoticeRecord)])
    add_facts(connection, [record for record in records if isinstance(record, WaitingFact)])
    set_counters(connection, [record for record in records if isinstance(record, Counter)])


def _add_people(connection: apsw.Connection, people: Sequence[PersonRecord]) -> None:
    add(
        connection,
        "person",
        [
            {
                **{name: value for name, value in asdict(person).items() if name not in NESTED},
                "bio_html": markdown.render(person.bio) if person.bio else "",
                "settings": msgspec.json.encode(person.settings).decode(),
            }
            for person in people
        ],
    )
    karma = [{"person_id": person.id, **asdict(earned)} for person in people for earned in person.earned]
    add(connection, "karma", karma)
    sessions = [{"person_id": person.id, **asdict(session)} for person in people for session in person.sessions]
    add(connection, "session", sessions)
    add(connection, "bio_words", [{"rowid": person.id, "bio": person.bio} for person in people if person.bio])
