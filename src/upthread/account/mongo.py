"""The account store on MongoDB.

Almost every unit of work is one write to one document, which is atomic by itself. The exceptions, and how they hold:

- Deleting an account and the facts that tell of it are one transaction. What is in inboxes, which may be very much, is
  cleared after it, and again by a courier until it is done (:meth:`MongoAccountStore.clear_inboxes`).
- An inbox entry is added only for people who are there both before and after it was added, so that of an account that
  is being deleted nothing is left behind.
- A try that counts against several limits is counted for one after the other and taken back if one of them refuses it.
  So for a moment one try too many may count, never one too few.
"""

from contextlib import suppress
from typing import Any

import msgspec
from pymongo import ASCENDING, DESCENDING, ReturnDocument, UpdateOne
from pymongo.errors import DuplicateKeyError

from upthread.account import limits
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
from upthread.account.mongo_layout import ATTEMPT, LAYOUT, NOTICE, PERSON
from upthread.account.store import Credentials, KnownPerson, OpenSession, SessionDraft
from upthread.errors import Unavailable
from upthread.storage import mongo, mongo_outbox
from upthread.storage.mongo import Document, MongoDatabase
from upthread.words import words_of

__all__ = ["LAYOUT", "MongoAccountStore"]

AFTER_ALL_NAMES = "\U0010ffff"
"""Sorts behind every character that a name has."""

CREDENTIALS = ("name", "password_hash")
PROFILE = ("name", "name_folded", "created_at", "deleted_at", "is_admin", "bio", "bio_html", "karma")
ALL_BUT_THE_NAME = ("name", "password_hash", "is_admin", "settings", "bio", "bio_html", "words", "karma", "sessions")


