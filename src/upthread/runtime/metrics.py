"""Metrics in Prometheus's text format, with the names that the original's dashboards ask for.

With ``serve --workers N`` the processes share their figures through files (prometheus_client's multiprocess mode,
switched on by :func:`upthread.runtime.serving.shared_metrics`), so whichever process is asked tells the sum.
"""

import os
from functools import cache

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

disable_created_metrics()  # type: ignore[no-untyped-call]

request_count = Counter("ui_request_count", "Requests answered.", ["method", "path", "http_status"])
request_time = Histogram(
    "ui_request_response_time",
    "Seconds from a request's arrival to the end of its answer.",
    ["path"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
named_errors = Counter("upthread_errors", "Named errors that requests ended with.", ["code"])


def count_request(scope: Scope, status: int, seconds: float) -> None:
    """Take note of an answered request, under the template of its route (``/post/{id}``)."""
    path = getattr(scope.get("route"), "path", UNROUTED)
    method = scope["method"] if scope["method"] in METHODS else "OTHER"
    count, time = _labelled(method, path, status)
    count.inc()
    time.observe(seconds)


@cache  # finding the labels takes longer than counting; there are as many as there are routes
def _labelled(method: str, path: str, status: int) -> tuple[Counter, Histogram]:
    return request_count.labels(method, path, str(status)), request_time.labels(path)


def count_error(error: UpthreadError) -> None:
    """Take note of a named error that a request ended with."""
    named_errors.labels(error.code).inc()


@cache
def health_gauge(name: str, description: str) -> Gauge:
    """The gauge of this name; every process of a site may set it, and who did last is believed."""
    return Gauge(name, description, multiprocess_mode="mostrecent")


def render() -> bytes:
    """All figures as Prometheus reads them."""
    registry = OWN_PROCESS
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:  # the library's own switch, not a setting of ours
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    # The library ends every counter's name in _total; the original's has no such ending.
    return generate_latest(registry).replace(b"ui_request_count_total", b"ui_request_count")
