"""What can be followed through the four processes: one request in traces and logs, and what it leads to later."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.process.conftest import Start
from tests.process.fleet import SERVICES, Fleet, eventually, sign_up

PROCESSES = ("ui", *SERVICES)


@dataclass(frozen=True)
class Span:
    """A span as somebody sees it who looks at traces."""

    process: str
    name: str
    kind: str
    trace: str
    id: str
    parent: str
    request_id: str


@dataclass
class Collector:
    """What has arrived at a stand-in for a collector and for Zipkin."""

    url: str = ""
    otlp: list[Span] = field(default_factory=list)
    zipkin: list[Span] = field(default_factory=list)


def from_otlp(body: bytes) -> Iterator[Span]:
    """The spans of a request in OTLP's protobuf."""
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        process = next(pair.value.string_value for pair in resource.resource.attributes if pair.key == "service.name")
        for span in (span for scope in resource.scope_spans for span in scope.spans):
            tags = {pair.key: pair.value.string_value for pair in span.attributes}
            yield Span(
                process=process,
                name=span.name,
                kind=span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
                trace=span.trace_id.hex(),
                id=span.span_id.hex(),
                parent=span.parent_span_id.hex(),
                request_id=tags.get("upthread.request_id", ""),
            )


def from_zipkin(body: bytes) -> Iterator[Span]:
    """The spans of a request in Zipkin's JSON."""
    for span in json.loads(body):
        yield Span(
            process=span["localEndpoint"]["serviceName"],
            name=span["name"],
            kind=span["kind"],
            trace=span["traceId"],
            id=span["id"],
            parent=span.get("parentId", ""),
            request_id=span["tags"].get("upthread.request_id", ""),
        )


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A server that takes spans both ways."""
    collected = Collector()

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.path == "/v1/traces":
                collected.otlp += from_otlp(body)
            elif self.path == "/api/v2/spans":
                collected.zipkin += from_zipkin(body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    collected.url = f"http://127.0.0.1:{server.server_port}"
    yield collected
    server.shutdown()
    serving.join()
    server.server_close()


@pytest.fixture
def site(start: Start, tmp_path: Path, collector: Collector) -> Fleet:
    """All four processes, which send their traces both ways."""
    port = collector.url.rpartition(":")[2]
    fleet = Fleet(
        start,
        tmp_path / "data",
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        OTEL_BSP_SCHEDULE_DELAY="50",
        ZIPKIN_ENABLED="true",
        ZIPKIN_HOST="127.0.0.1",
        ZIPKIN_PORT=port,
    )
    fleet.begin(*PROCESSES)
    fleet.whole()
    return fleet


def traced(spans: list[Span], request_id: str) -> dict[str, Span]:
    """The spans of the trace that this request to the website began, by their ids; nothing while some are missing."""
    trace = next((span.trace for span in spans if (span.process, span.request_id) == ("ui", request_id)), None)
    found = {span.id: span for span in spans if span.trace == trace}
    whole = {span.process for span in found.values()} == set(PROCESSES)
    return found if whole and all(span.parent in found for span in found.values() if span.parent) else {}


def check_parents(found: dict[str, Span]) -> None:
    """See that the page called each service, and that each service was called by the page."""
    (page,) = (span for span in found.values() if not span.parent)
    assert (page.process, page.name, page.kind) == ("ui", "GET /post/{id}", "SERVER")
    answers = [span for span in found.values() if span.kind == "SERVER" and span is not page]
    assert {answer.process for answer in answers} == set(SERVICES)
    for answer in answers:
        call = found[answer.parent]
        assert (call.process, call.kind, call.parent) == ("ui", "CLIENT", page.id)
        assert answer.name == "POST /call/" + call.name.removeprefix(f"{answer.process}/")


def follow(site: Fleet, collector: Collector) -> None:
    """Make a post, look at it, and see what was told of that."""
    with site.visitor() as ann:
        sign_up(ann, "ann")
        assert ann.post("/communities/new", data={"name": "birds", "title": "Birds"}).status_code == 303
        assert ann.post("/new", data={"community": "birds", "title": "A wren"}).status_code == 303
        assert ann.get("/post/1", headers={"Request-Id": "look-inside"}).status_code == 200
    for spans in (collector.otlp, collector.zipkin):
        eventually(lambda spans=spans: traced(spans, "look-inside") != {})  # type: ignore[misc]
        check_parents(traced(spans, "look-inside"))


def test_one_request_is_one_trace(site: Fleet, collector: Collector) -> None:
    """A page that asks three services is one trace of four processes, by OTLP and in Zipkin, and one id in all logs."""
    follow(site, collector)
    (trace,) = {span.trace for span in traced(collector.otlp, "look-inside").values()}
    assert {span.trace for span in traced(collector.zipkin, "look-inside").values()} == {trace}
    for process in PROCESSES:
        while (record := site.processes[process].wait_for("request"))["request_id"] != "look-inside":
            pass
        assert record["trace_id"] == trace
    # The site was asked for its health all the time, and asked its services in turn.
    assert not [span.name for span in collector.otlp if "readyz" in span.name or "check" in span.name]


def test_a_delivery_is_a_trace(site: Fleet, collector: Collector) -> None:
    """What a vote leads to later, the author's karma, is a trace from the courier to the service that takes it."""
    with site.visitor() as ann, site.visitor() as bob:
        sign_up(ann, "ann")
        assert ann.post("/communities/new", data={"name": "birds", "title": "Birds"}).status_code == 303
        assert ann.post("/new", data={"community": "birds", "title": "A wren"}).status_code == 303
        sign_up(bob, "bob")
        assert bob.post("/post/1/vote/1").status_code == 303

    def delivered() -> list[tuple[str, str]]:
        by_id = {span.id: span for span in collector.otlp}
        for span in collector.otlp:
            if (span.process, span.name) == ("account", "POST /call/karma_changed"):
                call = by_id.get(span.parent)
                delivery = by_id.get(call.parent) if call else None
                if call and delivery and delivery.trace == span.trace:
                    return [(step.process, step.name) for step in (delivery, call)]
        return []

    eventually(lambda: delivered() != [])
    assert delivered() == [("post", "send KarmaChanged"), ("post", "account/karma_changed")]


def test_nobody_takes_the_traces(start: Start, tmp_path: Path) -> None:
    """A site whose collector and Zipkin are not there serves as ever, and ends as promptly."""
    nobody = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "ZIPKIN_ENABLED": "true", "ZIPKIN_PORT": "1"}
    fleet = Fleet(start, tmp_path / "data", ZIPKIN_HOST="127.0.0.1", OTEL_BSP_SCHEDULE_DELAY="50", **nobody)
    fleet.begin("post")
    assert httpx.get(f"{fleet.where('post')}/nowhere").status_code == 404
    assert fleet.processes["post"].wait_for("traces could not be sent")["to"] == "http://127.0.0.1:1/api/v2/spans"
    fleet.stop("post")
    assert "this process had to be ended, as something in it hangs" not in fleet.processes["post"].events()