class MongoAccountStore:
    """Keeps accounts in a service's own MongoDB database."""

    def __init__(self, database: MongoDatabase) -> None:
        self._database = database
        self._people = database.collection(PERSON)
        self._notices = database.collection(NOTICE)
        self._attempts = database.collection(ATTEMPT)

    # people and passwords

    async def add_person(self, name: str, folded: str, password_hash: str, session: SessionDraft) -> SignedIn | None:
        """Add a person and open their first session; None if the name is or was somebody's."""
        (person_id,) = await self._database.next_ids(PERSON)
        opened = await self._session_document(session)
        person = {
            "_id": person_id,
            "name": name,
            "name_folded": folded,
            "password_hash": password_hash,
            "created_at": session.opened_at,
            "sessions": [opened],
        }
        try:
            await self._database.write(self._people.insert_one(person))
        except DuplicateKeyError:
            return None
        return SignedIn(person=_person(person), session_id=opened["id"])

    async def credentials(self, folded: str) -> Credentials | None:
        """What to check a password against, by name."""
        return await self._credentials({"name_folded": folded, "deleted_at": None})

    async def credentials_by_id(self, person_id: int) -> Credentials | None:
        """What to check a password against, by id."""
        return await self._credentials({"_id": person_id, "deleted_at": None})

    async def replace_password(self, verified: Credentials, password_hash: str, keep_session: int) -> bool:
        """Set a new hash and end every other session, unless the hash is no longer the verified one."""
        replaced = await self._database.write(
            self._people.update_one(
                _still(verified),
                {"$set": {"password_hash": password_hash}, "$pull": {"sessions": {"id": {"$ne": keep_session}}}},
            )
        )
        return replaced.matched_count > 0

    async def set_password(self, folded: str, password_hash: str) -> bool:
        """Set a hash and end every session; False if there is no such person."""
        return await self._set({"name_folded": folded}, password_hash=password_hash, sessions=[])

    async def set_admin(self, folded: str, *, is_admin: bool) -> bool:
        """Set whether somebody is an administrator; False if there is no such person."""
        return await self._set({"name_folded": folded}, is_admin=is_admin)

    async def person(self, folded: str) -> KnownPerson | None:
        """Somebody by name."""
        found = await self._database.read(self._people.find_one({"name_folded": folded}, PROFILE))
        return KnownPerson(_person(found), deleted="deleted_at" in found) if found else None

    async def set_bio(self, person_id: int, bio: str, bio_html: str) -> Person | None:
        """Set a profile's text; None if there is no such person."""
        texts = {"bio": bio, "bio_html": bio_html, "words": words_of(bio)}
        found = await self._database.write(
            self._people.find_one_and_update(
                {"_id": person_id, "deleted_at": None},
                {"$set": texts} if bio else {"$unset": texts},
                PROFILE,
                return_document=ReturnDocument.AFTER,
            )
        )
        return _person(found) if found else None

    async def set_settings(self, person_id: int, settings: Settings) -> None:
        """Set how the site looks for somebody."""
        await self._set({"_id": person_id}, settings=msgspec.to_builtins(settings))

    async def delete_person(self, verified: Credentials, fact: PersonErased, deleted_at: int) -> bool:
        """Wipe the account but for its name and tell the other services, unless the hash is not the verified one."""

        async def delete(session: mongo.Session) -> bool:
            wiped = await self._people.update_one(
                _still(verified),
                {"$set": {"deleted_at": deleted_at}, "$unset": dict.fromkeys(ALL_BUT_THE_NAME, "")},
                session=session,
            )
            if not wiped.matched_count:
                return False
            told = [(receiver, str(fact.person_id), fact) for receiver in ("post", "comment", "account")]
            await mongo_outbox.put(self._database, session, told)
            return True

        if not await self._database.transact(delete):
            return False
        with suppress(Unavailable):  # the fact for this service is left, and a courier brings it
            await self.clear_inboxes([fact])
        return True

    async def clear_inboxes(self, facts: list[PersonErased]) -> None:
        """Empty the inboxes of people just deleted, and take their name, or their entries, from those of others."""
        for fact in facts:
            await self._forget_notices({"person_id": fact.person_id})
            if fact.erase_content:
                await self._forget_notices({"author_id": fact.person_id})
            else:
                nobody = {"$set": {"author_id": 0, "author_name": ""}}
                await self._change_notices({"author_id": fact.person_id}, nobody)

    async def find_people(self, prefix: str, words: list[str], after: str, limit: int) -> list[Person]:
        """People whose folded name begins with ``prefix`` or whose bio has all the words, by name, behind ``after``."""
        by_name = {"name_folded": {"$gte": prefix, "$lt": prefix + AFTER_ALL_NAMES, "$gt": after}, "deleted_at": None}
        found = await self._first_people(by_name, limit)
        wanted = words_of(" ".join(words))
        if wanted:
            rarest_first = sorted(wanted, key=len, reverse=True)  # an index finds the first; long words are rarer
            found += await self._first_people({"words": {"$all": rarest_first}, "name_folded": {"$gt": after}}, limit)
        people = {person["name_folded"]: _person(person) for person in found}
        return [people[folded] for folded in sorted(people)[:limit]]

    # sessions

    async def open_session(
        self, verified: Credentials, better_hash: str | None, session: SessionDraft
    ) -> SignedIn | None:
        """Open a session, unless the hash is no longer the verified one. ``better_hash`` takes its place if given."""
        await self._drop_sessions_expired_at(session.opened_at)
        opened = await self._session_document(session)
        kept = {"$each": [opened], "$sort": {"last_seen_at": ASCENDING, "id": ASCENDING}, "$slice": -session.at_most}
        changed = await self._database.write(
            self._people.update_one(
                _still(verified),
                {"$set": {"password_hash": better_hash or verified.password_hash}, "$push": {"sessions": kept}},
            )
        )
        if not changed.matched_count:
            return None
        # None as well if the password was changed in this very moment, which ended the session.
        found = await self.session(session.token_hash, session.opened_at)
        return found.signed_in if found else None

    async def session(self, token_hash: bytes, now: int) -> OpenSession | None:
        """The session with this token, if it has not expired, and all that pages need of its person: one query."""
        found = await self._database.aggregate(PERSON, _open_session(token_hash, now))
        if not found or not found[0]["sessions"]:
            return None
        (person,) = found
        (session,) = person["sessions"]
        signed_in = SignedIn(
            person=_person(person),
            session_id=session["id"],
            settings=msgspec.convert(person.get("settings", {}), Settings),
            unread=person["unread"][0]["count"] if person["unread"] else 0,
        )
        return OpenSession(signed_in, session["last_seen_at"])

    async def touch_session(self, session_id: int, now: int, expires_at: int) -> None:
        """Note that a session was used, and until when it now lives."""
        seen = {"sessions.$.last_seen_at": now, "sessions.$.expires_at": expires_at}
        await self._database.write(self._people.update_one({"sessions.id": session_id}, {"$set": seen}))

    async def close_session(self, token_hash: bytes) -> None:
        """End the session with this token, if there is one."""
        await self._database.write(
            self._people.update_one(
                {"sessions.token_hash": token_hash}, {"$pull": {"sessions": {"token_hash": token_hash}}}
            )
        )

    async def sessions(self, person_id: int, now: int) -> list[Session]:
        """A person's sessions that have not expired, used last first."""
        person = await self._database.read(self._people.find_one({"_id": person_id}, ["sessions"])) or {}
        living = [session for session in person.get("sessions", []) if session["expires_at"] > now]
        living.sort(key=lambda session: (session["last_seen_at"], session["id"]), reverse=True)
        return [msgspec.convert(session, Session) for session in living]

    async def end_session(self, person_id: int, session_id: int) -> None:
        """End one session of this person."""
        await self._database.write(
            self._people.update_one({"_id": person_id}, {"$pull": {"sessions": {"id": session_id}}})
        )

    async def end_sessions(self, person_id: int, keep: int | None, now: int) -> int:
        """End all sessions of this person but one; how many of them had not expired."""
        before = await self._database.write(
            self._people.find_one_and_update(
                {"_id": person_id}, {"$pull": {"sessions": {"id": {"$ne": keep}}}}, ["sessions"]
            )
        )
        ended = [session for session in (before or {}).get("sessions", []) if session["id"] != keep]
        return sum(session["expires_at"] > now for session in ended)

    # limits

    async def take_tries(self, tries: list[Try], now: int) -> int:
        """Count one try for each of these unless one is over its limit; then how many seconds until none is."""
        await self._database.repeat(lambda: self._attempts.delete_many({"expires_at": {"$lte": now}}))
        taken: list[Try] = []
        for each in tries:
            if not await self._take(each, now):
                await self.give_back(taken, now)
                return await self._wait(tries, now)
            taken.append(each)
        return 0

    async def give_back(self, tries: list[Try], taken_at: int) -> None:
        """Take back one try each, counted at that time, because it was none of those that are limited."""
        place = {"$indexOfArray": ["$times", taken_at]}
        newer, older = {"$slice": ["$times", place]}, {"$slice": ["$times", {"$add": [place, 1]}, {"$size": "$times"}]}
        for each in tries:
            its_times = {"_id": each.digest, "times": taken_at}
            without_one = [{"$set": {"times": {"$concatArrays": [newer, older]}}}]
            await self._database.write(self._attempts.update_one(its_times, without_one))

    # inbox

    async def notices(
        self, person_id: int, *, unread_only: bool, before: tuple[float, int] | None, limit: int
    ) -> list[Notice]:
        """Inbox entries behind this (time, id), newest first."""
        wanted: Document = {"person_id": person_id}
        if unread_only:
            wanted["is_read"] = False
        if before:
            time, notice_id = before
            wanted["created_at"] = {"$lte": time}
            wanted["$or"] = [{"created_at": {"$lt": time}}, {"_id": {"$lt": notice_id}}]
        newest_first = [("created_at", DESCENDING), ("_id", DESCENDING)]
        found = await self._database.read(self._notices.find(wanted).sort(newest_first).limit(limit).to_list())
        return [_notice(notice) for notice in found]

    async def mark_read(self, person_id: int, notice_ids: list[int], *, read: bool) -> None:
        """Mark those of the entries that are this person's."""
        await self._change_notices({"_id": {"$in": notice_ids}, "person_id": person_id}, {"$set": {"is_read": read}})

    async def mark_all_read(self, person_id: int) -> None:
        """Mark every entry of this person."""
        await self._change_notices({"person_id": person_id, "is_read": False}, {"$set": {"is_read": True}})

    # from elsewhere

    async def import_people(self, names: dict[str, str], created_at: int) -> dict[str, int]:
        """The id for each folded name, adding people without a password where there are none; 0 for deleted ones."""
        known = await self._people_named(list(names))
        missing = [folded for folded in names if folded not in known]
        if missing:
            ids = await self._database.next_ids(PERSON, len(missing))
            added = [
                UpdateOne(
                    {"name_folded": folded},
                    {"$setOnInsert": {"_id": person_id, "name": names[folded], "created_at": created_at}},
                    upsert=True,
                )
                for person_id, folded in zip(ids, missing, strict=True)
            ]
            await self._database.repeat(lambda: self._people.bulk_write(added, ordered=False))
            known |= await self._people_named(missing)
        return {folded: 0 if "deleted_at" in person else person["_id"] for folded, person in known.items()}

    async def ids(self, folded: list[str]) -> dict[str, int]:
        """The ids of those of the names that somebody has."""
        known = await self._people_named(folded)
        return {name: person["_id"] for name, person in known.items() if "deleted_at" not in person}

    async def add_notices(self, notices: list[NoticeArrived]) -> None:
        """Put entries into inboxes, one for each person and thing; a reply takes the place of a mention."""
        involved = {notice.person_id for notice in notices} | {notice.author.id for notice in notices}
        present = await self._present(involved)
        wanted = [
            notice
            for notice in notices
            if notice.person_id in present and (notice.author.id <= 0 or notice.author.id in present)
        ]
        if not wanted:
            return
        ids = await self._database.next_ids(NOTICE, len(wanted))
        added = [_adding(notice, notice_id) for notice, notice_id in zip(wanted, ids, strict=True)]
        await self._database.repeat(lambda: self._notices.bulk_write(added))
        gone = list(present - await self._present(present))
        if gone:  # meanwhile, and their inboxes were perhaps cleared before these entries came
            theirs = [{"person_id": {"$in": gone}}, {"author_id": {"$in": gone}}]
            await self._forget_notices({"_id": {"$in": ids}, "$or": theirs})

    async def set_karma(self, events: list[KarmaChanged]) -> None:
        """Keep each person's karma, where the revision is higher than the one known."""
        changes = [
            UpdateOne(
                {
                    "_id": event.person_id,
                    "deleted_at": None,
                    f"karma.{event.source}.revision": {"$not": {"$gte": event.revision}},
                },
                {"$set": {f"karma.{event.source}": {"earned": event.karma, "revision": event.revision}}},
            )
            for event in events
        ]
        await self._database.repeat(lambda: self._people.bulk_write(changes))

    async def check(self) -> None:
        """Ask the server whether it is there."""
        await self._database.ping()

    # what several of these do

    async def _credentials(self, wanted: Document) -> Credentials | None:
        found = await self._database.read(self._people.find_one(wanted, CREDENTIALS))
        return Credentials(found["_id"], found["name"], found.get("password_hash")) if found else None

    async def _set(self, wanted: Document, **fields: Any) -> bool:
        changed = await self._database.write(self._people.update_one({**wanted, "deleted_at": None}, {"$set": fields}))
        return changed.matched_count > 0

    async def _first_people(self, wanted: Document, limit: int) -> list[Document]:
        return await self._database.read(self._people.find(wanted, PROFILE).sort("name_folded").limit(limit).to_list())

    async def _people_named(self, folded: list[str]) -> dict[str, Document]:
        found = await self._database.read(
            self._people.find({"name_folded": {"$in": folded}}, ["name_folded", "deleted_at"]).to_list()
        )
        return {person["name_folded"]: person for person in found}

    async def _present(self, person_ids: set[int]) -> set[int]:
        found = await self._database.read(
            self._people.find({"_id": {"$in": list(person_ids)}, "deleted_at": None}, ["_id"]).to_list()
        )
        return {person["_id"] for person in found}

    async def _session_document(self, session: SessionDraft) -> Document:
        (session_id,) = await self._database.next_ids("session")
        return {
            "id": session_id,
            "token_hash": session.token_hash,
            "created_at": session.opened_at,
            "last_seen_at": session.opened_at,
            "expires_at": session.expires_at,
            "ip": session.device.ip,
            "user_agent": session.device.user_agent,
        }

    async def _drop_sessions_expired_at(self, now: int) -> None:
        expired = {"expires_at": {"$lte": now}}
        await self._database.repeat(
            lambda: self._people.update_many({"sessions.expires_at": {"$lte": now}}, {"$pull": {"sessions": expired}})
        )

    async def _take(self, each: Try, now: int) -> bool:
        # One more is within the limit if, so many tries back, there is none or one that no longer counts.
        latest_allowed = now - each.limit.seconds
        within = {"_id": each.digest, f"times.{each.limit.tries - 1}": {"$not": {"$gt": latest_allowed}}}
        counted = {
            "$push": {"times": {"$each": [now], "$sort": DESCENDING, "$slice": each.limit.tries}},
            "$max": {"expires_at": now + each.limit.seconds},
        }
        try:
            await self._database.write(self._attempts.update_one(within, counted, upsert=True))
        except DuplicateKeyError:  # over the limit, or another was quicker to begin this list
            taken = await self._database.write(self._attempts.update_one(within, counted))
            return taken.matched_count > 0
        return True

    async def _wait(self, tries: list[Try], now: int) -> int:
        digests = [each.digest for each in tries]
        found = await self._database.read(self._attempts.find({"_id": {"$in": digests}}).to_list())
        times = {attempt["_id"]: attempt["times"] for attempt in found}
        # At least a second, though somebody may have given a try back since this one was refused.
        return max(1, *(limits.wait(times.get(each.digest, []), each.limit, now) for each in tries))

    async def _change_notices(self, wanted: Document, change: Document) -> None:
        await self._database.repeat(lambda: self._notices.update_many(wanted, change))

    async def _forget_notices(self, wanted: Document) -> None:
        await self._database.repeat(lambda: self._notices.delete_many(wanted))


