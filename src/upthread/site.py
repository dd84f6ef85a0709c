"""The whole site in this process (or in workers that share its port and files): ``upthread serve``."""

import asyncio
import os
import secrets
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
from upthread.assembly import open_services, prepare_data
from upthread.demo import load as load_demo
from upthread.errors import StartError
from upthread.runtime import logs
from upthread.runtime.clock import Clock, SystemClock
from upthread.runtime.serving import listen, serve
from upthread.settings import SHORTEST_SECRET, Settings
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
    logs.configure(
        settings.log_level, readable=None if settings.log_format == "auto" else settings.log_format == "console"
    )
    listeners = listen(settings.host, settings.port, settings.workers)  # first, as it shows whether we run already
    prepare_data(settings.data)
    secret = settings.secret.encode() or _kept_secret(settings.data / "secret")
    clock = SystemClock()
    if demo:
        asyncio.run(_fill(settings.data, clock))

    @asynccontextmanager
    async def site() -> AsyncIterator[ASGIApp]:
        async with open_services(settings.data, clock) as services:
            yield make_app(services, settings, clock, secret)

    url = _url(settings.host, listeners[0].getsockname()[1])
    serve(site, listeners, lambda: _announce(url, settings.data))


async def _fill(data: Path, clock: Clock) -> None:
    if sys.stdout.isatty():
        click.echo("Filling the site with the demo, if nothing is in it yet ...")
    async with open_services(data, clock) as services:
        await load_demo(services, clock)


def _kept_secret(path: Path) -> bytes:
    try:
        if not path.exists():
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_hex(32))
        secret = path.read_bytes()
    except OSError as error:
        raise StartError(
            "The file {path} can't be used: {reason}.", path=str(path), reason=error.strerror or str(error)
        ) from None
    if len(secret) < SHORTEST_SECRET:
        raise StartError("The file {path} is cut off; delete it, and a new secret is made.", path=str(path))
    return secret


def _url(host: str, port: int) -> str:
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - recognised here, not listened on
    named = everywhere.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{named}:{port}"


def _announce(url: str, data: Path) -> None:
    # Where `make run` has installed it, the command is on no search path; then it is called as it was just now.
    typed = sys.argv[0] if Path(sys.argv[0]).name == "upthread" and not shutil.which("upthread") else "upthread"
    make_admin = f"{typed} admin make-admin NAME --data {shlex.quote(str(data))}"
    if not sys.stdout.isatty():
        log.info("listening", url=url, data=str(data.resolve()), to_make_an_administrator=make_admin)
        return
    click.echo()
    click.echo(f"  Upthread {__version__} is at  {click.style(url, bold=True, underline=True)}")
    click.echo(f"  Data are in           {data.resolve()}")
    click.echo(f"  An administrator:     sign up there, then run  {make_admin}")
    click.echo("  To stop:              Ctrl-C")
    click.echo()
