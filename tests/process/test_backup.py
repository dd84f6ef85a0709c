"""``upthread backup`` and ``upthread restore`` as an operator runs them, while people write."""

import asyncio
import os
import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw
import pytest

from tests.mongo_server import MongoServer
from upthread.account.model import Actor
from upthread.account.passwords import Passwords
from upthread.assembly import Services, open_services
from upthread.backup.file import BackupReader
from upthread.comment.model import ThreadRef
from upthread.databases import ROOMS, files_in, places
from upthread.post.model import PostDraft
from upthread.runtime.clock import ManualClock
from upthread.settings import Settings

pytestmark = pytest.mark.anyio

MANUAL = Path(__file__).parents[2] / "docs" / "backup.md"
SEED = 20_231_114
WRITERS = 6
BACKUPS = 2


@dataclass
class Written:
    """What people were told is kept."""

    posts: dict[int, int] = field(default_factory=dict)
    """Who wrote each post."""
    comments: dict[int, int] = field(default_factory=dict)
    """Who wrote each comment."""
    votes: dict[tuple[str, int, int], int] = field(default_factory=dict)
    """Each vote on a post or comment, by what it is, its id and the voter."""


class Writer:
    """Somebody who posts, comments and votes for as long as their task runs."""

    def __init__(self, services: Services, person: Actor, written: Written) -> None:
        self._services = services
        self._person = person
        self._written = written
        self._chance = random.Random(f"{SEED} {person.name}")

    async def run(self) -> None:
        """Go on until the end."""
        while True:
            await self.post()
            for _ in range(4):
                await self.comment()
                await self.vote()

    async def post(self) -> None:
        """One post."""
        draft = PostDraft(community="birds", title=f"By {self._person.name}", text="Seen *today*.")
        post = await self._services.post.submit(self._person, draft)
        self._written.posts[post.id] = self._person.id

    async def comment(self) -> None:
        """One comment at the top of a thread."""
        post_id, author_id = self._chance.choice(list(self._written.posts.items()))
        thread = ThreadRef(post_id=post_id, author_id=author_id, title="A post", community="birds")
        comment = await self._services.comment.add(self._person, thread, None, f"Says {self._person.name}.")
        self._written.comments[comment.id] = self._person.id

    async def vote(self) -> None:
        """One vote on a post and one on a comment, never twice on one thing so that what is kept is known."""
        post_id, comment_id = (
            self._chance.choice(list(things)) for things in (self._written.posts, self._written.comments)
        )
        for kind, thing, service in (
            ("post", post_id, self._services.post),
            ("comment", comment_id, self._services.comment),
        ):
            key = (kind, thing, self._person.id)
            if key not in self._written.votes:
                vote = self._chance.choice((-1, 1))
                await service.vote(self._person, thing, vote)  # type: ignore[arg-type]
                self._written.votes[key] = vote