def _still(verified: Credentials) -> Document:
    # The password was checked some time ago; meanwhile it may have been changed, or the account deleted.
    return {"_id": verified.person_id, "password_hash": verified.password_hash}


def _open_session(token_hash: bytes, now: int) -> list[Document]:
    this_one = {"$and": [{"$eq": ["$$this.token_hash", token_hash]}, {"$gt": ["$$this.expires_at", now]}]}
    unread = [
        {"$match": {"$expr": {"$eq": ["$person_id", "$$person_id"]}, "is_read": False}},
        {"$limit": UNREAD_CAP},
        {"$group": {"_id": None, "count": {"$sum": 1}}},
    ]
    shown = {**dict.fromkeys(PROFILE, 1), "settings": 1}
    return [
        {"$match": {"sessions.token_hash": token_hash}},
        {"$project": {**shown, "sessions": {"$filter": {"input": "$sessions", "cond": this_one}}}},
        {"$lookup": {"from": NOTICE, "let": {"person_id": "$_id"}, "pipeline": unread, "as": "unread"}},
    ]


def _adding(notice: NoticeArrived, notice_id: int) -> UpdateOne:
    entry = {
        "_id": notice_id,
        "kind": notice.kind,
        "author_id": notice.author.id,
        "author_name": notice.author.name,
        "title": notice.title,
        "community": notice.community,
        "excerpt": notice.excerpt,
        "created_at": notice.created_at,
        "is_read": False,
    }
    change: Document = {"$setOnInsert": entry}
    if notice.kind == "reply":  # it takes the place of a mention
        change["$set"] = {"kind": entry.pop("kind")}
    thing = {"person_id": notice.person_id, "post_id": notice.post_id, "comment_id": notice.comment_id}
    return UpdateOne(thing, change, upsert=True)


def _person(found: Document) -> Person:
    karma = found.get("karma", {})
    return Person(
        id=found["_id"],
        name=found.get("name", ""),
        created_at=found["created_at"],
        is_admin=found.get("is_admin", False),
        bio=found.get("bio", ""),
        bio_html=found.get("bio_html", ""),
        post_karma=karma.get("post", {}).get("earned", 0),
        comment_karma=karma.get("comment", {}).get("earned", 0),
    )


def _notice(found: Document) -> Notice:
    return Notice(
        id=found["_id"],
        kind=found["kind"],
        author=Author(found["author_id"], found["author_name"]),
        post_id=found["post_id"],
        comment_id=found["comment_id"],
        title=found["title"],
        community=found["community"],
        excerpt=found["excerpt"],
        created_at=found["created_at"],
        read=found["is_read"],
    )
