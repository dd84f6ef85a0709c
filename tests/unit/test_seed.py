"""The original's contract apart from HTTP: ids and times, lists sent as they are read, files from before it."""

import random
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse

from tests.loopback import on_loopback
from upthread import seed
from upthread.account.model import Author
from upthread.comment import sqlite as comment_sqlite
from upthread.comment.service import CommentService
from upthread.cursor import LARGEST_ID
from upthread.post import sqlite as post_sqlite
from upthread.post.model import ImportedPost
from upthread.post.seed import POSTS_LIMIT, seed_routes
from upthread.post.service import PAGE_LIMIT, PostService
from upthread.runtime.calls.client import far
from upthread.runtime.clock import ManualClock
from upthread.runtime.seed import json_array
from upthread.storage.sqlite import Database, connect, prepare

NOW = 1_700_000_000


# ids and times


@given(created_at=st.integers(-(2**40), 2**40), own_id=st.integers(1, LARGEST_ID))
def test_ids_can_be_turned_back(created_at: int, own_id: int) -> None:
    """An id of theirs has 24 hex digits, in either case, and our id in it."""
    text = seed.object_id(created_at, own_id)
    assert len(text) == 24
    assert seed.is_object_id(text)
    assert seed.own_id(text) == seed.own_id(text.upper()) == own_id


def test_ids_sort_by_time_and_then_by_ours() -> None:
    """In the order of their ids things are in the order of making, until 2106."""
    things = [(0, 5), (1, 1), (1, 2), (1, LARGEST_ID), (NOW, 1), (2**32 - 1, 1)]
    chance = random.Random(1)
    shuffled = chance.sample(things, len(things))
    assert sorted(shuffled, key=lambda thing: seed.object_id(*thing)) == things


@pytest.mark.parametrize("text", ["", "17", "0" * 23, "0" * 25, "g" * 24, "\uff11" * 24, "0" * 24 + "\n"])
def test_what_is_no_id_of_theirs(text: str) -> None:
    """Anything but 24 hex digits is no such id."""
    assert not seed.is_object_id(text)
    assert seed.own_id(text) is None


@pytest.mark.parametrize("text", ["0" * 24, "6553ed18" + "f" * 16, "6553ed18" + "8" + "0" * 15])
def test_what_is_no_id_of_ours(text: str) -> None:
    """An id that holds nothing a database of ours could have given out has none of ours in it."""
    assert seed.is_object_id(text)
    assert seed.own_id(text) is None


@pytest.mark.parametrize(
    ("sent", "times"),
    [
        (None, (NOW, None)),
        ("", (NOW, str(NOW))),
        ("soon", (NOW, str(NOW))),
        ("1e9", (NOW, str(NOW))),
        ("9" * 50, (NOW, str(NOW))),
        ("1600000000", (1_600_000_000, "1600000000")),
        ("1600000000.999", (1_600_000_000, "1600000000.999")),
        ("-1", (0, "-1")),
        ("1700000001", (NOW, "1700000001")),
    ],
)
def test_times(sent: str | None, times: tuple[int, str | None]) -> None:
    """A number is kept as it was sent, and counts within 1970 and now; anything else is the time of arrival."""
    assert seed.times(sent, NOW) == times


# lists


@pytest.mark.anyio
async def test_posts_are_read_as_they_are_sent(tmp_path: Path) -> None:
    """The list of posts is read page by page, each when the one before has been taken, up to its limit."""
    database = Database.open(tmp_path / "post.sqlite3", post_sqlite.LAYOUT)
    posts = PostService(post_sqlite.SqlitePostStore(database), ManualClock(NOW))
    nobody = Author(0, "")
    for start in range(0, 2 * POSTS_LIMIT, 500):
        await posts.import_posts(
            [
                ImportedPost(key=str(n), community="birds", title=str(n), author=nobody, created_at=NOW - n)
                for n in range(start, start + 500)
            ]
        )
    show_all = next(route.endpoint for route in seed_routes(posts) if route.path == "/posts")
    before = database.statements
    answer = await show_all(Request({"type": "http", "method": "GET", "headers": []}))
    assert isinstance(answer, StreamingResponse)
    read, chunks = [], []
    async for chunk in answer.body_iterator:
        read.append(database.statements - before)
        chunks.append(bytes(chunk) if isinstance(chunk, memoryview) else chunk)
    pages = POSTS_LIMIT // PAGE_LIMIT
    per_page = read[0]
    assert read[:pages] == [per_page * number for number in range(1, pages + 1)]
    assert read[-1] == per_page * pages
    body = b"".join(chunk.encode() if isinstance(chunk, str) else chunk for chunk in chunks)
    assert [post["title"] for post in msgspec.json.decode(body)] == [str(n) for n in range(POSTS_LIMIT)]
    await database.close()


