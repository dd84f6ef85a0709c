"""Backup and restore: everything comes back, by way of either engine, or nothing does and one line says why."""

import asyncio
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import apsw
import msgspec
import pymongo
import pytest
import zstandard

from upthread.account.model import Actor, Author, Device, Settings
from upthread.account.passwords import Passwords
from upthread.assembly import Services, open_services
from upthread.backup.copying import back_up, restore
from upthread.backup.file import FORMAT, BackupReader, BackupWriter, RoomBegins
from upthread.comment.model import ImportedComment, ThreadRef
from upthread.databases import ROOMS, MongoAddress, Place, Places, files_in
from upthread.errors import StartError
from upthread.post.model import ImportedPost, PostDraft
from upthread.post.records import PostRecord
from upthread.runtime.clock import ManualClock
from upthread.settings import Secret

pytestmark = pytest.mark.anyio

NOT_KEPT = {"attempt", "sqlite_schema", "sqlite_stat1", "sqlite_stat4"}
"""Tables that a backup leaves out."""
NOT_COMPARED = {"seq", "kept_at", "settings"}
"""Columns that mean nothing elsewhere, or may say the same in other words."""
ROOT = Actor(9, "root", is_admin=True)


async def sign_up(services: Services, name: str) -> Actor:
    """A new person, with a session."""
    opened = await services.account.sign_up(name, "correct horse battery", Device("192.0.2.1", "Tester"))
    return Actor(opened.signed_in.person.id, name)


async def furnish(services: Services, clock: ManualClock) -> None:
    """Have people do everything there is to do."""
    ann, bob, cat, eve = [await sign_up(services, name) for name in ("Ann", "bob", "cat", "eve")]
    await services.account.edit_profile(ann.id, "I keep *birds*.")
    await services.account.change_settings(bob.id, Settings(theme="dark"))
    await services.account.set_admin("cat", is_admin=True)
    await services.post.create_community(ann, "birds", "Birds", "All that *flies*", "Be kind.")
    await services.post.create_community(bob, "oldMaps", "Maps")
    await services.post.subscribe(cat, "birds", subscribed=True)
    drafts = [
        PostDraft(community="birds", title="A wren", text="Seen *today*, @bob and @cat.", flair="seen"),
        PostDraft(community="oldMaps", title="Птицы на карте", url="https://Example.org/a?utm_source=x", nsfw=True),
        PostDraft(community="birds", title="Wrong", text="Never mind."),
    ]
    wren, chart, wrong = [await services.post.submit(ann, draft) for draft in drafts]
    guests = await services.post.submit(
        Actor(-5, "Guest", email="guest@example.org"),
        PostDraft(community="birds", title="A guest", text="Hello", sent_created_at="1234567.5"),
    )
    clock.advance(60)
    await services.post.edit(ann, wren.id, "A winter wren", "Seen *today*, twice.")
    await services.post.delete(ann, wrong.id)
    await services.post.lock(ROOT, chart.id, locked=True)
    await services.post.vote(bob, wren.id, 1)
    await services.post.vote(eve, wren.id, -1)
    await services.post.vote(Actor(-5, "Guest"), guests.id, 1)
    await services.post.save(bob, wren.id, saved=True)
    await services.post.hide(bob, chart.id, hidden=True)

    thread = ThreadRef(post_id=wren.id, author_id=ann.id, title="A winter wren", community="birds")
    top = await services.comment.add(bob, thread, None, "Lovely, @Ann!")
    below = await services.comment.add(ann, thread, top.id, "Is it *not*?")
    gone = await services.comment.add(eve, thread, below.id, "I disagree.")
    await services.comment.add(Actor(-5, "Guest"), thread, gone.id, "Hear, hear.", "99")
    clock.advance(60)
    await services.comment.edit(bob, top.id, "Lovely little *bird*.")
    await services.comment.delete(cat, gone.id, as_moderator=True)
    await services.comment.vote(ann, top.id, 1)
    await services.comment.vote(bob, below.id, -1)
    await services.comment.save(ann, top.id, saved=True)

    ids = (await services.account.import_people(["faye"], clock.now() - 900)).values()
    faye = Author(next(iter(ids)), "faye")
    old = ImportedPost(
        key="t3_1", community="birds", title="Old", text="*Old*", author=faye, created_at=clock.now() - 900, ups=40
    )
    imported = await services.post.import_posts([old, msgspec.structs.replace(old, key="t3_2", state="removed")])
    await services.comment.import_comments(
        [ThreadRef(post_id=imported.ids["t3_1"], author_id=faye.id, title="Old", community="birds")],
        [
            ImportedComment(
                key="t1_1",
                post_id=imported.ids["t3_1"],
                parent_key=None,
                author=faye,
                text="First!",
                created_at=clock.now() - 800,
                edited_at=clock.now() - 700,
                ups=9,
            )
        ],
    )
    await services.settle()
    await services.account.mark_all_read(bob.id)
    await services.account.delete_account(eve.id, "correct horse battery", "erase")
    await services.settle()


