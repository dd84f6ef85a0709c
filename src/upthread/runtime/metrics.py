"""Metrics in Prometheus's text format, with the names that the original's dashboards ask for (docs/observability.md).

With ``serve --workers N`` the processes share their figures through files (prometheus_client's multiprocess mode,
switched on by :func:`upthread.runtime.workers.shared_metrics`), so whichever process is asked tells the sum. A gauge
there says how the processes' values make one: ``livesum`` for what each has of its own, ``mostrecent`` for what all see
alike. Figures that are worked out only when somebody asks are set by whoever :func:`measured_by` names.
"""

import asyncio
import os
import re
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import cache

import structlog
from prometheus_client import (
    CONTENT_TYPE_PLAIN_0_0_4,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
    multiprocess,
)
from prometheus_client import REGISTRY as OWN_PROCESS
from starlette.types import Scope

from upthread.errors import UpthreadError

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
UNROUTED = "(none)"
"""Label for what no route took. Labels never come from the client's text, or a scanner could grow them for ever."""
DEADLINE = 1.0
"""Seconds that working out a figure may take."""

_AS_IN_THE_ORIGINAL = re.compile(rb"\b(\w+_request_count|post_count|comment_count)_total\b")
"""The library ends every counter's name in ``_total``; the original's counters have no such ending."""

Measure = Callable[[], Awaitable[None]]

log = structlog.get_logger(__name__)

disable_created_metrics()  # type: ignore[no-untyped-call]

named_errors = Counter("upthread_errors", "Named errors that requests ended with.", ["code"])


class RequestFigures:
    """How many requests a process has answered, and how long each took."""

    def __init__(self, process: str) -> None:
        self._count = Counter(f"{process}_request_count", "Requests answered.", ["method", "path", "http_status"])
        self._time = Histogram(
            f"{process}_request_response_time",
            "Seconds from a request's arrival to the end of its answer.",
            ["path"],
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
        )
        self._labelled = cache(self._label)  # finding the labels takes longer than counting; they are as many as routes

    def count(self, scope: Scope, status: int, seconds: float) -> None:
        """Take note of an answered request, under the template of its route (``/post/{id}``)."""
        path = getattr(scope.get("route"), "path", UNROUTED)
        method = scope["method"] if scope["method"] in METHODS else "OTHER"
        self._labelled(method, path, status).add(seconds)

    def _label(self, method: str, path: str, status: int) -> "_Figure":
        return _Figure(self._count.labels(method, path, str(status)), self._time.labels(path))


class _Figure:
    """Requests of one kind. The library's own ways to count check first what is right here, and take twice as long."""

    def __init__(self, count: Counter, time: Histogram) -> None:
        self._add_one = count._value.inc  # noqa: SLF001
        self._add_seconds = time._sum.inc  # noqa: SLF001
        self._bounds = time._upper_bounds  # noqa: SLF001
        self._add_up_to = [bucket.inc for bucket in time._buckets]  # noqa: SLF001

    def add(self, seconds: float) -> None:
        """One request more, which took so long."""
        self._add_one(1)
        self._add_seconds(seconds)
        self._add_up_to[bisect_left(self._bounds, seconds)](1)


@cache
def request_figures(process: str) -> RequestFigures:
    """The figures whose names begin with ``process``."""
    return RequestFigures(process)


def count_error(error: UpthreadError) -> None:
    """Take note of a named error that a request ended with."""
    named_errors.labels(error.code).inc()


@cache
def health_gauge(name: str, description: str) -> Gauge:
    """The gauge of this name, with the original's labels; any worker may set it, and who did last is believed."""
    return Gauge(name, description, ["version", "commit_hash", "branch"], multiprocess_mode="mostrecent")


_measures: list[Measure] = []


@contextmanager
def measured_by(measure: Measure) -> Iterator[None]:
    """Have ``measure`` set its gauges whenever somebody asks for metrics, until the end of the block."""
    _measures.append(measure)
    try:
        yield
    finally:
        _measures.remove(measure)


async def measure() -> None:
    """Have all gauges set that are as of the asking. One that can't be told now stays as it was last."""
    await asyncio.gather(*map(_in_time, _measures))


async def _in_time(one: Measure) -> None:
    try:
        async with asyncio.timeout(DEADLINE):
            await one()
    except (UpthreadError, TimeoutError) as error:
        log.warning("a figure can't be told", reason=str(error) or type(error).__name__)


def render() -> bytes:
    """All figures as Prometheus reads them."""
    registry = OWN_PROCESS
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:  # the library's own switch, not a setting of ours
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return _AS_IN_THE_ORIGINAL.sub(rb"\1", generate_latest(registry))
