"""``python -m bench``: make the data, measure, keep what was found, and write the page."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import click

from bench import data, importing, machine, mongo, pages, report, votes
from bench.results import Results, load, regressions

HERE = Path(__file__).parent
PARTS = ("pages", "votes", "growth", "import", "processes", "start", "mongo", "soak")


@click.command()
@click.option("--quick", is_flag=True, help="Fewer parts, small sites, short bursts: a hint in three minutes.")
@click.option(
    "--posts",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    envvar="POSTS",
    help="A folder of reddit's CSV files, packed by gzip. Without it, the demo's posts are multiplied.",
)
@click.option("--cache", type=click.Path(path_type=Path), default="data/bench", help="Where sites are kept.")
@click.option("--size", default=1_000_000, help="Posts of the site that is measured.")
@click.option("--huge", default=10_000_000, help="Posts of the largest site that growth is measured to.")
@click.option("--soak", default=3600, help="Seconds of load for the part of that name.")
@click.option("--rounds", default=5, type=click.IntRange(3), help="How often everything is measured.")
@click.option("--only", multiple=True, type=click.Choice(PARTS), help="Measure only this, and add it to the results.")
@click.option(
    "--compare", type=click.Path(path_type=Path, exists=True), help="Results of another commit: say what is worse."
)
def bench(
    *, quick: bool, posts: Path | None, cache: Path, size: int, huge: int, soak: int, rounds: int,
    only: tuple[str, ...], compare: Path | None,
) -> None:  # fmt: skip
    """Measure what Upthread costs, and write docs/performance.md."""
    base, comments, seconds = (2_000, 20, 1) if quick else (10_000, 50, 4)
    imported = base if quick else 120_000  # all that there are
    size, huge, rounds = (20_000, 50_000, 3) if quick else (size, huge, rounds)
    commit = machine.commit()
    kept = HERE / "results" / f"{'quick' if quick else commit}.json"
    results = Results(commit=commit, when=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", machine=machine.description())
    left_out = ("soak", "processes", "mongo") if quick else ("soak",)
    wanted = only or tuple(part for part in PARTS if part not in left_out)
    _, drivers = machine.cores()
    os.sched_setaffinity(0, set(map(int, drivers.split(","))))

    sizes = {"tiny": base, "large": size, **({"huge": huge} if "growth" in wanted else {})}
    sites = {name: data.site(cache, posts, posts_in, base=base, comments=comments) for name, posts_in in sizes.items()}
    site = sites["large"]
    multiplied = f"{size:,} posts, multiplied from {base:,} {'real ones' if posts else 'of the demo'}"
    measures: dict[str, Callable[[Results], None]] = {
        "pages": lambda found: pages.pages(found, site, rounds, seconds),
        "votes": lambda found: votes.votes(found, site, rounds, seconds),
        "growth": lambda found: pages.growth(found, sites, rounds, seconds),
        "import": lambda found: importing.importing(found, cache, data.dumps(cache, posts, imported), min(rounds, 3)),
        "processes": lambda found: pages.processes(found, site, rounds, seconds),
        "start": lambda found: pages.start(found, site, rounds),
        "mongo": lambda found: mongo.mongo(found, cache, data.dumps(cache, posts, 500), 3, 4),
        "soak": lambda found: pages.soak(found, site, soak),
    }
    for part in wanted:
        click.echo(f"Measuring: {part}")
        found = Results(commit=commit, when=results.when, machine=results.machine)
        measures[part](found)
        if only and kept.exists():  # by an earlier run, or by one that went on meanwhile
            results = load(kept)
        results.figures |= found.figures
        results.notes |= found.notes | {"site": multiplied}
        results.save(kept)
    if not quick:
        report.write(results, HERE.parent / "docs")
    click.echo(report.table(results))
    if compare:
        worse = list(regressions(load(compare), results))
        for line in worse:
            click.echo(f"Worse: {line}")
        if worse:
            raise SystemExit(1)


if __name__ == "__main__":
    bench()
