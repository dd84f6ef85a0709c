"""Command-line options that several commands share. What is not given on the command line comes from the settings."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from upthread.settings import Settings


def environment_settings() -> Settings:
    """The settings of this process's environment.

    Raises:
        StartError: a variable has a value that it can't have.
    """
    return Settings.from_environment(os.environ)


def data_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option ``--data``, the folder with the site's databases."""
    return click.option(
        "--data",
        default=lambda: environment_settings().data,
        metavar="DIR",
        type=click.Path(path_type=Path),
        help="The folder with the site's databases.  [default: $UPTHREAD_DATA or data]",
    )(command)
