"""What holds of the comment store on SQLite beyond the contract: what a page costs, and that indexes serve it."""

import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from upthread.account.model import Actor, Author
from upthread.comment.model import CommentSort, ImportedComment, ThreadQuery, ThreadRef
from upthread.comment.service import CommentService
from upthread.comment.sqlite import LAYOUT, SqliteCommentStore
from upthread.comment.tree import LEVELS
from upthread.runtime.clock import ManualClock
from upthread.storage.sqlite import Database, Parameters, Row

pytestmark = pytest.mark.anyio

ANN = Actor(1, "Ann")
SORTS: list[CommentSort] = ["best", "top", "new", "old", "controversial"]
SMALL, LARGE = 500, 5_000


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """An empty file of the comment room."""
    database = Database.open(tmp_path / "comment.sqlite3", LAYOUT)
    yield database
    await database.close()


@pytest.fixture
def service(database: Database, clock: ManualClock) -> CommentService:
    """The service on that file."""
    return CommentService(SqliteCommentStore(database), clock)


async def make_thread(service: CommentService, post_id: int, size: int) -> None:
    """A thread of an ordinary shape: some comments at the top, the others anywhere below, most without votes."""
    chance = random.Random(1)
    thread = ThreadRef(post_id=post_id, author_id=0, title="A title", community="birds")
    comments = [
        ImportedComment(
            key=f"{post_id} {place}",
            post_id=post_id,
            parent_key=None if place == 0 or chance.random() < 0.1 else f"{post_id} {chance.randrange(place)}",
            author=Author(ANN.id, ANN.name),
            text="Word",
            created_at=1_600_000_000 + place // 10,
            ups=chance.choice([0, 0, 0, 3]),
            downs=chance.choice([0, 0, 2]),
        )
        for place in range(size)
    ]
    for start in range(0, size, 1_000):
        await service.import_comments([thread], comments[start : start + 1_000])


def written(database: Database) -> int:
    """Bytes written to the file so far."""
    return Path(f"{database.path}-wal").stat().st_size


class Meter:
    """Counts the instructions of SQLite's machine that reads take: the same ones every time."""

    STEP = 50

    def __init__(self, database: Database) -> None:
        self.count = 0
        database._reader.set_progress_handler(self._step, self.STEP)

    def _step(self) -> bool:
        self.count += self.STEP
        return False


@pytest.mark.parametrize("sort", SORTS)
async def test_a_page_of_a_large_thread_costs_that_of_a_small_one(
    service: CommentService, database: Database, sort: CommentSort
) -> None:
    """A page takes one query a level, and not twice the work in a thread of ten times the size."""
    costs = []
    for post_id, size in ((1, SMALL), (2, LARGE)):
        await make_thread(service, post_id, size)
        meter = Meter(database)
        before = database.statements
        await service.thread(ThreadQuery(post_id=post_id, sort=sort, limit=100))
        assert database.statements - before <= LEVELS + 1
        costs.append(meter.count)
    assert costs[1] < 2 * costs[0]


async def test_load_more_costs_no_more_far_down(service: CommentService, database: Database) -> None:
    """The last page of a thread is no dearer than the first, though most comments there have equal votes."""
    thread = ThreadRef(post_id=1, author_id=0, title="A title", community="birds")
    comments = [
        ImportedComment(
            key=str(number), post_id=1, parent_key=None, author=Author(0, ""), text="", created_at=1_600_000_000
        )
        for number in range(2_000)
    ]
    await service.import_comments([thread], comments)
    costs = []
    after = None
    while True:
        meter = Meter(database)
        page = await service.thread(ThreadQuery(post_id=1, after=after, limit=100))
        costs.append(meter.count)
        after = page.after
        if after is None:
            break
    assert len(costs) == 20
    assert max(costs[1:]) <= 1.2 * costs[0]


async def test_indexes_serve_every_read(
    service: CommentService, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No page goes through a whole table or sorts more than it shows."""
    await make_thread(service, 1, 100)
    run: list[tuple[str, Parameters]] = []
    look = database.look

    def noted(sql: str, parameters: Parameters = ()) -> list[Row]:
        run.append((sql, parameters))
        return look(sql, parameters)

    monkeypatch.setattr(database, "look", noted)
    for sort in SORTS:
        page = await service.thread(ThreadQuery(post_id=1, sort=sort, limit=20))
        await service.thread(ThreadQuery(post_id=1, sort=sort, after=page.after, limit=20))
        newest = await service.by_author(ANN.id, "old" if sort == "old" else "new", limit=5)
        await service.by_author(ANN.id, "old" if sort == "old" else "new", newest.after)
    comment_id = page.nodes[0].comment.id
    await service.thread(ThreadQuery(post_id=1, focus=comment_id, context=3))
    await service.comment(comment_id)
    await service.history(comment_id)
    await service.marks(ANN.id, [comment_id])
    await service.saved(ANN.id)
    await service.newest()
    await service.newest(1)
    monkeypatch.undo()
    for sql, parameters in run:
        for *_, step in database.rows(f"EXPLAIN QUERY PLAN {sql}", parameters):
            assert "TEMP B-TREE" not in step, sql
            assert not step.startswith("SCAN") or "VIRTUAL TABLE" in step, sql


async def test_the_same_vote_twice_writes_nothing(service: CommentService, database: Database) -> None:
    """Voting the same again leaves the file as it is."""
    thread = ThreadRef(post_id=1, author_id=0, title="A title", community="birds")
    comment = await service.add(ANN, thread, None, "Word")
    await service.vote(ANN, comment.id, 1)
    before = written(database)
    await service.vote(ANN, comment.id, 1)
    assert written(database) == before


async def test_a_destroyed_text_is_nowhere_in_the_tables(service: CommentService, database: Database) -> None:
    """Of a deleted comment no table has the text, the author's name or a guest's address."""
    thread = ThreadRef(post_id=1, author_id=0, title="A title", community="birds")
    guest = Actor(-1, "Guestname", email="secret@a.example")
    comment = await service.add(guest, thread, None, "Secretword")
    await service.delete(Actor(2, "Root", is_admin=True), comment.id)
    for (table,) in database.rows("SELECT name FROM sqlite_schema WHERE type = 'table'"):
        if table not in ("comment_search_data", "outbox"):  # the one forgets by merging, the other by delivering
            kept = repr(database.rows(f"SELECT * FROM {table}"))  # noqa: S608 - from the schema
            assert "ecret" not in kept
            assert "Guestname" not in kept
