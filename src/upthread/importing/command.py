"""``upthread import``: the importer at a terminal, with progress, a summary, and an exit status for scripts."""

import asyncio
import signal
import sys
import time
from collections import Counter
from contextlib import aclosing
from pathlib import Path
from typing import Self

import click
from tqdm import tqdm

from upthread.assembly import open_services
from upthread.importing.dump import BadLine, Dump, Unrecognised, recognised
from upthread.importing.importer import Step, bytes_to_read, import_dumps
from upthread.options import data_option, site_places
from upthread.runtime import garbage

BAD_LINES_SHOWN = 20
"""Bad lines named for each file; the rest are counted only."""
STATUS_SKIPPED, STATUS_UNREADABLE, STATUS_STOPPED = 1, 2, 130
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)

STATUSES = """\b
Exit status:
  0    all went well
  1    some lines were skipped
  2    a file can't be read at all, and nothing was changed
  130  it was stopped between two batches
"""


class UnreadableFile(click.ClickException):
    """A file that can't be imported at all: said before anything is changed."""

    exit_code = STATUS_UNREADABLE


@click.group("import")
def import_group() -> None:
    """Take over posts, threads and people from elsewhere."""


@import_group.command("reddit", epilog=STATUSES)
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@data_option
@click.option(
    "--comments",
    default=0,
    metavar="N",
    type=click.IntRange(0),
    help="Make up threads as long as the real ones were, but of at most N comments a post: for demos and measurements.",
)
def import_reddit(files: tuple[Path, ...], data: Path, comments: int) -> None:
    """Import posts and comments from dumps of reddit.

    Each FILE is NDJSON of submissions or of comments, as Pushshift and Arctic Shift publish it, or CSV of
    submissions as in the "Reddit Top 2.5 Million" dataset; plain, .gz or .zst. Posts come before comments, in
    whichever order the files are given.

    Communities, authors, times, votes, flair and threads are kept. Authors get accounts that nobody can sign in to
    until an administrator resets the password; one whose name is taken here is held to be that person.

    Running it again changes nothing, so an import that was stopped goes on where it was.
    """
    dumps = [_recognised(path) for path in files]
    report = Report(bytes_to_read(dumps, comments))
    garbage.collect_less()
    asyncio.run(_import(dumps, data, comments, report))
    report.summarise()
    sys.exit(report.status)


def _recognised(path: Path) -> Dump:
    try:
        return recognised(path)
    except OSError as error:
        raise UnreadableFile(f"{path} can't be read: {error.strerror or error}.") from None
    except Unrecognised as error:
        raise UnreadableFile(f"{path} can't be imported: {error}.") from None


async def _import(dumps: list[Dump], data: Path, comments: int, report: "Report") -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stop.set)
    with report:
        async with (
            open_services(site_places(data)) as services,
            aclosing(import_dumps(services, dumps, comments)) as steps,
        ):
            async for step in steps:
                report.take(step)
                if stop.is_set():
                    report.stopped_at = step.place
                    break
            # What is still on its way between the services is on disk; delivering may be left to the site.
            for number in STOP_SIGNALS:
                loop.remove_signal_handler(number)
            if not report.stopped_at:
                await services.settle()


class Report:
    """What has happened so far, as a bar on a terminal while it goes on and as a few lines at the end."""

    def __init__(self, total_bytes: int) -> None:
        self.stopped_at = ""
        self._added: Counter[str] = Counter()
        self._known: Counter[str] = Counter()
        self._skipped: Counter[str] = Counter()
        self._skipped_in: Counter[str] = Counter()
        self._stand_ins = 0
        self._began = time.monotonic()
        self._bar = tqdm(
            total=total_bytes,
            unit="B",
            unit_scale=True,
            unit_divisor=1024,
            disable=None,
            leave=False,
            dynamic_ncols=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    @property
    def status(self) -> int:
        """The exit status that tells a script how it went."""
        if self.stopped_at:
            return STATUS_STOPPED
        return STATUS_SKIPPED if self._skipped else 0

    def take(self, step: Step) -> None:
        """Add what one step came to, and name its bad lines."""
        self._added[step.kind] += step.added
        self._known[step.kind] += step.known
        self._stand_ins += step.stand_ins
        for bad in step.bad:
            self._skipped[step.kind] += 1
            self._name(bad)
        self._bar.update(step.consumed)
        done = self._added + self._known
        self._bar.set_postfix_str(f"{done['posts']:,} posts, {done['comments']:,} comments", refresh=False)

    def summarise(self) -> None:
        """Print the figures."""
        for kind in ("posts", "comments"):
            click.echo(
                f"{kind.capitalize()}: {self._added[kind]:,} new, {self._known[kind]:,} already here,"
                f" {self._skipped[kind]:,} skipped."
            )
        if self._stand_ins:
            click.echo(
                f"Answered but in none of the files: {self._stand_ins:,} comments, which stand there as deleted."
            )
        click.echo(f"Took {time.monotonic() - self._began:.1f} s.")
        if self.stopped_at:
            click.echo(f"Stopped at {self.stopped_at}. Run the same command again to go on.", err=True)

    def _name(self, bad: BadLine) -> None:
        self._skipped_in[bad.path] += 1
        if self._skipped_in[bad.path] <= BAD_LINES_SHOWN:
            self._bar.write(str(bad), file=sys.stderr)
        elif self._skipped_in[bad.path] == BAD_LINES_SHOWN + 1:
            self._bar.write(f"{bad.path}: more lines are bad; they are only counted from here on", file=sys.stderr)