def environment(**settings: str) -> dict[str, str]:
    """The environment with these settings, in which commands are found as they are installed."""
    return {**os.environ, **settings, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


async def run(*arguments: str | Path, **settings: str) -> str:
    """Run a command beside what goes on here; what it printed."""
    command = ["upthread", *map(str, arguments)]
    process = await asyncio.create_subprocess_exec(
        *command, env=environment(**settings), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0, printed.decode()
    return printed.decode()


@pytest.fixture(params=["sqlite", "mongodb"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """The settings of a site that is not there yet."""
    if request.param == "sqlite":
        return {"UPTHREAD_DATA": str(tmp_path / "site")}
    if not os.environ.get("UPTHREAD_TEST_MONGODB_URL"):
        pytest.skip("SecantusDB takes no snapshots; a real MongoDB is needed (UPTHREAD_TEST_MONGODB_URL)")
    prefix: str = request.getfixturevalue("mongodb_prefix")
    names = {f"{room.upper()}_DATABASE": f"{prefix}{room}" for room in ROOMS}
    return {"DATABASE_URL": request.getfixturevalue("mongodb_url"), **names}


async def test_a_backup_while_people_write(
    site: dict[str, str], tmp_path: Path, clock: ManualClock, cheap_passwords: Passwords
) -> None:
    """A backup that is made under load has all that was acknowledged before, and everything in it agrees."""
    print(f"seed {SEED}")  # noqa: T201 - shown if the test fails
    known: list[Written] = []
    async with open_services(places(Settings.from_environment(site)), clock, cheap_passwords) as services:
        ids = await services.account.import_people([f"writer{number}" for number in range(WRITERS)], clock.now())
        people = [Actor(person_id, name) for name, person_id in ids.items()]
        await services.post.create_community(people[0], "birds", "Birds")
        written = Written()
        writers = [Writer(services, person, written) for person in people]
        for writer in writers:
            await writer.post()
            await writer.comment()
        tasks = [asyncio.create_task(writer.run()) for writer in writers]
        try:
            for number in range(BACKUPS):
                known.append(Written(dict(written.posts), dict(written.comments), dict(written.votes)))
                await run("backup", tmp_path / f"backup{number}", **site)
                assert not any(task.done() for task in tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    assert known[0].comments.keys() < known[-1].comments.keys(), "nothing was written meanwhile"
    for number, acknowledged in enumerate(known):
        await run("restore", tmp_path / f"backup{number}", "--data", tmp_path / f"there{number}")
        agrees(tmp_path / f"there{number}", acknowledged, after_delivery=False)
        async with open_services(tmp_path / f"there{number}", clock, cheap_passwords) as services:
            await services.settle()
        agrees(tmp_path / f"there{number}", acknowledged, after_delivery=True)


@contextmanager
def asked(data: Path) -> Iterator[apsw.Connection]:
    """The three files of a site as one database."""
    with closing(apsw.Connection(":memory:")) as connection:
        for room, file in files_in(data).items():
            connection.execute(f"ATTACH ? AS {room}_room", (str(file),))
        yield connection


def agrees(data: Path, acknowledged: Written, *, after_delivery: bool) -> None:
    """See that what was acknowledged is there, and that whatever is there agrees with all the rest."""
    with asked(data) as connection:

        def rows(statement: str) -> list[Any]:
            return connection.execute(statement).fetchall()

        posts = dict(rows("SELECT id, author_id FROM post_room.post"))
        comments = {row[0]: row[1:] for row in rows("SELECT id, author_id, post_id FROM comment_room.comment")}
        votes = {("post", *row[:2]): row[2] for row in rows("SELECT post_id, voter_id, vote FROM post_vote")}
        votes |= {("comment", *row[:2]): row[2] for row in rows("SELECT comment_id, voter_id, vote FROM comment_vote")}
        assert acknowledged.posts.items() <= posts.items()
        assert acknowledged.comments.items() <= {each: author for each, (author, _) in comments.items()}.items()
        assert acknowledged.votes.items() <= votes.items()

        # Nothing hangs on what is not there, and counts are those of what they count.
        assert {post_id for _, post_id in comments.values()} <= posts.keys()
        threads = Counter(post_id for _, post_id in comments.values())
        assert dict(rows("SELECT post_id, comments FROM thread")) == threads
        tallies = {("post", *row) for row in rows("SELECT id, ups - downs FROM post_room.post")}
        tallies |= {("comment", *row) for row in rows("SELECT id, ups - downs FROM comment_room.comment")}
        scores: Counter[tuple[str, int]] = Counter()
        for (kind, thing, _), vote in votes.items():
            scores[kind, thing] += vote
        assert tallies == {(kind, thing, scores[kind, thing]) for kind, thing, _ in tallies}

        if after_delivery:
            assert dict(rows("SELECT id, comments FROM post_room.post WHERE comments")) == threads
            karma: Counter[int] = Counter()
            for (kind, thing, voter), vote in votes.items():
                author = posts[thing] if kind == "post" else comments[thing][0]
                karma[author] += vote if author != voter else 0
            earned = dict(rows("SELECT person_id, sum(karma) FROM karma GROUP BY person_id"))
            assert {person: karma[person] for person in earned} == earned
            assert {person for person, each in karma.items() if each} <= earned.keys()
            answers = {each for each, (author, post_id) in comments.items() if posts[post_id] != author}
            assert sorted(rows("SELECT comment_id FROM notice")) == sorted((each,) for each in answers)
            for room in ("post", "comment", "account"):
                assert rows(f"SELECT count(*) FROM {room}_room.outbox") == [(0,)]  # noqa: S608 - a name from above


async def test_the_manual_is_right(tmp_path: Path) -> None:
    """What the manual tells to type works as it is written, from SQLite to MongoDB and back."""
    commands = "\n".join(re.findall(r"```sh\n(.*?)```", MANUAL.read_text(encoding="utf-8"), re.DOTALL))
    async with open_services(tmp_path / "data") as services:
        await services.account.import_people(["ann"], 1)
        await services.post.create_community(Actor(1, "ann"), "birds", "Birds", "All that *flies*")
        await services.settle()
    with MongoServer(tmp_path / "mongodb") as server:
        script = commands.replace("127.0.0.1:27017", f"127.0.0.1:{server.port}")
        shell = await asyncio.create_subprocess_exec("bash", "-ec", script, cwd=tmp_path, env=environment())
        assert await shell.wait() == 0
    first, *others = [
        sorted(BackupReader(tmp_path / name).records(), key=repr)
        for name in ("upthread.zst", "on-sqlite.zst", "on-mongodb.zst")
    ]
    assert len(first) > 2
    assert others == [first, first]
    with asked(tmp_path / "back") as connection:
        assert connection.execute("SELECT name FROM community").fetchall() == [("birds",)]
