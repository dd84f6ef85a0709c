"""What holds of the account store on SQLite beyond the contract: what is read, written and handed on."""

from collections.abc import AsyncIterator
from pathlib import Path

import argon2
import msgspec
import pytest

from upthread.account.model import Author, Device, NoticeArrived, PersonErased
from upthread.account.passwords import Passwords
from upthread.account.service import SEEN_STEP, AccountService
from upthread.account.sqlite import LAYOUT, NOTICES, OPEN_SESSION, UNREAD_NOTICES, SqliteAccountStore
from upthread.errors import RateLimited, Unavailable
from upthread.runtime.clock import ManualClock
from upthread.storage.outbox import SqliteOutbox
from upthread.storage.sqlite import Database, named

pytestmark = pytest.mark.anyio

PASSWORD = "correct horse"
HOME = Device("192.0.2.1", "Firefox")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """An empty file of the account room."""
    database = Database.open(tmp_path / "account.sqlite3", LAYOUT)
    yield database
    await database.close()


@pytest.fixture
def account(database: Database, clock: ManualClock, cheap_passwords: Passwords) -> AccountService:
    """The service on that file."""
    return AccountService(SqliteAccountStore(database), clock, cheap_passwords)


def written(database: Database) -> int:
    """Bytes written to the file so far."""
    return Path(f"{database.path}-wal").stat().st_size


async def test_a_page_of_a_person_costs_one_query(
    account: AccountService, database: Database, clock: ManualClock
) -> None:
    """Whoever is signed in is known by one query, and pages within the hour write nothing."""
    ann = await account.sign_up("ann", PASSWORD, HOME)
    for number in range(30):
        await account.notices_arrived(
            [
                NoticeArrived(
                    kind="mention",
                    person_name="ann",
                    author=Author(-1, "Guest"),
                    post_id=number,
                    comment_id=None,
                    title="",
                    community="birds",
                    excerpt="",
                    created_at=number,
                )
            ]
        )
    statements, size = database.statements, written(database)
    clock.advance(SEEN_STEP - 1)
    signed_in = await account.signed_in(ann.token)
    assert signed_in
    assert signed_in.unread == 30
    assert database.statements - statements == 1
    assert written(database) == size


