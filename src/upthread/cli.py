"""The command line: ``upthread serve`` and what an operator does beside it.

Each command is imported when it is asked for, so ``--help`` is quick and a small command loads no web server.
"""

import importlib
import sys
from pathlib import Path
from typing import Literal

import click
from msgspec.structs import replace

from upthread import __version__
from upthread.errors import UpthreadError
from upthread.options import data_option, environment_settings, host_option, port_option, workers_option
from upthread.runtime import logs
from upthread.settings import Settings

LATER = {
    "import": ("upthread.importing.command", "import_group", "Take over posts, threads and people from elsewhere."),
    "admin": ("upthread.admin", "admin", "Look after accounts: administrators, passwords, sessions."),
    "backup": ("upthread.backup.command", "backup_command", "Write everything that the site keeps into FILE."),
    "restore": (
        "upthread.backup.command",
        "restore_command",
        "Fill an empty site with FILE, a backup from either engine.",
    ),
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
UI = """\b
Examples:
  upthread ui
  POST_SERVICE_HOST=10.0.0.7 upthread ui --host 0.0.0.0 --port 8080
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
@host_option
@port_option("$UPTHREAD_PORT or 9292")
@data_option
@workers_option
@click.option("--demo", is_flag=True, help="Fill the site with a demo first, if nothing is in it yet.")
def serve(host: str | None, port: int | None, data: Path, workers: int | None, *, demo: bool) -> None:
    """Run the whole site, on SQLite files in one folder unless the settings name a MongoDB.

    The folder is made if it is not there. SIGTERM or Ctrl-C lets running requests finish and ends within 5 seconds.
    Everything else is set by environment variables; docs/settings.md describes them.
    """
    settings = _settings(host=host, port=port, workers=workers, data=data)

    from upthread.runtime.workers import shared_metrics  # noqa: PLC0415 - see the module's docstring

    with shared_metrics(settings.workers):
        from upthread.site import run  # noqa: PLC0415 - it imports prometheus_client, which has to find the above

        run(settings, demo=demo)


@cli.command(epilog=UI)
@host_option
@port_option("$UPTHREAD_PORT or 9292")
@workers_option
def ui(host: str | None, port: int | None, workers: int | None) -> None:
    """Run the website alone, over services that are processes of their own.

    They are looked for where POST_SERVICE_HOST and POST_SERVICE_PORT say, COMMENT_SERVICE_… and ACCOUNT_SERVICE_…
    alike. They need not be there yet: until they are, pages say what is missing. Set UPTHREAD_CALL_SECRET to the same
    for all. docs/settings.md describes these and the rest.
    """
    settings = _settings(host=host, port=port, workers=workers)

    from upthread.runtime.workers import shared_metrics  # noqa: PLC0415 - see the module's docstring

    with shared_metrics(settings.workers):
        from upthread.fleet import run_ui  # noqa: PLC0415 - it imports prometheus_client, which has to find the above

        run_ui(settings)


@cli.command()
@host_option
@port_option("$POST_SERVICE_PORT or 5000")
@workers_option
@data_option
def post(host: str | None, port: int | None, workers: int | None, data: Path) -> None:
    """Run the service of communities, posts and their votes alone.

    It keeps post.sqlite3 in the folder, which is made if it is not there, or its data on MongoDB if
    POST_DATABASE_HOST or POST_DATABASE_URL says where. It tells the other services what concerns them as soon
    as they are there. Set UPTHREAD_CALL_SECRET before you let more than this machine reach it:
    without it whoever reaches the port can do everything.
    """
    _run_service("post", port, host=host, workers=workers, data=data)


@cli.command()
@host_option
@port_option("$COMMENT_SERVICE_PORT or 9292")
@workers_option
@data_option
def comment(host: str | None, port: int | None, workers: int | None, data: Path) -> None:
    """Run the service of comments and their votes alone.

    It keeps comment.sqlite3 in the folder, which is made if it is not there, or its data on MongoDB if
    COMMENT_DATABASE_HOST or COMMENT_DATABASE_URL says where. It tells the other services what concerns them as soon
    as they are there. Set UPTHREAD_CALL_SECRET before you let more than this machine reach it:
    without it whoever reaches the port can do everything.
    """
    _run_service("comment", port, host=host, workers=workers, data=data)


@cli.command()
@host_option
@port_option("$ACCOUNT_SERVICE_PORT or 9293")
@workers_option
@data_option
def account(host: str | None, port: int | None, workers: int | None, data: Path) -> None:
    """Run the service of people, their sessions and inboxes alone.

    It keeps account.sqlite3 in the folder, which is made if it is not there, or its data on MongoDB if
    ACCOUNT_DATABASE_HOST or ACCOUNT_DATABASE_URL says where. It tells the other services what concerns them as soon
    as they are there. Set UPTHREAD_CALL_SECRET before you let more than this machine reach it:
    without it whoever reaches the port can do everything.
    """
    _run_service("account", port, host=host, workers=workers, data=data)


def _run_service(room: Literal["post", "comment", "account"], port: int | None, **given: object) -> None:
    settings = _settings(**given)

    from upthread.runtime.workers import shared_metrics  # noqa: PLC0415 - see the module's docstring

    with shared_metrics(settings.workers):
        from upthread.fleet import run_service  # noqa: PLC0415 - it imports prometheus_client, which has to find the above

        run_service(room, settings, getattr(settings, f"{room}_port") if port is None else port)


def _settings(**given: object) -> Settings:
    """The environment's settings, but for what was given on the command line."""
    return replace(environment_settings(), **{name: value for name, value in given.items() if value is not None})


def main() -> None:
    """Run the command that was asked for. A failure on purpose is one line on stderr and exit status 1."""
    logs.configure("warning")  # an operator's command has its own words; ``serve`` sets this anew from the settings
    try:
        cli(prog_name="upthread")
    except UpthreadError as error:
        click.echo(f"upthread: {error}", err=True)
        sys.exit(1)
