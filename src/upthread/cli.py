"""The command line: ``upthread serve`` and what an operator does beside it.

Each command is imported when it is asked for, so ``--help`` is quick and a small command loads no web server.
"""

import importlib
import sys
from pathlib import Path

import click
from msgspec.structs import replace

from upthread import __version__
from upthread.errors import UpthreadError
from upthread.options import data_option, environment_settings
from upthread.runtime import logs

LATER = {
    "import": ("upthread.importing.command", "import_group", "Take over posts, threads and people from elsewhere."),
    "admin": ("upthread.admin", "admin", "Look after accounts: administrators, passwords, sessions."),
}
"""Commands kept elsewhere: module, name in it, and the line that tells about it in ``--help``."""


class Commands(click.Group):
    """The commands of this module, and those of :data:`LATER` as if they were here."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, those here first."""
        return [*super().list_commands(ctx), *LATER]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, imported now if it is kept elsewhere."""
        if cmd_name not in LATER:
            return super().get_command(ctx, cmd_name)
        module, name, _ = LATER[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """Write the list of commands without importing any."""
        rows = [(name, command.get_short_help_str(80)) for name, command in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl([*rows, *((name, line) for name, (_, _, line) in LATER.items())])


BEGINNING = """\b
Begin with:
  upthread serve --demo             a site with a demo, on http://127.0.0.1:9292
  upthread admin make-admin NAME    once NAME has signed up
  upthread COMMAND --help           what a command can do
"""
SERVING = """\b
Examples:
  upthread serve
  upthread serve --data /srv/upthread --port 8080
  upthread serve --host 0.0.0.0 --workers 4
"""


@click.group(cls=Commands, epilog=BEGINNING, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="Upthread %(version)s")
def cli() -> None:
    """Upthread, a link-sharing and discussion site."""


@cli.command(epilog=SERVING)
@click.option("--host", metavar="ADDRESS", help="Where to listen.  [default: $UPTHREAD_HOST or 127.0.0.1]")
@click.option(
    "--port",
    metavar="PORT",
    type=click.IntRange(0, 65535),
    help="The port; 0 takes any that is free.  [default: $UPTHREAD_PORT or 9292]",
)
@data_option
@click.option(
    "--workers",
    metavar="N",
    type=click.IntRange(1, 64),
    help="Processes that serve; more than cores do not help.  [default: $UPTHREAD_WORKERS or 1]",
)
@click.option("--demo", is_flag=True, help="Fill the site with a demo first, if nothing is in it yet.")
def serve(host: str | None, port: int | None, data: Path, workers: int | None, *, demo: bool) -> None:
    """Run the whole site, on SQLite files in one folder.

    The folder is made if it is not there. SIGTERM or Ctrl-C lets running requests finish and ends within 5 seconds.
    Everything else is set by environment variables; docs/settings.md describes them.
    """
    given = {"host": host, "port": port, "workers": workers, "data": data}
    settings = replace(environment_settings(), **{name: value for name, value in given.items() if value is not None})

    from upthread.runtime.workers import shared_metrics  # noqa: PLC0415 - see the module's docstring

    with shared_metrics(settings.workers):
        from upthread.site import run  # noqa: PLC0415 - it imports prometheus_client, which has to find the above

        run(settings, demo=demo)


def main() -> None:
    """Run the command that was asked for. A failure on purpose is one line on stderr and exit status 1."""
    logs.configure("warning")  # an operator's command has its own words; ``serve`` sets this anew from the settings
    try:
        cli(prog_name="upthread")
    except UpthreadError as error:
        click.echo(f"upthread: {error}", err=True)
        sys.exit(1)
