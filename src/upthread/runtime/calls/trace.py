"""The trace that a request belongs to, handed on from call to call without being read (W3C Trace Context).

This is the place for spans of our own: ``opentelemetry.propagate`` has both functions in this form.
"""

import re
from collections.abc import Mapping, MutableMapping
from contextvars import ContextVar

_PARENT = re.compile("[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_STATE = re.compile("[ -~]{1,512}")
"""A ``tracestate``: at most as long as everyone has to hand on."""

_trace: ContextVar[Mapping[str, str]] = ContextVar("trace", default={})  # noqa: B039 - never changed


def extract(headers: Mapping[str, str]) -> None:
    """Take up the trace of a request that has come in; a misshapen one is left out."""
    parent, state = headers.get("traceparent", ""), headers.get("tracestate", "")
    if _PARENT.fullmatch(parent):
        _trace.set({"traceparent": parent} | ({"tracestate": state} if _STATE.fullmatch(state) else {}))


def inject(headers: MutableMapping[str, str]) -> None:
    """Hand the trace on with a request that goes out."""
    headers.update(_trace.get())
