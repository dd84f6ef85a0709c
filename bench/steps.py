"""Counts what pages cost in steps instead of time, which come out the same on every machine, however busy.

Three things are counted for each page: instructions of Python's virtual machine, those of SQLite's, and bytes made. A
regression shows in one of them unless it is inside a library. They are given as ratios to a reference in the same
run, an answer of two words by the bare framework, so that another version of Python changes them little.

``python -m bench.steps`` prints them. What it prints is the baseline, ``bench/steps.json``.
"""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import apsw
import msgspec
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message

from upthread.account.model import Author
from upthread.assembly import Services, open_services
from upthread.comment.model import ImportedComment, ThreadRef
from upthread.post.model import ImportedPost
from upthread.runtime import logs
from upthread.runtime.clock import ManualClock
from upthread.runtime.requests import Requests
from upthread.settings import Settings
from upthread.ui import rows
from upthread.ui.app import make_app

NOW = 1_700_000_000
POSTS, COMMENTS, FOLLOWED = 300, 150, 20

Steps = dict[str, dict[str, float]]
"""For each page, its counts as multiples of the reference's."""


class Counter:
    """Counts while it is switched on."""

    def __init__(self) -> None:
        self.python = 0
        self.sqlite = 0

    def count_sqlite(self) -> bool:
        """One instruction of SQLite more."""
        self.sqlite += 1
        return False

    def trace(self, frame: FrameType, event: str, _argument: object) -> Any:
        """Follow a frame instruction by instruction."""
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        self.python += event == "opcode"
        return self.trace


async def measure() -> Steps:
    """What pages of a small site cost, beside what the reference does."""
    with tempfile.TemporaryDirectory() as folder:
        async with _site(Path(folder)) as (services, app):
            thread = (await services.post.imported(["0"]))["0"]
            connections: list[apsw.Connection] = [database._reader for database in services.databases]  # noqa: SLF001
            bare = Starlette(routes=[Route("/", lambda _: PlainTextResponse("Good day"))])
            pages: dict[str, Callable[[], Awaitable[int]]] = {
                "reference": lambda: _get(bare, "/"),
                "front page": lambda: _get(app, "/", "theme=light"),
                "front page from memory": lambda: _get(app, "/"),
                "a community": lambda: _get(app, "/c/c3", "theme=light"),
                "a thread": lambda: _get(app, f"/post/{thread}", "theme=light"),
            }
            counted = {name: await _counted(page, connections) for name, page in pages.items()}
    reference = counted.pop("reference")
    return {
        name: {what: round(count / reference["python"], 2) for what, count in counts.items()}
        for name, counts in counted.items()
    }


async def _counted(page: Callable[[], Awaitable[int]], connections: list[apsw.Connection]) -> dict[str, int]:
    await page()  # templates are compiled, statements prepared
    counter = Counter()
    for connection in connections:
        connection.set_progress_handler(counter.count_sqlite, 1)
    before = sys.gettrace()
    sys.settrace(counter.trace)
    try:
        size = await page()
    finally:
        sys.settrace(before)
        for connection in connections:
            connection.set_progress_handler(None, 0)
    return {"python": counter.python, "sqlite": counter.sqlite, "bytes": size}


@asynccontextmanager
async def _site(folder: Path) -> AsyncIterator[tuple[Services, ASGIApp]]:
    rows.REMEMBERED = 0  # so that what writing a row costs shows
    clock = ManualClock(NOW)
    async with open_services(folder, clock) as services:
        imported = await services.post.import_posts([_post(number) for number in range(POSTS)])
        thread = ThreadRef(post_id=imported.ids["0"], author_id=1, title="Post 0", community="c0")
        await services.comment.import_comments([thread], [_comment(thread, number) for number in range(COMMENTS)])
        await services.settle()
        yield services, Requests(make_app(services, Settings.from_environment({}), clock, b"0" * 32))


def _post(number: int) -> ImportedPost:
    return ImportedPost(
        key=str(number),
        community=f"c{number % FOLLOWED}",
        title=f"Post {number}",
        url=f"https://example.org/{number}",
        text="",
        author=Author(1 + number % 7, f"person{number % 7}"),
        created_at=NOW - number * 1000,
        ups=1 + number % 50,
        downs=number % 5,
    )


def _comment(thread: ThreadRef, number: int) -> ImportedComment:
    return ImportedComment(
        key=str(number),
        post_id=thread.post_id,
        parent_key=str(number // 3) if number % 3 else None,
        author=Author(1 + number % 7, f"person{number % 7}"),
        text=f"Comment {number}, *as it was written*.",
        created_at=NOW - 1000 + number,
        ups=1 + number % 20,
        downs=number % 3,
    )


async def _get(app: ASGIApp, path: str, cookie: str = "") -> int:
    """Ask for a page; how many bytes it has."""
    size = 0

    async def send(message: Message) -> None:
        nonlocal size
        if message.get("status", 200) != 200:  # noqa: PLR2004 - all is well
            raise RuntimeError(f"{path} was answered by {message['status']}")
        size += len(message.get("body", b""))

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    headers = [(b"host", b"localhost"), *([(b"cookie", cookie.encode())] if cookie else [])]
    scope = {
        "type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "path": path, "query_string": b"",
        "raw_path": path.encode(), "root_path": "", "headers": headers, "server": ("localhost", 80),
        "client": ("127.0.0.1", 1), "state": {}, "asgi": {"version": "3.0"},
    }  # fmt: skip
    await app(scope, receive, send)
    return size


if __name__ == "__main__":
    logs.configure("warning")
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(asyncio.run(measure())), indent=1) + b"\n")
