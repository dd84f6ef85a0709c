"""Row 11: the same pages and votes on MongoDB's wire, and how the server says that it finds what they ask for.

The server is SecantusDB, which is for testing; its own speed stands for nothing, so its CPU time is kept apart. Its
planner knows less than MongoDB's: it explains `_id` with another field beside it by a scan. So what counts is the rule
of the tests, an index whose first field the question bounds or sorts by; what the server explains is noted.
"""

import asyncio
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pymongo
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent
from tests.mongo_commands import Searches
from tests.mongo_operator import Operator
from tests.mongo_server import MongoServer

from bench import load
from bench.data import Site, filled
from bench.results import Results
from bench.servers import one_process
from upthread.assembly import open_services
from upthread.comment.model import ThreadQuery
from upthread.databases import Places, places
from upthread.post.model import FeedQuery, SearchQuery
from upthread.settings import Settings

LARGE_THREAD = 2_000
"""Comments of the larger thread; as many as the test server takes in a reasonable time."""
Document = Mapping[str, Any]


class Asked(CommandListener):
    """Remembers what is looked for."""

    def __init__(self) -> None:
        self.commands: list[tuple[str, Document]] = []

    def started(self, event: CommandStartedEvent) -> None:
        """Take note of a command that looks for something."""
        if event.command_name in ("find", "aggregate"):
            self.commands.append((event.database_name, dict(event.command)))

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Nothing of interest."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Nothing of interest."""


def mongo(results: Results, cache: Path, dumps: list[Path], rounds: int, seconds: int) -> None:
    """Pages and votes of a small site on a MongoDB-wire server."""
    folder = cache / "mongo"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with MongoServer(folder / "server") as server:
        address = f"127.0.0.1:{server.port}"
        where = places(Settings.from_environment({"DATABASE_URL": address}))
        site = asyncio.run(filled(folder, where, dumps, 0, LARGE_THREAD))
        asked, searches = Asked(), Searches()
        pymongo.monitoring.register(asked)
        pymongo.monitoring.register(searches)
        with Operator(server.url, searches) as operator, operator.watching(""):
            ids = asyncio.run(_used(where, site))
        results.add("mongo.unserved", 0)  # or there had been an error
        _explain(results, server.url, asked)
        with one_process(folder, comments=500, DATABASE_URL=address) as running:
            given = 0
            for _ in range(rounds):
                for what, path, cookie in (
                    ("made", "/", "theme=light"),
                    ("home", "/", f"session={site.reader}"),
                    ("thread", f"/post/{site.small_thread}", "theme=light"),
                    ("large", f"/post/{site.large_thread}", "theme=light"),
                    ("week", "/?sort=week", "theme=light"),
                    ("search", "/search?q=phoenix", "theme=light"),
                ):
                    results.add(f"mongo.{what}.cpu", load.get(running, path, seconds, cookie, connections=2).cpu)
                burst = load.vote(running, site, seconds, given, ids)
                given += burst.requests + len(site.voters)  # those under way at the end included
                results.add("mongo.vote.cpu", burst.cpu)
    results.notes["MongoDB"] = f"{len(ids):,} posts; a thread of {LARGE_THREAD:,} comments is the large one"


async def _used(where: Places, site: Site) -> list[int]:
    """Do once what is measured later, as the reader, who follows what there is; the ids of posts to vote on."""
    async with open_services(where) as services:
        signed_in = await services.account.signed_in(site.reader)
        if signed_in is None:
            raise RuntimeError("the reader's session is not known")
        reader = signed_in.actor
        for community in (await services.post.communities("size", limit=100)).communities:
            await services.post.subscribe(reader, community.name, subscribed=True)
        for query in (
            FeedQuery(),
            FeedQuery(subscribed_by=reader.id, viewer_id=reader.id),
            FeedQuery(sort="week"),
        ):
            found = await services.post.feed(query)
            await services.post.marks(reader.id, [post.id for post in found.posts])
        await services.post.search(SearchQuery(text="phoenix"))
        for post_id in (site.small_thread, site.large_thread):
            await services.post.post(post_id)
            await services.comment.thread(ThreadQuery(post_id=post_id, limit=500))
        await services.post.vote(reader, site.small_thread, 1)
        ids: list[int] = []
        after = None
        while not ids or after:
            page = await services.post.feed(FeedQuery(sort="new", after=after, limit=100))
            ids += [post.id for post in page.posts]
            after = page.after
        return ids


def _explain(results: Results, url: str, asked: Asked) -> None:
    """Have the server say how it goes about each kind of question."""
    plain = {"find", "filter", "sort", "limit", "projection", "hint", "aggregate", "pipeline", "cursor"}
    stages: list[str] = []
    scanned: set[str] = set()
    refused = 0
    with pymongo.MongoClient[dict[str, Any]](url) as client:
        for database, command in asked.commands:
            question = {name: value for name, value in command.items() if name in plain}
            try:
                plan = client[database].command({"explain": question, "verbosity": "queryPlanner"})
            except pymongo.errors.OperationFailure:
                refused += 1
                continue
            found = list(_stages(plan))
            stages += found
            if "COLLSCAN" in found:
                scanned.add(f"{database}.{question.get('find', question.get('aggregate'))}")
    results.notes["explain"] = (
        f"{len(asked.commands)} questions asked, {refused} of which the server can't explain; plans: "
        + ", ".join(f"{stages.count(stage)} {stage}" for stage in sorted(set(stages)))
        + (f"; scanned: {', '.join(sorted(scanned))}" if scanned else "")
    )


def _stages(plan: object) -> Iterator[str]:
    """The names of all stages of a plan."""
    if isinstance(plan, Mapping):
        if isinstance(plan.get("stage"), str):
            yield plan["stage"]
        for part in plan.values():
            yield from _stages(part)
    elif isinstance(plan, list):
        for part in plan:
            yield from _stages(part)
