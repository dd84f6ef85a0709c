"""How many connections to MongoDB are open and in use, as the driver tells it."""

# ruff: noqa: ARG002 - what the driver tells is always something, and all that counts here is that it happened

from prometheus_client import Gauge
from pymongo import monitoring

open_connections = Gauge("mongo_connections", "Open connections.", ["database"], multiprocess_mode="livesum")
connections_in_use = Gauge(
    "mongo_connections_in_use", "Those of them that an operation uses.", ["database"], multiprocess_mode="livesum"
)


class PoolFigures(monitoring.ConnectionPoolListener):
    """Counts the connections of one client, to whichever servers."""

    def __init__(self, database: str) -> None:
        self._open = open_connections.labels(database)
        self._in_use = connections_in_use.labels(database)

    def connection_created(self, event: monitoring.ConnectionCreatedEvent) -> None:
        """One more."""
        self._open.inc()

    def connection_closed(self, event: monitoring.ConnectionClosedEvent) -> None:
        """One less."""
        self._open.dec()

    def connection_checked_out(self, event: monitoring.ConnectionCheckedOutEvent) -> None:
        """One more in use."""
        self._in_use.inc()

    def connection_checked_in(self, event: monitoring.ConnectionCheckedInEvent) -> None:
        """One less in use."""
        self._in_use.dec()

    # The driver wants these to be there as well.

    def pool_created(self, event: monitoring.PoolCreatedEvent) -> None:
        """Nothing to count."""

    def pool_ready(self, event: monitoring.PoolReadyEvent) -> None:
        """Nothing to count."""

    def pool_cleared(self, event: monitoring.PoolClearedEvent) -> None:
        """Nothing to count: its connections are closed one by one."""

    def pool_closed(self, event: monitoring.PoolClosedEvent) -> None:
        """Nothing to count: its connections are closed one by one."""

    def connection_ready(self, event: monitoring.ConnectionReadyEvent) -> None:
        """Nothing to count."""

    def connection_check_out_started(self, event: monitoring.ConnectionCheckOutStartedEvent) -> None:
        """Nothing to count."""

    def connection_check_out_failed(self, event: monitoring.ConnectionCheckOutFailedEvent) -> None:
        """Nothing to count."""
