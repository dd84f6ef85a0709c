"""Whether this process sends traces anywhere. Where it does not, nothing of what sends them is even imported."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import ASGIApp

from upthread.runtime.serving import AppFactory
from upthread.settings import Settings


def traced(app_factory: AppFactory, settings: Settings, process: str) -> AppFactory:
    """The same application, whose traces go to where the settings say; as it is, if they say nothing.

    Args:
        app_factory: makes the application.
        settings: where a collector is (OTLP), or Zipkin.
        process: what it is called in traces.
    """
    if not settings.otlp_endpoint and not settings.zipkin_enabled:
        return app_factory

    from upthread.runtime.spans import Spans  # noqa: PLC0415 - 0.15 s and 10 MB, for those who want traces

    @asynccontextmanager
    async def with_traces() -> AsyncIterator[ASGIApp]:
        with Spans(settings, process) as spans:  # in the worker itself, as threads do not survive a fork
            async with app_factory() as app:
                yield spans.around(app)

    return with_traces
