"""Command-line options that several commands share. What is not given on the command line comes from the settings."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from msgspec.structs import replace

from upthread.databases import Places, places
from upthread.settings import Settings


def environment_settings() -> Settings:
    """The settings of this process's environment.

    Raises:
        StartError: a variable has a value that it can't have.
    """
    return Settings.from_environment(os.environ)


def site_places(data: Path) -> Places:
    """Where the site keeps its data, as the environment says, with this data folder.

    Raises:
        StartError: a variable has a value that it can't have.
    """
    return places(replace(environment_settings(), data=data))


host_option = click.option("--host", metavar="ADDRESS", help="Where to listen.  [default: $UPTHREAD_HOST or 127.0.0.1]")
workers_option = click.option(
    "--workers",
    metavar="N",
    type=click.IntRange(1, 64),
    help="Processes that serve; more than cores do not help.  [default: $UPTHREAD_WORKERS or 1]",
)


def port_option(default: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The option ``--port``, which tells where its default comes from."""
    return click.option(
        "--port",
        metavar="PORT",
        type=click.IntRange(0, 65535),
        help=f"The port; 0 takes any that is free.  [default: {default}]",
    )


def data_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option ``--data``, the folder with those of the site's databases that are SQLite files."""
    return click.option(
        "--data",
        default=lambda: environment_settings().data,
        metavar="DIR",
        type=click.Path(path_type=Path),
        help="The folder with the site's SQLite files.  [default: $UPTHREAD_DATA or data]",
    )(command)
