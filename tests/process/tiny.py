"""A program that serves a tiny application, to see how serving itself behaves: ``python -m tests.process.tiny``."""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from upthread.runtime.workers import shared_metrics

LONG = 3600.0


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--start", choices=["well", "never", "fails"], default="well")
    options = parser.parse_args()
    with shared_metrics(options.workers):
        import structlog
        from prometheus_client import Gauge
        from starlette.applications import Starlette
        from starlette.background import BackgroundTask
        from starlette.requests import Request
        from starlette.responses import PlainTextResponse, Response
        from starlette.routing import Route
        from starlette.types import ASGIApp

        from upthread.errors import StartError
        from upthread.runtime import logs
        from upthread.runtime.health import health_routes
        from upthread.runtime.serving import listen, serve

        log = structlog.get_logger()
        under_way = Gauge("tiny_under_way", "Requests that wait.", multiprocess_mode="livesum")

        async def _pid(_request: Request) -> Response:
            return PlainTextResponse(str(os.getpid()))

        async def _wait(request: Request) -> Response:
            log.info("waiting", pid=os.getpid())
            with under_way.track_inprogress():
                await asyncio.sleep(float(request.query_params["seconds"]))
            return PlainTextResponse("waited")

        async def _afterwards(_request: Request) -> Response:
            async def work() -> None:
                log.info("working after the answer")
                await asyncio.sleep(1)
                log.info("worked after the answer")

            return PlainTextResponse("answered", background=BackgroundTask(work))

        async def _hanging_thread(_request: Request) -> Response:
            log.info("waiting")
            await asyncio.to_thread(time.sleep, LONG)
            return PlainTextResponse("never")

        async def _crash(_request: Request) -> Response:
            raise RuntimeError("a bug")

        @asynccontextmanager
        async def _application() -> AsyncIterator[ASGIApp]:
            if options.start == "never":
                log.info("opening")
                await asyncio.sleep(LONG)
            if options.start == "fails":
                raise StartError("There is no room here.")
            yield Starlette(
                routes=[
                    Route("/pid", _pid),
                    Route("/wait", _wait),
                    Route("/afterwards", _afterwards),
                    Route("/thread", _hanging_thread),
                    Route("/crash/{number}", _crash),
                    *health_routes({}, "1"),
                ]
            )
            log.info("application ended")

        logs.configure()
        try:
            listeners = listen("127.0.0.1", options.port, options.workers)
            url = f"http://127.0.0.1:{listeners[0].getsockname()[1]}"
            serve(_application, listeners, lambda: log.info("listening", url=url))
        except StartError as error:
            sys.exit(str(error))
    log.info("ended")