@pytest.fixture
async def site(tmp_path: Path, clock: ManualClock, cheap_passwords: Passwords) -> Places:
    """A site on SQLite on which much has happened, with a fact that waits in each outbox."""
    places = files_in(tmp_path / "site")
    async with open_services(places, clock, cheap_passwords) as services:
        await furnish(services, clock)
    for number, file in enumerate(places.values()):
        with closing(apsw.Connection(str(file))) as connection:
            fact = (f"nobody {number}", "Kind", "key", b"\x80\xff", 0)
            connection.execute(
                "INSERT INTO outbox (receiver, kind, key, payload, kept_at) VALUES (?, ?, ?, ?, ?)", fact
            )
    return places


def on_mongodb(url: str, prefix: str) -> Places:
    """Three databases on the server of the tests."""
    return {room: MongoAddress(Secret(url), f"{prefix}{room}", "DATABASE_URL") for room in ROOMS}


def content(places: Places) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables of SQLite files, which have to be sound in themselves."""
    found: dict[str, list[tuple[object, ...]]] = {}
    for room, file in places.items():
        with closing(apsw.Connection(str(file))) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
            statement = (
                "SELECT name, type FROM pragma_table_list WHERE type IN ('table', 'virtual') AND schema = 'main'"
            )
            for table, kind in connection.execute(statement).fetchall():
                if table in NOT_KEPT:
                    continue
                columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
                if kind == "virtual":
                    columns.append("rowid")
                shown = [name for name in columns if name not in NOT_COMPARED or table == "sqlite_sequence"]
                rows = connection.execute(f"SELECT {', '.join(shown)} FROM {table}")  # noqa: S608 - names from SQLite
                found[f"{room} {table}"] = sorted((row for row in rows if row[0] != "outbox"), key=repr)
    return found


def digest(backup: Path) -> list[bytes]:
    """What a backup says, whatever its order, but for its first line with the time, and the last with the checksum."""
    with backup.open("rb") as file:
        return sorted(zstandard.ZstdDecompressor().stream_reader(file).read().splitlines()[1:-1])


async def test_everything_comes_back(site: Places, tmp_path: Path, clock: ManualClock) -> None:
    """A restored site has every row that the other had, and its own backup says the same."""
    there = files_in(tmp_path / "there")
    saved = await back_up(site, tmp_path / "backup", clock)
    assert await restore(there, tmp_path / "backup") == saved
    before, after = content(site), content(there)
    assert before.keys() == after.keys()
    for table, rows in before.items():
        assert rows, f"nothing was put into {table} that could be lost"
        assert after[table] == rows, table
    await back_up(there, tmp_path / "again", clock)
    assert digest(tmp_path / "again") == digest(tmp_path / "backup")
    assert (tmp_path / "backup").stat().st_mode & 0o077 == 0


async def test_no_write_gets_in_between(site: Places, tmp_path: Path, clock: ManualClock) -> None:
    """While a backup waits for the last of the files, nobody writes to the others, so all are as of one moment."""
    with closing(apsw.Connection(str(site["account"]))) as account:
        account.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(asyncio.to_thread(asyncio.run, back_up(site, tmp_path / "backup", clock)))
        async with asyncio.timeout(30):
            for room in ("post", "comment"):
                while writable(site[room]):  # noqa: ASYNC110 - files tell nobody when they are held
                    await asyncio.sleep(0)
        assert not waiting.done()
        account.execute("COMMIT")
    await waiting
    assert all(writable(file) for file in site.values())


def writable(file: Place) -> bool:
    """Whether nobody holds a file."""
    with closing(apsw.Connection(str(file))) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except apsw.BusyError:
            return False
        return True


async def test_by_way_of_mongodb(
    site: Places,
    tmp_path: Path,
    clock: ManualClock,
    cheap_passwords: Passwords,
    mongodb_url: str,
    mongodb_emptied: str,
) -> None:
    """A site moved to MongoDB and back has every row it had, and on MongoDB people go on where they were."""
    there, back = on_mongodb(mongodb_url, mongodb_emptied), files_in(tmp_path / "back")
    await back_up(site, tmp_path / "1", clock)
    await restore(there, tmp_path / "1")
    await back_up(there, tmp_path / "2", clock)
    assert digest(tmp_path / "2") == digest(tmp_path / "1")
    await restore(back, tmp_path / "2")
    assert content(back) == content(site)
    await back_up({**there, "post": site["post"]}, tmp_path / "3", clock)  # which is as good, while nobody writes
    assert digest(tmp_path / "3") == digest(tmp_path / "1")
    headers = [BackupReader(tmp_path / name).header for name in ("1", "2", "3")]
    assert [header.at_once for header in headers] == [True, True, False]
    async with open_services(there, clock, cheap_passwords) as services:
        bob = (await services.account.log_in("bob", "correct horse battery", Device("192.0.2.1"))).signed_in.person
        found = await services.post.submit(Actor(bob.id, "bob"), PostDraft(community="birds", title="A robin"))
        records = [record for _, record in BackupReader(tmp_path / "1").records()]
        assert found.id > max(record.id for record in records if isinstance(record, PostRecord))
        assert [each.title for each in await services.post.same_link("oldMaps", "https://example.org/a")] == [
            "Птицы на карте"
        ]


async def test_what_was_missed_is_told_anew(tmp_path: Path, clock: ManualClock, cheap_passwords: Passwords) -> None:
    """Where rooms were read one after the other, what one had missed is told to it anew after the restore."""
    places, there = files_in(tmp_path / "site"), files_in(tmp_path / "there")
    async with open_services(places, clock, cheap_passwords) as services:
        await furnish(services, clock)
        known = await services.account.person("ann"), await services.post.post(1)
    with closing(apsw.Connection(str(places["account"]))) as connection:
        connection.execute("DELETE FROM karma")
    with closing(apsw.Connection(str(places["post"]))) as connection:
        connection.execute("UPDATE post SET comments = 0, thread_revision = 0, last_comment_at = 0")
    with closing(apsw.Connection(str(places["comment"]))) as connection:
        connection.execute("UPDATE thread SET title = '', post_revision = 0")
    await back_up(places, tmp_path / "backup", clock)
    with BackupWriter(tmp_path / "one after the other", clock.now(), at_once=False) as file:
        last = None
        for room, record in BackupReader(tmp_path / "backup").records():
            if room != last:
                file.write(RoomBegins(room))
                last = room
            file.write(record)
    await restore(there, tmp_path / "one after the other")
    async with open_services(there, clock, cheap_passwords) as services:
        await services.settle()
        assert (await services.account.person("ann"), await services.post.post(1)) == known
        assert (await services.comment.comment(1)).title == "A winter wren"


def cut(content: bytes) -> bytes:
    """A copy that stopped on the way."""
    return content[: len(content) // 2]


def without_end(content: bytes) -> bytes:
    """A backup whose last line is missing."""
    lines = zstandard.ZstdDecompressor().decompressobj().decompress(content).splitlines(keepends=True)
    return zstandard.compress(b"".join(lines[:-1]))


def changed(content: bytes) -> bytes:
    """A backup in which one letter is another."""
    lines = zstandard.ZstdDecompressor().decompressobj().decompress(content)
    return zstandard.compress(lines.replace(b"wren", b"wron", 1))


def rotten(content: bytes) -> bytes:
    """A file in which a disk has lost a bit."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 4]) + content[middle + 1 :]


