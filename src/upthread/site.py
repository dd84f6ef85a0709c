"""The whole site in this process (or in workers that share its port and files): ``upthread serve``."""

import asyncio
import shlex
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import click
import structlog
from starlette.types import ASGIApp

from upthread import __version__
from upthread.assembly import open_services, prepare_files
from upthread.databases import Places, files_in, places
from upthread.demo import load as load_demo
from upthread.runtime import logs
from upthread.runtime.clock import Clock, SystemClock
from upthread.runtime.secret import site_secret
from upthread.runtime.serving import address, listen, serve
from upthread.runtime.traces import traced
from upthread.settings import Settings
from upthread.ui.app import make_app

log = structlog.get_logger(__name__)


def run(settings: Settings, *, demo: bool) -> None:
    """Serve the site until SIGTERM or SIGINT.

    Args:
        settings: where to listen, where the data are, and the rest.
        demo: fill the site with the demo first, if nothing is in it yet.

    Raises:
        StartError: it can't be done as asked; nothing was changed.
    """
    logs.configure(settings.log_level, readable=settings.readable_logs)
    listeners = listen(settings.host, settings.port, settings.workers)  # first, as it shows whether we run already
    databases = places(settings)
    prepare_files(databases)
    secret = site_secret(settings)
    clock = SystemClock()
    if demo:
        asyncio.run(_fill(databases, clock))

    @asynccontextmanager
    async def site() -> AsyncIterator[ASGIApp]:
        async with open_services(databases, clock) as services:
            yield make_app(services, settings, clock, secret)

    url = address(settings.host, listeners[0])
    serve(traced(site, settings, "ui"), listeners, lambda: _announce(url, settings.data, databases))


async def _fill(databases: Places, clock: Clock) -> None:
    if sys.stdout.isatty():
        click.echo("Filling the site with the demo, if nothing is in it yet ...")
    async with open_services(databases, clock) as services:
        await load_demo(services, clock)


def _announce(url: str, data: Path, databases: Places) -> None:
    # Where `make run` has installed it, the command is on no search path; then it is called as it was just now.
    typed = sys.argv[0] if Path(sys.argv[0]).name == "upthread" and not shutil.which("upthread") else "upthread"
    make_admin = f"{typed} admin make-admin NAME --data {shlex.quote(str(data))}"
    others = [str(place) for room, place in databases.items() if place != files_in(data)[room]]
    kept = ", ".join([*([str(data.resolve())] if len(others) < len(databases) else []), *others])
    if not sys.stdout.isatty():
        log.info("listening", url=url, data=kept, to_make_an_administrator=make_admin)
        return
    click.echo()
    click.echo(f"  Upthread {__version__} is at  {click.style(url, bold=True, underline=True)}")
    click.echo(f"  Data are in           {kept}")
    click.echo(f"  An administrator:     sign up there, then run  {make_admin}")
    click.echo("  To stop:              Ctrl-C")
    click.echo()
