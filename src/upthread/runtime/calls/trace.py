"""The trace that a request belongs to, handed on from call to call (W3C Trace Context).

Where no traces are sent it is handed on as it came, unread. Where they are (:mod:`upthread.runtime.traces`), each part
of the work is a span, and what is handed on from within one names it as the parent.
"""

import re
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Literal

HEADERS = ("traceparent", "tracestate")

_PARENT = re.compile("[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_STATE = re.compile("[ -~]{1,512}")
"""A ``tracestate``: at most as long as everyone has to hand on."""

_trace: ContextVar[Mapping[str, str]] = ContextVar("trace", default={})  # noqa: B039 - never changed

Kind = Literal["client", "producer"]
Attributes = Mapping[str, str | int]
BeginSpan = Callable[[str, Kind, Attributes], AbstractContextManager[None]]

_recorders: list[BeginSpan] = []
_NO_SPAN = nullcontext()


def extract(headers: Mapping[str, str]) -> None:
    """Take up the trace of a request that has come in; a misshapen one is left out."""
    parent, state = headers.get("traceparent", ""), headers.get("tracestate", "")
    if _PARENT.fullmatch(parent):
        _trace.set({"traceparent": parent} | ({"tracestate": state} if _STATE.fullmatch(state) else {}))


def inject(headers: MutableMapping[str, str]) -> None:
    """Hand the trace on with a request that goes out."""
    headers.update(_trace.get())


def trace_id() -> str:
    """The id of the trace, 32 hexadecimal digits; empty outside of any."""
    return _trace.get().get("traceparent", "")[3:35]


def span(name: str, kind: Kind, attributes: Attributes) -> AbstractContextManager[None]:
    """A part of the trace that lasts as long as the block; nothing where no traces are sent."""
    return _recorders[-1](name, kind, attributes) if _recorders else _NO_SPAN


@contextmanager
def within(headers: Mapping[str, str]) -> Iterator[None]:
    """Hand on what these headers say until the end of the block."""
    token = _trace.set(headers)
    try:
        yield
    finally:
        _trace.reset(token)


@contextmanager
def recorded_by(begin: BeginSpan) -> Iterator[None]:
    """Make a span of each :func:`span` until the end of the block."""
    _recorders.append(begin)
    try:
        yield
    finally:
        _recorders.remove(begin)
