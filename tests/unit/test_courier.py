"""How couriers end."""

import asyncio

import pytest

from upthread.runtime.courier import Courier
from upthread.storage.outbox import Backlog, Envelope

pytestmark = pytest.mark.anyio


class QuietOutbox:
    """An outbox with nothing in it, in which something is committed now and then."""

    def __init__(self) -> None:
        self.committed = asyncio.Event()
        self.waited_for = asyncio.Event()

    async def pending(self, limit: int) -> list[Envelope]:
        """Nothing."""
        return [][:limit]

    async def settle(self, envelopes: list[Envelope]) -> None:
        """Nothing to settle."""

    async def backlog(self) -> Backlog:
        """Nothing waits."""
        return Backlog(0, 0.0)

    async def wait(self) -> None:
        """Return after a commit."""
        self.waited_for.set()
        await self.committed.wait()
        self.committed.clear()
        self.waited_for.clear()


async def test_a_commit_while_ending() -> None:
    """A courier that is told to end in the moment of a commit ends, so that closing a site never hangs."""
    outbox = QuietOutbox()
    task = asyncio.create_task(Courier("post", "comment", outbox, []).run())
    await outbox.waited_for.wait()
    outbox.committed.set()
    task.cancel()
    await asyncio.wait([task], timeout=5)
    assert task.cancelled()


async def test_facts_of_an_unknown_kind_stay() -> None:
    """Facts that a newer version has left are no work for an older one, which waits for others instead of spinning."""

    class NewerOutbox(QuietOutbox):
        async def pending(self, limit: int) -> list[Envelope]:
            return [Envelope(1, "Unheard", b"")][:limit]

    assert await Courier("post", "comment", NewerOutbox(), []).deliver() == 0
