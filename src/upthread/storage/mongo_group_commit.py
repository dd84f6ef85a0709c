"""Group commit on MongoDB: what many ask for at the same moment is one transaction.

Transactions that change the same document refuse each other, and all but one begin anew: of 64 people who vote on one
post at once the last would wait for 63 others, and give up. Here those of one process never meet. As with the writer of
a SQLite file, whatever is asked while a transaction runs is done by the next one, with as many queries as a single
thing needs.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context
from typing import Generic, TypeVar

from upthread.errors import Unavailable
from upthread.runtime.calls.deadline import latest
from upthread.storage.mongo import MongoDatabase, Session

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")

GROUP = 256
"""Things done in one transaction; MongoDB advises against transactions that change more than about 1000 documents."""


class GroupCommit(Generic[Asked, Answer]):
    """Runs ``work`` on everything that was asked since its last run began, one transaction at a time.

    Args:
        database: where the transactions run.
        work: does what is asked and returns an answer to each, in this order. It may run more than once for the same.
    """

    def __init__(
        self, database: MongoDatabase, work: Callable[[Session, list[Asked]], Awaitable[list[Answer]]]
    ) -> None:
        self._database = database
        self._work = work
        self._waiting: list[tuple[Asked, asyncio.Future[Answer]]] = []
        self._running: asyncio.Task[None] | None = None

    async def add(self, asked: Asked) -> Answer:
        """Do this, and return the answer once a majority has it on disk.

        Raises:
            Unavailable: it could not be committed in time, or not be known to be committed.
        """
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, answer))
        if self._running is None:
            # In a context of its own: the deadline of one who asked is not that of the others.
            self._running = asyncio.create_task(self._run(), context=Context())
        try:
            async with asyncio.timeout_at(latest()):
                return await answer
        except TimeoutError as error:
            raise Unavailable(service=self._database.name) from error

    async def _run(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting[:GROUP], self._waiting[GROUP:]
                await self._commit([(asked, answer) for asked, answer in group if not answer.done()])
        finally:
            self._running = None

    async def _commit(self, group: list[tuple[Asked, asyncio.Future[Answer]]]) -> None:
        all_asked = [asked for asked, _ in group]
        (outcome,) = await asyncio.gather(
            self._database.transact(lambda session: self._work(session, all_asked)), return_exceptions=True
        )
        for place, (_, answer) in enumerate(group):
            if answer.done():  # whoever asked is gone
                continue
            if isinstance(outcome, BaseException):
                answer.set_exception(outcome)
            else:
                answer.set_result(outcome[place])
