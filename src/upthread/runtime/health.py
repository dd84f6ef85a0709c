"""Whether this process lives, can be sent requests, and reaches what it depends on.

``/livez`` touches nothing, so an orchestrator does not restart a process for a database's failure. ``/readyz`` and
``/healthcheck`` ask every service, near or far; the second has the original's form: 1 is well, 0 is not, always 200.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from upthread.errors import UpthreadError
from upthread.runtime import metrics

DEADLINE = 1.0
"""Seconds a service has to say that it is well."""

Check = Callable[[], Awaitable[None]]

log = structlog.get_logger(__name__)


def health_routes(checks: Mapping[str, Check], version: str, process: str = "ui", commit: str = "") -> list[Route]:
    """Routes ``/livez``, ``/readyz``, ``/healthcheck`` and ``/metrics``, whose health gauges are as of the asking.

    Args:
        checks: what to ask of each service, by its name; it raises if the service is not well.
        version: shown by ``/healthcheck`` and beside the gauges.
        process: what the gauges' names begin with.
        commit: what it was built from, shown likewise if it is known.
    """

    async def livez(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def examined() -> dict[str, bool]:
        return await examine(checks, version, process, commit)

    async def readyz(_request: Request) -> Response:
        missing = [name for name, well in (await examined()).items() if not well]
        if missing:
            return PlainTextResponse(f"not answering: {', '.join(missing)}\n", status_code=503)
        return PlainTextResponse("ok\n")

    async def healthcheck(_request: Request) -> Response:
        services = await examined()
        return JSONResponse(
            {
                "status": int(all(services.values())),
                "dependent_services": {name: int(well) for name, well in services.items()},
                "version": version,
                **({"commit": commit} if commit else {}),
            }
        )

    async def figures(_request: Request) -> Response:
        await asyncio.gather(examined(), metrics.measure())
        return Response(metrics.render(), media_type=metrics.CONTENT_TYPE)

    return [
        Route("/livez", livez),
        Route("/readyz", readyz),
        Route("/healthcheck", healthcheck),
        Route("/metrics", figures),
    ]


async def examine(checks: Mapping[str, Check], version: str, process: str, commit: str) -> dict[str, bool]:
    """Ask all at once whether they are well, and set the gauges accordingly."""
    answers = await asyncio.gather(*(_is_well(name, check) for name, check in checks.items()))
    services = dict(zip(checks, answers, strict=True))
    build = (version, commit, "")  # of the original's labels, the branch is not known: an image is made of a commit
    well = metrics.health_gauge(f"{process}_health", "Whether everything this process depends on is well.")
    well.labels(*build).set(all(answers))
    for name, is_well in services.items():
        part = "mongo" if name == f"{process}db" else name  # the original's name for it, whichever engine it is
        available = metrics.health_gauge(f"{process}_health_{part}_availability", f"Whether {name} is well.")
        available.labels(*build).set(is_well)
    return services


async def _is_well(name: str, check: Check) -> bool:
    try:
        async with asyncio.timeout(DEADLINE):
            await check()
    except (UpthreadError, OSError, TimeoutError) as error:
        log.warning("health check failed", service=name, reason=str(error) or type(error).__name__)
        return False
    return True
