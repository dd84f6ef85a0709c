"""Traces as spans of OpenTelemetry, sent by OTLP and to Zipkin. Imported only where they are sent somewhere.

A request is a span, and so is each call to another service and each delivery of a courier. Names and attributes are
those of OpenTelemetry's semantic conventions. Spans are sent every few seconds by a thread of their own; if nobody
takes them they are dropped, and nothing else suffers.

What the SDK reads from the environment by itself works as its documentation says: sampling (``OTEL_TRACES_SAMPLER``),
batches (``OTEL_BSP_…``), headers and certificates (``OTEL_EXPORTER_OTLP_…``), names (``OTEL_SERVICE_NAME``,
``OTEL_RESOURCE_ATTRIBUTES``).
"""

import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Self

import requests
import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.zipkin.json import ZipkinExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.trace import Span, SpanKind, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from upthread import __version__
from upthread.errors import UpthreadError
from upthread.runtime.calls import trace
from upthread.runtime.metrics import METHODS
from upthread.runtime.requests import QUIET
from upthread.settings import Settings

FLUSH = 0.4
"""Seconds at the end for the last spans to be sent: what is left between ``CUT`` and ``LAST_RESORT``
(:mod:`upthread.runtime.serving`) even if all else took its time."""
KINDS: Mapping[trace.Kind, SpanKind] = {"client": SpanKind.CLIENT, "producer": SpanKind.PRODUCER}
SERVER_ERROR = 500

_CONTEXT = TraceContextTextMapPropagator()

log = structlog.get_logger(__name__)


class Spans:
    """Records spans and sends them, from the beginning of the block to its end."""

    def __init__(self, settings: Settings, process: str) -> None:
        own = Resource({"service.name": process, "service.version": __version__})
        self._provider = TracerProvider(resource=own.merge(OTELResourceDetector().detect()), shutdown_on_exit=False)
        if settings.otlp_endpoint:
            exporter = OTLPSpanExporter(endpoint=settings.otlp_endpoint.rstrip("/") + "/v1/traces")
            self._provider.add_span_processor(BatchSpanProcessor(exporter))
        if settings.zipkin_enabled:
            host = f"[{settings.zipkin_host}]" if ":" in settings.zipkin_host else settings.zipkin_host
            zipkin = _Zipkin(endpoint=f"http://{host}:{settings.zipkin_port}/api/v2/spans")
            self._provider.add_span_processor(BatchSpanProcessor(zipkin))
        self._tracer = self._provider.get_tracer("upthread", __version__)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Record from now on."""
        self._stack.enter_context(trace.recorded_by(self._part))
        return self

    def __exit__(self, *_: object) -> None:
        """Record no more, and send what is left."""
        self._stack.close()
        sending = threading.Thread(target=self._provider.shutdown, daemon=True)
        sending.start()
        sending.join(FLUSH)

    def around(self, app: ASGIApp) -> ASGIApp:
        """The application, each request to which is a span."""

        async def traced(scope: Scope, receive: Receive, send: Send) -> None:
            await self._request(app, scope, receive, send)

        return traced

    def _begin(self, name: str, kind: SpanKind, attributes: trace.Attributes) -> tuple[Span, dict[str, str]]:
        """A span within the trace that is handed on here, and how to hand on the span."""
        parent: dict[str, str] = {}
        trace.inject(parent)
        span = self._tracer.start_span(name, _CONTEXT.extract(parent), kind, attributes)
        headers: dict[str, str] = {}
        _CONTEXT.inject(headers, set_span_in_context(span))
        return span, headers or parent  # the SDK may be switched off by a variable of its own

    @contextmanager
    def _part(self, name: str, kind: trace.Kind, attributes: trace.Attributes) -> Iterator[None]:
        span, headers = self._begin(name, KINDS[kind], attributes)
        try:
            with trace.within(headers):
                yield
        except BaseException as error:
            _fail(span, error)
            raise
        finally:
            span.end()

    async def _request(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] in QUIET:
            # Traces are for what people ask. These, and the calls they lead to, are marked as a trace not to be kept.
            trace.extract({"traceparent": f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"})
            await app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in METHODS else "HTTP"
        attributes = {
            "http.request.method": method if method in METHODS else "_OTHER",
            "url.path": scope["path"],
            "url.scheme": scope["scheme"],
            "upthread.request_id": scope["request_id"],
        }
        span, headers = self._begin(method, SpanKind.SERVER, attributes)
        trace.extract(headers)  # for all that is left of the request, so that its line in the log has it too

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                span.set_attribute("http.response.status_code", message["status"])
                if message["status"] >= SERVER_ERROR:
                    span.set_status(StatusCode.ERROR)
            await send(message)

        try:
            await app(scope, receive, noting)
        except BaseException as error:
            _fail(span, error)
            raise
        finally:
            route = getattr(scope.get("route"), "path", None)
            if route:
                span.update_name(f"{method} {route}")
                span.set_attribute("http.route", route)
            span.end()


def _fail(span: Span, error: BaseException) -> None:
    """Say how a span failed. That there is no such post is an answer like others."""
    span.set_attribute("error.type", error.code if isinstance(error, UpthreadError) else type(error).__qualname__)
    if not isinstance(error, UpthreadError) or error.status >= SERVER_ERROR:
        span.set_status(StatusCode.ERROR, str(error))


class _Zipkin(ZipkinExporter):
    """Says in one line that Zipkin does not answer, where the library would have a traceback logged each time."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:  # type: ignore[override]
        try:
            return super().export(spans)  # type: ignore[arg-type]
        except requests.RequestException as error:
            log.warning("traces could not be sent", to=self.endpoint, spans=len(spans), reason=str(error))
            return SpanExportResult.FAILURE