def newer(content: bytes) -> bytes:
    """A backup from the future."""
    lines = zstandard.ZstdDecompressor().decompressobj().decompress(content)
    return zstandard.compress(lines.replace(b'"format":%d' % FORMAT, b'"format":%d' % (FORMAT + 1), 1))


@pytest.mark.parametrize(
    ("spoil", "line"),
    [
        (cut, "damaged"),
        (without_end, "is damaged or not complete"),
        (changed, "is damaged or not complete"),
        (rotten, "damaged"),
        (newer, "was made by a newer Upthread"),
        (lambda _: b"Dear diary", "is no backup of Upthread"),
        (lambda _: zstandard.compress(b"Dear diary\n"), "is not a backup of Upthread"),
        (lambda _: b"", "is damaged or not complete"),
    ],
)
async def test_a_bad_file_changes_nothing(
    site: Places, tmp_path: Path, clock: ManualClock, spoil: Callable[[bytes], bytes], line: str
) -> None:
    """A file that is cut off, damaged, from the future or something else is refused before anything is touched."""
    backup, there = tmp_path / "backup", tmp_path / "there"
    await back_up(site, backup, clock)
    backup.write_bytes(spoil(backup.read_bytes()))
    with pytest.raises(StartError, match=line):
        await restore(files_in(there), backup)
    assert not there.exists()


