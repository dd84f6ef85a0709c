"""What the post room's pages cost in SQLite: which indexes they read, how many statements, and how far they walk."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar, cast, get_args

import apsw
import pytest

from tests.conftest import START
from tests.contract.posting import ANN, BOB, found, imported, walk
from upthread.account.model import Author
from upthread.post.model import FeedQuery, FeedSort, SearchQuery
from upthread.post.service import PostService
from upthread.post.sqlite import LAYOUT, SqlitePostStore
from upthread.runtime.clock import ManualClock
from upthread.storage.sqlite import Database, Parameters, Row

pytestmark = pytest.mark.anyio

T = TypeVar("T")

SORTS: tuple[FeedSort, ...] = get_args(FeedSort)
ONE_INDEX: tuple[FeedSort, ...] = ("hot", "active", "new", "all", "controversial")
FEEDS = [
    *(FeedQuery(sort=sort) for sort in SORTS),
    *(FeedQuery(sort=sort, community="gardens", viewer_id=BOB.id) for sort in SORTS),
    *(FeedQuery(sort=sort, subscribed_by=BOB.id, viewer_id=BOB.id) for sort in SORTS),
    *(FeedQuery(sort=sort, author_id=5) for sort in SORTS),
    *(FeedQuery(sort=sort, domain="example.org") for sort in SORTS),
    FeedQuery(saved_by=BOB.id),
    FeedQuery(hidden_by=BOB.id),
]


class WatchedConnection:
    """A connection for slow reads whose statements are noted."""

    def __init__(self, connection: apsw.Connection, asked: list[tuple[str, Parameters]]) -> None:
        self._connection = connection
        self._asked = asked

    def execute(self, sql: str, parameters: Parameters = ()) -> apsw.Cursor:
        """Run a statement and note it."""
        self._asked.append((sql, parameters))
        return self._connection.execute(sql, parameters)


class WatchedDatabase(Database):
    """A database that notes what it is asked, and how many steps its reader takes."""

    asked: list[tuple[str, Parameters]]

    def rows(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """Run a read and note it."""
        self.asked.append((sql, parameters))
        return super().rows(sql, parameters)

    async def slow(self, work: Callable[[apsw.Connection], T]) -> T:
        """Run a slow read and note its statements."""
        return await super().slow(
            lambda connection: work(cast("apsw.Connection", WatchedConnection(connection, self.asked)))
        )

    def plan(self, sql: str, parameters: Parameters) -> list[str]:
        """How SQLite goes about a statement."""
        return [step for *_, step in self._reader.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)]

    def steps(self, sql: str, parameters: Parameters) -> int:
        """How many steps of its virtual machine, in tens, a statement takes."""
        taken = 0

        def count() -> bool:
            nonlocal taken
            taken += 1
            return False

        self._reader.set_progress_handler(count, 10)
        self._reader.execute(sql, parameters).fetchall()
        self._reader.set_progress_handler(None, 0)
        return taken


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[WatchedDatabase]:
    """An empty database of the post room."""
    opened = cast("WatchedDatabase", WatchedDatabase.open(tmp_path / "post.sqlite3", LAYOUT))
    opened.asked = []
    yield opened
    await opened.close()


@pytest.fixture
async def post(database: WatchedDatabase, clock: ManualClock) -> PostService:
    """A post service on it, with a community that Bob follows."""
    service = PostService(SqlitePostStore(database), clock)
    await found(service)
    await service.subscribe(BOB, "gardens", subscribed=True)
    return service


async def bring(post: PostService, first: int, last: int, **fields: Any) -> None:
    """Posts with these numbers, one a second."""
    batch = [
        imported(
            f"t3_{n}",
            **{"created_at": START - n, "author": Author(5, "eve"), "url": "https://example.org/", "ups": 3, "downs": 1}
            | fields,
        )
        for n in range(first, last)
    ]
    await post.import_posts(batch)


async def test_no_feed_reads_a_whole_table(post: PostService, database: WatchedDatabase) -> None:
    """Every statement of every feed seeks in an index, also after SQLite has gathered statistics."""
    await bring(post, 0, 200)
    await database.write(lambda connection: connection.execute("ANALYZE"))
    for query in FEEDS:
        await walk(post, query)
    for sql, parameters in database.asked:
        scans = [step for step in database.plan(sql, parameters) if step.startswith("SCAN")]
        tables = {"SCAN post", "SCAN community", "SCAN subscription", "SCAN hidden_post", "SCAN saved_post"}
        assert not [step for step in scans if " ".join(step.split()[:2]) in tables], sql


@pytest.mark.parametrize("scope", [{}, {"community": "gardens"}, {"community": "gardens", "viewer_id": BOB.id}])
async def test_the_main_feeds_are_a_piece_of_one_index(
    post: PostService, database: WatchedDatabase, scope: dict[str, Any]
) -> None:
    """The site's and a community's feeds begin at the cursor's place in an index and sort nothing."""
    for sort in ONE_INDEX:
        database.asked.clear()
        await post.feed(FeedQuery(sort=sort, **scope))
        plans = [database.plan(*statement) for statement in database.asked if "INDEXED BY" in statement[0]]
        assert len(plans) == 1
        assert ",tie)<(?,?))" in plans[0][0]
        assert not any("TEMP B-TREE" in step for step in plans[0])


async def test_a_deep_page_among_equals_costs_what_the_first_does(post: PostService, database: WatchedDatabase) -> None:
    """Thousands of posts with the same score don't make the later pages slower."""
    await bring(post, 0, 1_000, created_at=START)
    await bring(post, 1_000, 2_000, created_at=START)
    for query in (FeedQuery(sort="all", limit=50), FeedQuery(sort="new", limit=50, community="gardens")):
        database.asked.clear()
        assert len(await walk(post, query)) == 2_000
        pages = [database.steps(*statement) for statement in database.asked if "INDEXED BY" in statement[0]]
        assert len(pages) == 40
        assert max(pages) <= 2 * pages[0]


async def test_more_posts_need_no_more_statements(post: PostService, database: WatchedDatabase) -> None:
    """A page asks the database as often on a large site as on a small one."""

    async def asked() -> list[int]:
        counts = []
        for query in FEEDS:
            before = database.statements
            await post.feed(query)
            counts.append(database.statements - before)
        before = database.statements
        await post.search(SearchQuery(text="t3"))
        await post.marks(BOB.id, list(range(1, 26)))
        await post.communities()
        return [*counts, database.statements - before]

    await bring(post, 0, 5)
    few = await asked()
    await bring(post, 5, 400)
    many = await asked()
    assert all(later <= earlier for earlier, later in zip(few, many, strict=True))
    assert max(many) <= 4


async def test_voting_the_same_way_twice_writes_nothing(post: PostService, database: WatchedDatabase) -> None:
    """A repeated vote leaves the database as it is."""
    await bring(post, 0, 1)

    async def changes() -> int:
        return await database.write(lambda connection: connection.total_changes())

    await post.vote(ANN, 1, 1)
    before = await changes()
    await post.vote(ANN, 1, 1)
    assert await changes() == before
