"""``upthread backup`` and ``upthread restore``: what an operator types, and what they are told."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Coroutine
from pathlib import Path

import click

from upthread.backup.copying import back_up, restore
from upthread.options import data_option, site_places
from upthread.runtime.clock import SystemClock

file_argument = click.argument("file", type=click.Path(path_type=Path))


@click.command("backup")
@file_argument
@data_option
def backup_command(file: Path, data: Path) -> None:
    """Write everything that the site keeps into FILE. The site may be running and written to.

    FILE gets its name once it is complete and on disk, so an older one of that name is there until then. It holds
    password hashes, sessions and e-mail addresses: keep it as safe as the site. Settings and the secret in the data
    folder are not in it.
    """
    _tell("Backed up", file, back_up(site_places(data), file, SystemClock()))


@click.command("restore")
@file_argument
@data_option
def restore_command(file: Path, data: Path) -> None:
    """Fill an empty site with FILE, a backup from either engine.

    Where the site is to be, the settings say, as for `upthread serve`; stop it before. A site that is not empty is left
    alone, and a FILE that is damaged or not complete changes nothing.
    """
    _tell("Restored", file, restore(site_places(data), file))


def _tell(done: str, file: Path, work: Coroutine[None, None, Counter[str]]) -> None:
    began = time.monotonic()
    counts = asyncio.run(work)
    for kind in sorted(counts):
        click.echo(f"{counts[kind]:>12,}  {_in_words(kind)}")
    size = file.stat().st_size / 1_000_000
    click.echo(
        f"{done} {sum(counts.values()):,} records, {size:,.1f} MB in {file}, in {time.monotonic() - began:.1f} s."
    )


def _in_words(kind: str) -> str:
    return " ".join(re.findall("[A-Z][a-z]+", kind.removesuffix("Record"))).lower()