async def test_a_site_with_something_in_it_is_left_alone(site: Places, tmp_path: Path, clock: ManualClock) -> None:
    """A restore into a site that is not empty is refused, and the site is as it was."""
    await back_up(site, tmp_path / "backup", clock)
    before = content(site)
    with pytest.raises(StartError, match="The site is not empty: "):
        await restore(site, tmp_path / "backup")
    assert content(site) == before


async def test_a_restore_that_fails_leaves_an_empty_site(
    site: Places, tmp_path: Path, clock: ManualClock, mongodb_url: str, mongodb_emptied: str
) -> None:
    """If one room can't be filled, the others are empty again, on either engine."""
    with closing(apsw.Connection(str(site["account"]))) as connection:
        connection.execute("PRAGMA foreign_keys=OFF")
        connection.execute("UPDATE notice SET person_id = 777 WHERE id = (SELECT min(id) FROM notice)")
    await back_up(site, tmp_path / "backup", clock)
    files = files_in(tmp_path / "there")
    there = {**on_mongodb(mongodb_url, mongodb_emptied), "post": files["post"], "account": files["account"]}
    with pytest.raises(StartError, match=r"account.sqlite3 can't be filled: in notice, row 1 "):
        await restore(there, tmp_path / "backup")
    with closing(apsw.Connection(str(files["post"]))) as connection:
        assert connection.execute("SELECT count(*) FROM post").fetchone() == (0,)
    with pymongo.MongoClient[dict[str, object]](mongodb_url) as client:
        assert client[f"{mongodb_emptied}comment"]["comment"].estimated_document_count() == 0


async def test_there_has_to_be_a_site(tmp_path: Path, clock: ManualClock) -> None:
    """A backup of a folder without a site is refused, and leaves neither file nor folder."""
    with pytest.raises(StartError, match="There is no site in"):
        await back_up(files_in(tmp_path / "nowhere"), tmp_path / "backup", clock)
    assert [*tmp_path.iterdir()] == []  # noqa: ASYNC240 - nothing else runs
