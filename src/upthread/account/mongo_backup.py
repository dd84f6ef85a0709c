"""The account room's MongoDB database as records of a backup, and back."""

from collections.abc import AsyncIterator, Sequence

import msgspec

from upthread import markdown
from upthread.account.model import Settings
from upthread.account.mongo_layout import NOTICE, PERSON
from upthread.account.records import AccountRoomRecord, Earned, NoticeRecord, OpenedSession, PersonRecord
from upthread.storage.mongo import Document, MongoDatabase
from upthread.storage.mongo_records import (
    Snapshot,
    add,
    add_facts,
    plain,
    read_counters,
    read_facts,
    set_counters,
)
from upthread.storage.records import Counter, WaitingFact
from upthread.words import words_of


async def read_all(snapshot: Snapshot) -> AsyncIterator[AccountRoomRecord]:
    """Everything that the room keeps, but for tries that count against limits."""
    async for found in snapshot.find(PERSON, "_id"):
        yield _person(found)
    async for found in snapshot.find(NOTICE, "_id"):
        yield msgspec.convert({**found, "id": found["_id"], "comment_id": found["comment_id"] or 0}, NoticeRecord)
    async for fact in read_facts(snapshot):
        yield fact
    async for counter in read_counters(snapshot):
        yield counter


async def add_all(database: MongoDatabase, records: Sequence[AccountRoomRecord]) -> None:
    """Add records to a database that had none, in the order in which they were read."""
    await add(database, PERSON, [_document(record) for record in records if isinstance(record, PersonRecord)])
    notices = [record for record in records if isinstance(record, NoticeRecord)]
    await add(
        database,
        NOTICE,
        [{**plain(each, "id"), "_id": each.id, "comment_id": each.comment_id or None} for each in notices],
    )
    await add_facts(database, [record for record in records if isinstance(record, WaitingFact)])
    await set_counters(database, [record for record in records if isinstance(record, Counter)])


def _person(found: Document) -> PersonRecord:
    karma = found.get("karma", {})
    return PersonRecord(
        id=found["_id"],
        name=found.get("name", ""),
        name_folded=found["name_folded"],
        password_hash=found.get("password_hash"),
        created_at=found["created_at"],
        deleted_at=found.get("deleted_at"),
        is_admin=found.get("is_admin", False),
        bio=found.get("bio", ""),
        settings=msgspec.convert(found.get("settings", {}), Settings),
        earned=[Earned(source, karma[source]["earned"], karma[source]["revision"]) for source in sorted(karma)],
        sessions=sorted(msgspec.convert(found.get("sessions", []), list[OpenedSession]), key=lambda each: each.id),
    )


def _document(person: PersonRecord) -> Document:
    """What a field does not hold is not there (see :mod:`upthread.account.mongo_layout`)."""
    kept = {name: value for name, value in plain(person, "id", "earned", "bio").items() if value}
    if person.bio:
        kept |= {"bio": person.bio, "bio_html": markdown.render(person.bio), "words": words_of(person.bio)}
    karma = {each.source: {"earned": each.karma, "revision": each.revision} for each in person.earned}
    if karma:
        kept["karma"] = karma
    return {"_id": person.id, **kept}
