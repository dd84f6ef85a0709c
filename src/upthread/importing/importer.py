"""Brings records to the services in batches: people before what they wrote, posts before their threads."""

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, closing
from itertools import chain
from typing import TypeVar

from msgspec import Struct, field

from upthread.account.model import NAME_PATTERN, Author
from upthread.assembly import Services
from upthread.comment.model import ImportedComment, ThreadRef
from upthread.importing.dump import BadLine, Batch, Dump, Kind, joined
from upthread.importing.held import Held
from upthread.importing.made_up import TextPool, made_up_comments
from upthread.importing.reddit import Reply, Submission
from upthread.post.model import ImportedPost

R = TypeVar("R", Submission, Reply)

REMEMBERED = 100_000
"""Authors and threads whose ids are remembered between batches, so that most batches need not ask for them."""
NOBODY = Author(0, "")
NAME = re.compile(NAME_PATTERN)


class Step(Struct, frozen=True, kw_only=True):
    """What one batch came to. Everything in it is on disk."""

    kind: Kind
    place: str
    """How far reading has come, for people: file and line."""
    added: int = 0
    known: int = 0
    """Things that were here already, from an earlier run."""
    stand_ins: int = 0
    """Deleted comments that were put in place of some that are answered but nowhere in the files."""
    bad: list[BadLine] = field(default_factory=list)
    consumed: int = 0
    """Bytes of the input files."""


async def import_dumps(services: Services, dumps: list[Dump], comments_a_post: int = 0) -> AsyncGenerator[Step, None]:
    """Import these files step by step. It may be stopped after any step, and run again to go on.

    Args:
        services: where to.
        dumps: what; posts are imported before comments, in whichever order the files are given.
        comments_a_post: up to how many comments are made up for each post (see :mod:`upthread.importing.made_up`).
    """
    with closing(_Importer(services, comments_a_post)) as importer:
        for stage in importer.stages(dumps):
            async with aclosing(stage) as steps:
                async for step in steps:
                    yield step


def bytes_to_read(dumps: list[Dump], comments_a_post: int = 0) -> int:
    """How many bytes all steps together consume: posts are read twice where threads are made up for them."""
    return sum(dump.size * (2 if comments_a_post and dump.kind == "posts" else 1) for dump in dumps)


async def _in_batches(
    batches: Iterator[Batch[R]], bring: Callable[[Batch[R]], Awaitable[Step]]
) -> AsyncGenerator[Step, None]:
    """Bring one batch after the other, while a thread reads the next."""
    loop = asyncio.get_running_loop()
    upcoming = loop.run_in_executor(None, next, batches, None)
    try:
        while (batch := await upcoming) is not None:
            upcoming = loop.run_in_executor(None, next, batches, None)
            yield await bring(batch)
    finally:
        await asyncio.wait([upcoming])  # so that nobody reads a file that is being closed


