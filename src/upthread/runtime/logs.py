"""Logs: one JSON object a line for machines, coloured lines on a terminal; the same for our records and libraries'.

Every record made while a request is served carries its ``request_id``, here and in each service behind it, and the
``trace_id`` if the request belongs to a trace.
"""

import io
import logging
import sys
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any, TextIO, cast

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from upthread.runtime.calls import trace

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The Request-Id of the request being served; empty outside of requests."""


class _Stderr(io.TextIOBase):
    """Standard error as it is when something is written: loggers live long, and test runners replace it."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def configure(level: str = "info", *, readable: bool | None = None) -> None:
    """Send all records of this process to stderr.

    Args:
        level: the least severe level to let through: debug, info, warning, error or critical.
        readable: lines for people instead of JSON; None decides by whether stderr is a terminal.
    """
    threshold = logging.getLevelNamesMapping()[level.upper()]
    if readable is None:
        readable = sys.stderr.isatty()
    common: list[Processor] = [
        add_ids,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper("%H:%M:%S", utc=False)
        if readable
        else structlog.processors.TimeStamper("iso"),
    ]
    if readable:
        finish: Sequence[Processor] = [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    else:
        finish = [structlog.processors.format_exc_info, _as_json]
    stderr = cast("TextIO", _Stderr())
    structlog.configure(
        processors=[*common, *finish],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*common, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *finish],
        )
    )
    logging.basicConfig(handlers=[handler], level=threshold, force=True)
    # At "debug" the driver writes down each command with what people have written in it.
    logging.getLogger("pymongo").setLevel(max(threshold, logging.INFO))


def add_ids(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Tell which request and which trace a record belongs to."""
    if current := request_id.get():
        event["request_id"] = current
    if current := trace.trace_id():
        event["trace_id"] = current
    return event


_encoder = msgspec.json.Encoder(enc_hook=repr)


def _as_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    # When, how bad and what come first, for those who read JSON logs with their eyes.
    record: dict[str, Any] = {key: event.pop(key, "") for key in ("timestamp", "level", "event")}
    record.update(event)
    return _encoder.encode(record).decode()