class Item(msgspec.Struct):
    """Something in a list."""

    number: int


@pytest.mark.anyio
@pytest.mark.parametrize("pages", [[], [[]], [[1]], [[1, 2], [3]], [[], [1], [], [2]], [[1], []]])
async def test_arrays_are_whole(pages: list[list[int]]) -> None:
    """However many pages there are, and whatever is on them, the answer is one JSON array of it all."""

    async def items() -> AsyncIterator[list[Item]]:
        for page in pages:
            yield [Item(number) for number in page]

    answer = await json_array(items())
    assert isinstance(answer, StreamingResponse)
    body = b"".join([chunk async for chunk in answer.body_iterator if isinstance(chunk, bytes)])
    assert [item["number"] for item in msgspec.json.decode(body)] == [number for page in pages for number in page]


@pytest.mark.anyio
async def test_a_missing_part_is_an_answer_with_a_status() -> None:
    """Where posts can't be read, the list is no broken array but 503 and the reason."""
    async with (
        far(PostService, "http://127.0.0.1:1") as away,
        on_loopback(Starlette(routes=seed_routes(away))) as url,
        httpx.AsyncClient(base_url=url) as client,
    ):
        answers = [await client.get("/posts"), await client.get(f"/post/{seed.object_id(NOW, 1)}")]
    assert [(answer.status_code, answer.text) for answer in answers] == [(503, "The post service does not answer.")] * 2


# files from before


@pytest.mark.anyio
async def test_older_files_are_brought_up(tmp_path: Path) -> None:
    """Posts and comments in files from before the contract are there afterwards, with no time that anyone sent."""
    old_post, old_comment = (
        replace(layout, migrations=layout.migrations[:1]) for layout in (post_sqlite.LAYOUT, comment_sqlite.LAYOUT)
    )
    for layout, script in ((old_post, OLD_POST), (old_comment, OLD_COMMENT)):
        path = tmp_path / f"{layout.name}.sqlite3"
        prepare(path, layout)
        with closing(connect(path)) as connection:
            connection.execute(script)
    clock = ManualClock(NOW)
    post_file = Database.open(tmp_path / "post.sqlite3", post_sqlite.LAYOUT)
    comment_file = Database.open(tmp_path / "comment.sqlite3", comment_sqlite.LAYOUT)
    post = await PostService(post_sqlite.SqlitePostStore(post_file), clock).post(1)
    (comment,) = (await CommentService(comment_sqlite.SqliteCommentStore(comment_file), clock).written(1)).comments
    assert (post.title, post.created_at, post.sent_created_at) == ("A wren", 5, None)
    assert (comment.text, comment.created_at, comment.sent_created_at) == ("Yes", 6, None)
    for database in (post_file, comment_file):
        await database.close()


OLD_POST = """
INSERT INTO community (id, name, name_folded, title, created_at) VALUES (1, 'birds', 'birds', 'Birds', 1);
INSERT INTO post (id, community_id, title, url, domain, author_id, author_name, author_email, created_at, day, ups,
    downs, score, hot, active, controversy, flair, nsfw, locked, has_text)
VALUES (1, 1, 'A wren', '', '', 1, 'ann', '', 5, 0, 0, 0, 0, 0, 0, 0, '', 0, 0, 0);
"""
OLD_COMMENT = """
INSERT INTO thread (post_id, author_id, title, community, comments, roots) VALUES (1, 1, 'A wren', 'birds', 1, 1);
INSERT INTO comment (id, post_id, parent_id, above, author_id, author_name, author_email, html, created_at, ups, downs,
    best, controversy)
VALUES (1, 1, 0, '', 1, 'ann', '', '<p>Yes</p>', 6, 0, 0, 0, 0);
INSERT INTO comment_revision VALUES (1, 1, 'Yes', 6);
"""
