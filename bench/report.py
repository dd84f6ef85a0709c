"""Writes ``docs/performance.md`` and its plots from what runs have found."""

from pathlib import Path

from minijinja import Environment

from bench.plots import bars
from bench.results import TARGETS, Results

TEMPLATE = Path(__file__).with_name("performance.md")
PAGES = {
    "front": "front page from memory",
    "made": "front page composed anew",
    "made first": "front page anew, no row remembered",
    "home": "a person's front page",
    "shipped": "thread page, 200 comments shown",
    "thread": "thread page, 500 shown of 500",
    "thread first": "thread page, no row remembered",
    "large": "thread page, 500 shown of 44,169",
}
GROWTH = {
    "made": "front page anew",
    "home": "a person's front page",
    "week": "top of the week",
    "search": "search, a rare word",
    "vote on newest": "a vote on a new post",
    "vote on any": "a vote on any post",
}
BESIDE = {"nginx": "nginx, the same bytes", "logged": "front page from memory, each request logged", **PAGES}
FOUR = {"made": "front page anew", "home": "a person's front page", "thread": "thread page, 500 comments"}
MONGO = {
    "made": "front page anew",
    "home": "a person's front page",
    "week": "top of the week",
    "search": "search, a rare word",
    "vote": "a vote",
    "thread": "thread page, 500 shown of 500",
    "large": "thread page, 500 shown of the large one",
}
PROCESSES = ("ui", "post", "comment", "account")


def write(results: Results, docs: Path) -> None:
    """The page and the plots, beside each other in the folder of documentation."""
    environment = Environment(trim_blocks=True, lstrip_blocks=True, undefined_behavior="strict")
    page = environment.render_str(TEMPLATE.read_text(encoding="utf-8"), "performance.md", **_told(results))
    (docs / "performance.md").write_text(page.rstrip() + "\n", encoding="utf-8")
    images = docs / "images"
    cpu = {name: [results.median(f"{page}.cpu")] for page, name in PAGES.items() if f"{page}.cpu" in results.figures}
    (images / "performance-cpu.svg").write_text(bars("CPU for one request", "µs", cpu), encoding="utf-8")
    if "tiny.made.cpu" in results.figures:
        sizes = [f"{size} posts" for size in results.notes["growth"].split("; ")]
        grown = {
            name: [results.median(f"{size}.{what}.cpu") for size in ("tiny", "large", "huge")]
            for what, name in GROWTH.items()
        }
        chart = bars("CPU for one request on sites of different sizes", "µs", grown, sizes)
        (images / "performance-growth.svg").write_text(chart, encoding="utf-8")


def table(results: Results) -> str:
    """The targets with what was measured, as lines for people."""
    return "\n".join(
        f"{row:>7}  {what}: {value} (target {goal})  {verdict}" for row, what, goal, value, verdict in _rows(results)
    )


def _rows(results: Results) -> list[tuple[str, str, str, str, str]]:
    rows = []
    for target in TARGETS:
        value = target.measured(results)
        if value is None:
            rows.append((target.row, target.what, target.goal, "not measured in this run", ""))
            continue
        if target.met(value):
            verdict = "met"
        elif not target.limit:
            verdict = "missed"
        else:
            verdict = f"missed: {value / target.limit:.0%} of the target"
        rows.append((target.row, target.what, target.goal, target.show.format(value), verdict))
    return rows


def _told(results: Results) -> dict[str, object]:
    """What the template is filled with: only words and numbers that were measured."""
    median = {name: results.median(name) for name in results.figures}
    return {
        "commit": results.commit,
        "when": results.when,
        "machine": results.machine,
        "notes": results.notes,
        "rows": _rows(results),
        "cpu": [
            (name, f"{median[f'{page}.cpu']:,.0f}", f"{median[f'{page}.rate']:,.0f}")
            for page, name in BESIDE.items()
            if f"{page}.cpu" in median
        ],
        "processes": [
            [name, *(f"{median[part]:,.0f}" for part in _parts(page))]
            for page, name in FOUR.items()
            if f"four.{page}.cpu.ui" in median
        ],
        "mongo": [
            (name, f"{median[f'mongo.{what}.cpu']:,.0f}")
            for what, name in MONGO.items()
            if f"mongo.{what}.cpu" in median
        ],
        "scale": _internet_scale(median),
    }


def _parts(page: str) -> list[str]:
    """The figures of a page by four processes and by one."""
    return [*(f"four.{page}.cpu.{process}" for process in PROCESSES), f"one.{page}.cpu"]


def _internet_scale(median: dict[str, float]) -> dict[str, str] | None:
    """A site of a hundred million people a month, from what one core does here."""
    if not {"front.cpu", "made.cpu", "home.cpu", "shipped.cpu", "vote.cpu", "vote.rate"} <= median.keys():
        return None
    # Half of the views are of people signed in; of each half, 40 % are feeds and 60 % threads.
    views, signed_in, votes = 50_000, 0.5, 3_000
    anonymous_us = median["front.cpu"]
    person_us = 0.4 * median["home.cpu"] + 0.6 * median["shipped.cpu"]
    cores = views * ((1 - signed_in) * anonymous_us + signed_in * person_us) / 1e6
    return {
        "views": f"{views:,}",
        "votes": f"{votes:,}",
        "anonymous_us": f"{anonymous_us:,.0f}",
        "person_us": f"{person_us:,.0f}",
        "cores": f"{cores:,.0f}",
        "cores_at_half": f"{2 * cores:,.0f}",
        "vote_rate": f"{median['vote.rate']:,.0f}",
        "writers": f"{max(2 * votes / median['vote.rate'], 1):,.1f}",
    }
