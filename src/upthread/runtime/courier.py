"""Couriers take facts from one service's outbox to another service, at least once and in order.

There is one courier for each sender and receiver, so a receiver that is down holds up nobody else's facts.
A fact is forgotten only after the receiver has taken it; whatever happens in between, it is brought again,
and the receiver knows what it has already seen (see :mod:`upthread.storage.outbox`).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import msgspec
import structlog
from prometheus_client import Counter, Gauge

from upthread.errors import UpthreadError
from upthread.runtime.calls import trace
from upthread.runtime.metrics import measured_by
from upthread.storage.outbox import Envelope, Outbox

BATCH = 200
"""Facts carried in one call."""
IDLE_LOOK = 5.0
"""Seconds after which an idle courier looks all the same: another process may have left something and died."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
"""Seconds to wait after a failed delivery, doubling from the first to the longest."""

log = structlog.get_logger(__name__)

delivered_facts = Counter("outbox_delivered", "Facts taken to another service.", ["sender", "receiver"])
failed_deliveries = Counter("outbox_failed_deliveries", "Calls that a receiver did not take.", ["sender", "receiver"])
waiting_facts = Gauge(
    "outbox_facts", "Facts that wait for this receiver.", ["sender", "receiver"], multiprocess_mode="mostrecent"
)
oldest_fact = Gauge(
    "outbox_oldest_seconds",
    "How long the oldest of them has waited.",
    ["sender", "receiver"],
    multiprocess_mode="mostrecent",
)


class Delivery:
    """How one kind of fact is handed over: its type, and the receiver's method that takes a list of them."""

    def __init__(self, kind: type[msgspec.Struct], hand_over: Callable[[list[Any]], Awaitable[None]]) -> None:
        self.kind = kind
        self.hand_over = hand_over
        self._decoder = msgspec.msgpack.Decoder(kind)

    def open(self, envelope: Envelope) -> Any:
        """The fact in the envelope."""
        return self._decoder.decode(envelope.payload)


class Courier:
    """Carries the facts of one sender to one receiver for as long as its task runs."""

    def __init__(self, sender: str, receiver: str, outbox: Outbox, deliveries: list[Delivery]) -> None:
        self.name = f"{sender} to {receiver}"
        self._outbox = outbox
        self._deliveries: Mapping[str, Delivery] = {delivery.kind.__name__: delivery for delivery in deliveries}
        self._delivered = delivered_facts.labels(sender, receiver)
        self._failed = failed_deliveries.labels(sender, receiver)
        self._waiting = waiting_facts.labels(sender, receiver)
        self._oldest = oldest_fact.labels(sender, receiver)
        self._span: trace.Attributes = {"messaging.destination.name": receiver}

    async def run(self) -> None:
        """Deliver for ever. A failure is counted and tried again; nothing ends this but cancelling the task."""
        with measured_by(self.measure):
            await self._run()

    async def _run(self) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                while await self.deliver():
                    pause = FIRST_PAUSE
            except UpthreadError as error:
                self._failed.inc()
                log.warning("delivery failed", courier=self.name, reason=str(error), again_in=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
                continue
            except Exception:
                self._failed.inc()
                log.exception("delivery failed", courier=self.name, again_in=LONGEST_PAUSE)
                await asyncio.sleep(LONGEST_PAUSE)
                continue
            # Not wait_for: in Python 3.11 it forgets that it was cancelled if the wait ends at the same moment.
            with suppress(TimeoutError):
                async with asyncio.timeout(IDLE_LOOK):
                    await self._outbox.wait()

    async def deliver(self) -> int:
        """Carry one batch; how many facts were taken. Facts of one kind go in one call, of a kind unknown here in none.

        Raises:
            UpthreadError: the receiver did not take a call; those facts stay.
        """
        taken = 0
        envelopes = await self._outbox.pending(BATCH)
        for kind, delivery in self._deliveries.items():
            batch = [envelope for envelope in envelopes if envelope.kind == kind]
            if batch:
                attributes = {**self._span, "messaging.batch.message_count": len(batch)}
                with trace.span(f"send {kind}", "producer", attributes):
                    await delivery.hand_over([delivery.open(envelope) for envelope in batch])
                    await self._outbox.settle(batch)
                self._delivered.inc(len(batch))
                taken += len(batch)
        return taken

    async def measure(self) -> None:
        """Set the gauges that tell what waits.

        Raises:
            UpthreadError: the outbox can't be looked into.
        """
        backlog = await self._outbox.backlog()
        self._waiting.set(backlog.facts)
        self._oldest.set(backlog.seconds)
