"""The trace of a request, handed on unread where no traces are sent."""

import contextvars
import subprocess
import sys

import pytest

from upthread.runtime.calls import trace

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def handed_on(incoming: dict[str, str]) -> dict[str, str]:
    """The headers with which a request calls on that came in with these."""

    def serve() -> dict[str, str]:
        outgoing: dict[str, str] = {}
        trace.extract(incoming)
        trace.inject(outgoing)
        return outgoing

    return contextvars.copy_context().run(serve)


@pytest.mark.parametrize(
    "headers", [{}, {"traceparent": PARENT}, {"traceparent": PARENT, "tracestate": "a=1,b@c=x y;z"}]
)
def test_trace_is_handed_on(headers: dict[str, str]) -> None:
    """A trace that comes in goes out as it was."""
    assert handed_on(headers) == headers


@pytest.mark.parametrize("parent", ["", "00-1-2-01", PARENT.upper(), PARENT + "\n", "x" * 55])
def test_misshapen_traces_end_here(parent: str) -> None:
    """What is no trace is not handed on, and neither is the state that came with it."""
    assert handed_on({"traceparent": parent, "tracestate": "a=1"}) == {}


@pytest.mark.parametrize("state", ["a=\x00", "a=é", "a" * 513])
def test_misshapen_state_is_left_out(state: str) -> None:
    """A state that can't be handed on does not keep the trace from it."""
    assert handed_on({"traceparent": PARENT, "tracestate": state}) == {"traceparent": PARENT}


def test_no_span_without_traces() -> None:
    """Where no traces are sent, a part of the work hands on what came, and nothing that sends traces is loaded."""
    outgoing: dict[str, str] = {}
    with trace.within({"traceparent": PARENT}), trace.span("post/feed", "client", {}):
        trace.inject(outgoing)
    assert outgoing == {"traceparent": PARENT}
    assert trace.trace_id() == ""
    loads = "import sys, upthread.site, upthread.fleet; sys.exit('opentelemetry' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", loads], check=False).returncode == 0  # noqa: S603 - our own