async def test_reading_goes_on_where_nothing_can_be_written(
    account: AccountService, database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a full disk people stay signed in, and nobody can guess passwords uncounted."""
    ann = await account.sign_up("ann", PASSWORD, HOME)

    async def full(_work: object) -> None:
        raise Unavailable(service="account")

    monkeypatch.setattr(database, "write", full)
    clock.advance(SEEN_STEP)
    assert await account.signed_in(ann.token)
    with pytest.raises(Unavailable):
        await account.log_in("ann", PASSWORD, HOME)


async def test_neither_tokens_nor_passwords_are_kept(account: AccountService, database: Database) -> None:
    """Whoever steals the file finds no token and no password in it, not even one typed as a name."""
    ann = await account.sign_up("ann", PASSWORD, HOME)
    with pytest.raises(Exception, match="do not match"):
        await account.log_in(PASSWORD, "ann", HOME)
    await database.close()
    kept = database.path.read_bytes()
    assert b"argon2id" in kept
    assert ann.token.encode() not in kept
    assert PASSWORD.encode() not in kept


async def test_limits_hold_across_processes(
    account: AccountService, database: Database, clock: ManualClock, cheap_passwords: Passwords
) -> None:
    """Guesses made through one process count in another on the same file."""
    for number in range(10):
        with pytest.raises(Exception, match="do not match"):
            await account.log_in("ann", "wrong horse", Device(f"192.0.2.{number}"))
    another = Database.open(database.path, LAYOUT)
    with pytest.raises(RateLimited):
        await AccountService(SqliteAccountStore(another), clock, cheap_passwords).log_in("ann", PASSWORD, HOME)
    await another.close()


async def test_counts_of_tries_do_not_pile_up(account: AccountService, database: Database, clock: ManualClock) -> None:
    """Tries that no longer count leave the file."""
    for number in range(20):
        with pytest.raises(Exception, match="do not match"):
            await account.log_in(f"name{number}", "wrong horse", HOME)
    clock.advance(24 * 60 * 60)
    await account.sign_up("ann", PASSWORD, HOME)
    assert database.rows("SELECT count(*) FROM attempt") == [(1,)]


async def test_a_session_that_expired_leaves_the_file(
    account: AccountService, database: Database, clock: ManualClock
) -> None:
    """Sessions that have ended by themselves are removed when the next one begins."""
    await account.sign_up("ann", PASSWORD, HOME)
    clock.advance(365 * 24 * 60 * 60)
    await account.sign_up("bob", PASSWORD, HOME)
    assert len(database.rows("SELECT id FROM session")) == 1


@pytest.mark.parametrize("content", ["keep", "erase"])
async def test_a_deleted_account_is_told_to_both_rooms(
    account: AccountService, database: Database, *, content: str
) -> None:
    """Deleting an account leaves one fact for the post room and one for the comment room, in the same commit."""
    ann = (await account.sign_up("ann", PASSWORD, HOME)).signed_in.person
    await account.delete_account(ann.id, PASSWORD, "erase" if content == "erase" else "keep")
    for receiver in ("post", "comment"):
        (envelope,) = await SqliteOutbox(database, receiver).pending(10)
        fact = msgspec.msgpack.decode(envelope.payload, type=PersonErased)
        assert fact == PersonErased(person_id=ann.id, erase_content=content == "erase")


async def test_a_deleted_account_leaves_nothing_but_its_name(account: AccountService, database: Database) -> None:
    """After deleting the account nothing of it is left but the folded name, which stays taken, and two times."""
    ann = (await account.sign_up("Ann", PASSWORD, HOME)).signed_in.person
    await account.edit_profile(ann.id, "birds")
    await account.set_admin("ann", is_admin=True)
    await account.delete_account(ann.id, PASSWORD, "keep")
    (row,) = await database.slow(lambda connection: list(named(connection.execute("SELECT * FROM person"))))
    assert row == {
        "id": ann.id,
        "name": "",
        "name_folded": "ann",
        "password_hash": None,
        "created_at": ann.created_at,
        "is_admin": 0,
        "bio": "",
        "bio_html": "",
        "settings": "{}",
        "deleted_at": ann.created_at,
    }
    for table in ("session", "notice", "karma", "bio_words"):
        assert database.rows(f"SELECT * FROM {table}") == []  # noqa: S608 - the names stand right above


async def test_a_weaker_hash_is_made_anew(database: Database, clock: ManualClock, cheap_passwords: Passwords) -> None:
    """When the cost of hashes is raised, each person's is made anew as they sign in."""
    dearer_passwords = Passwords(argon2.Parameters(argon2.Type.ID, 19, 16, 32, 2, 64, 1))

    def hash_of_ann() -> str:
        ((kept,),) = database.rows("SELECT password_hash FROM person")
        return str(kept)

    store = SqliteAccountStore(database)
    await AccountService(store, clock, cheap_passwords).sign_up("ann", PASSWORD, HOME)
    first = hash_of_ann()
    await AccountService(store, clock, cheap_passwords).log_in("ann", PASSWORD, HOME)
    assert hash_of_ann() == first
    await AccountService(store, clock, dearer_passwords).log_in("ann", PASSWORD, HOME)
    assert hash_of_ann() != first
    await AccountService(store, clock, cheap_passwords).log_in("ann", PASSWORD, HOME)


@pytest.mark.parametrize("query", [OPEN_SESSION, NOTICES, UNREAD_NOTICES])
async def test_what_every_page_reads_is_indexed(database: Database, query: str) -> None:
    """Who is signed in and a page of the inbox are found by index, without sorting or scanning a table."""
    plan = [step for *_, step in database.rows(f"EXPLAIN QUERY PLAN {query}", [1] * query.count("?"))]
    over_subqueries = "SCAN (subquery"
    assert [step for step in plan if "SCAN" in step.replace(over_subqueries, "") or "TEMP B-TREE" in step] == []
    assert ("notice_unread" in " ".join(plan)) is (query is not NOTICES)
