"""Whether a service is worth calling: one that has failed several times in a row is left alone for a while.

Pages that could come without it then come at once instead of each waiting anew for nothing, and a service that is
starting again is not greeted by everyone at once.
"""

from collections.abc import Callable

import structlog
from prometheus_client import Gauge

FAILURES = 5
"""Failures in a row after which a service counts as down."""
PAUSE = 1.0
"""Seconds after which a service that is down is tried again, by one call; the site is whole that soon after it is."""

log = structlog.get_logger(__name__)

open_circuits = Gauge(
    "upthread_circuit_open",
    "1 while a service is not called, as it has failed too often.",
    ["service"],
    multiprocess_mode="livemax",
)


class Circuit:
    """Remembers how the last calls to one service went. Open means that none are made."""

    def __init__(self, service: str, now: Callable[[], float]) -> None:
        """Start closed.

        Args:
            service: its name in logs and figures.
            now: tells seconds, from any point in time on.
        """
        self._service = service
        self._now = now
        self._failures = 0
        self._next_try = 0.0
        self._gauge = open_circuits.labels(service)
        self._gauge.set(0)

    @property
    def is_open(self) -> bool:
        """Whether the service counts as down."""
        return self._failures >= FAILURES

    def admits(self) -> bool:
        """Whether a call may be made now. While the circuit is open that is one in each pause, to see how things are.

        Who is admitted need not report back, so a caller that gives up in between blocks nobody.
        """
        if not self.is_open:
            return True
        now = self._now()
        if now < self._next_try:
            return False
        self._next_try = now + PAUSE
        return True

    def succeeded(self) -> None:
        """The service has answered, whatever it said."""
        if self.is_open:
            log.info("a service answers again", service=self._service)
            self._gauge.set(0)
        self._failures = 0

    def failed(self) -> None:
        """The service has not answered."""
        self._failures += 1
        if self._failures == FAILURES:
            log.error("a service is down", service=self._service, tried_again_every=PAUSE)
            self._gauge.set(1)
            self._next_try = self._now() + PAUSE