class _Importer:
    """What has to be remembered between batches."""

    def __init__(self, services: Services, comments_a_post: int) -> None:
        self._services = services
        self._comments_a_post = comments_a_post
        self._people: dict[str, Author] = {"": NOBODY}
        self._threads: dict[str, ThreadRef] = {}
        self._held = Held()
        self._pool = TextPool()

    def close(self) -> None:
        self._held.close()

    def stages(self, dumps: list[Dump]) -> Iterator[AsyncGenerator[Step, None]]:
        posts = [dump for dump in dumps if dump.kind == "posts"]
        comments = [dump for dump in dumps if dump.kind == "comments"]
        yield _in_batches(joined(chain.from_iterable(dump.posts() for dump in posts)), self.bring_posts)
        yield _in_batches(joined(chain.from_iterable(dump.comments() for dump in comments)), self.bring_comments)
        yield self.bring_held()
        if self._comments_a_post:
            again = joined(chain.from_iterable(dump.posts() for dump in posts))
            yield _in_batches(made_up_comments(again, self._comments_a_post, self._pool), self.bring_comments)

    async def bring_posts(self, batch: Batch[Submission]) -> Step:
        authors = await self._authors([placed.record for placed in batch.records])
        posts: list[ImportedPost] = []
        for placed in batch.records:
            post = placed.record
            if self._comments_a_post:
                self._pool.take_from(post)
            posts.append(
                ImportedPost(
                    key=post.key,
                    community=post.community,
                    title=post.title,
                    url=post.url,
                    text=post.text,
                    author=authors[post.author],
                    created_at=post.created_at,
                    edited_at=post.edited_at,
                    ups=post.ups,
                    downs=post.downs,
                    flair=post.flair,
                    nsfw=post.nsfw,
                    locked=post.locked,
                    state=post.state,
                )
            )
        imported = await self._services.post.import_posts(posts)
        return Step(
            kind="posts",
            place=batch.place,
            added=imported.added,
            known=len(posts) - imported.added,
            bad=batch.bad,
            consumed=batch.consumed,
        )

    async def bring_comments(self, batch: Batch[Reply]) -> Step:
        """A batch as it was read; comments whose parent has not come yet are held back."""
        threads = await self._threads_of({placed.record.post_key for placed in batch.records})
        bad = [
            placed.bad(f"its post {placed.record.post_key} is neither here nor in the files")
            for placed in batch.records
            if placed.record.post_key not in threads
        ]
        # A parent is never younger than its replies, so in order of time most parents come first.
        found = sorted(
            (placed for placed in batch.records if placed.record.post_key in threads),
            key=lambda placed: placed.record.created_at,
        )
        authors = await self._authors([placed.record for placed in found])
        comments = [
            ImportedComment(
                key=placed.record.key,
                post_id=threads[placed.record.post_key].post_id,
                parent_key=placed.record.parent_key,
                author=authors[placed.record.author],
                text=placed.record.text,
                created_at=placed.record.created_at,
                edited_at=placed.record.edited_at,
                ups=placed.record.ups,
                downs=placed.record.downs,
                state=placed.record.state,
            )
            for placed in found
        ]
        imported = await self._services.comment.import_comments(list(threads.values()), comments)
        left_out = [placed for placed in found if placed.record.key not in imported.ids]
        for placed in left_out:
            self._held.add(placed)
        return Step(
            kind="comments",
            place=batch.place,
            added=imported.added,
            known=len(comments) - len(left_out) - imported.added,
            bad=batch.bad + bad,
            consumed=batch.consumed,
        )

    async def bring_held(self) -> AsyncGenerator[Step, None]:
        """What was held back: again and again as long as that helps, then with stand-ins for what is missing."""
        while self._held.count:
            waiting, self._held = self._held, Held()
            with closing(waiting):
                for records in waiting.batches():
                    yield await self.bring_comments(Batch(records, [], 0, "comments held back"))
                if self._held.count < waiting.count:
                    continue
                stand_ins = await self._put_stand_ins()
                yield Step(kind="comments", place="comments held back", stand_ins=stand_ins)
                if not stand_ins:
                    reason = "it answers no comment of its own thread"
                    for records in waiting.batches():
                        bad = [placed.bad(reason) for placed in records]
                        yield Step(kind="comments", place="comments held back", bad=bad)
                    return

    async def _put_stand_ins(self) -> int:
        """Put a deleted comment where one is answered that is nowhere to be found, so that its replies stay together.

        Which those are shows only by comparison with all that wait; their keys are the one thing kept in memory.
        """
        waiting = {placed.record.key for records in self._held.batches() for placed in records}
        added = 0
        for records in self._held.batches():
            threads = await self._threads_of({placed.record.post_key for placed in records})
            missing: dict[str, ImportedComment] = {}
            for placed in records:
                key = placed.record.parent_key
                if key is not None and key not in waiting and key not in missing:
                    missing[key] = ImportedComment(
                        key=key,
                        post_id=threads[placed.record.post_key].post_id,
                        parent_key=None,
                        author=NOBODY,
                        text="",
                        created_at=placed.record.created_at,
                        state="deleted",
                    )
            imported = await self._services.comment.import_comments(list(threads.values()), list(missing.values()))
            added += imported.added
        return added

    async def _authors(self, records: Sequence[Submission | Reply]) -> dict[str, Author]:
        """Who wrote these, by name; people who are not here yet get an account without a password.

        Without an author stays what was written under a few of reddit's oldest names, which are misshapen by our
        rules, and under names whose account was deleted here.
        """
        if len(self._people) > REMEMBERED:
            self._people = {"": NOBODY}
        new = [record for record in records if record.author not in self._people]
        if new:
            names = {record.author for record in new if NAME.fullmatch(record.author)}
            oldest = min(record.created_at for record in new)
            ids = await self._services.account.import_people(sorted(names), oldest) if names else {}
            for record in new:
                name = record.author
                self._people[name] = Author(ids[name], name) if ids.get(name) else NOBODY
        return self._people

    async def _threads_of(self, post_keys: set[str]) -> dict[str, ThreadRef]:
        """The threads of those of these posts that have been imported, now or in an earlier run."""
        if len(self._threads) > REMEMBERED:
            self._threads = {}
        new = sorted(post_keys - self._threads.keys())
        if new:
            ids = await self._services.post.imported(new)
            posts = {post.id: post for post in await self._services.post.posts(list(ids.values()))}
            for key, post_id in ids.items():
                if post := posts.get(post_id):
                    self._threads[key] = ThreadRef(
                        post_id=post_id, author_id=post.author.id, title=post.title, community=post.community
                    )
        return {key: self._threads[key] for key in post_keys if key in self._threads}
