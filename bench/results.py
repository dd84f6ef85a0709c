"""What a run has found: figures by name, one for each round; what they come to; and how two runs compare."""

import statistics
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
from msgspec import Struct, field

TOLERANCE = 0.25
"""How much worse a ratio may become from one run to another."""


class Results(Struct, kw_only=True):
    """A run. A later one of the same commit may add to it."""

    commit: str
    when: str
    machine: dict[str, str]
    notes: dict[str, str] = field(default_factory=dict)
    """What was done, in words: sizes, lengths, plans."""
    figures: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, *values: float) -> None:
        """Note what a round gave."""
        self.figures.setdefault(name, []).extend(values)

    def median(self, name: str) -> float:
        """The middle of what all rounds gave.

        Raises:
            KeyError: it was not measured.
        """
        return statistics.median(self.figures[name])

    def ratio(self, name: str, reference: str) -> float:
        """The middle of the rounds' ratios: each figure is compared with its neighbour in time only.

        Raises:
            KeyError: one of them was not measured.
        """
        pairs = zip(self.figures[name], self.figures[reference], strict=True)
        return statistics.median(one / other for one, other in pairs)

    def save(self, file: Path) -> None:
        """Keep it for later."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n")


def load(file: Path) -> Results:
    """A run that was kept."""
    return msgspec.json.decode(file.read_bytes(), type=Results)


class Target(Struct, frozen=True, kw_only=True):
    """Something that has to hold, with how to tell whether it does."""

    row: str
    what: str
    goal: str
    limit: float
    value: Callable[[Results], float]
    show: str = "{:.2f} ×"
    least: bool = False
    """Whether the limit is the least that will do, rather than the most."""
    ratio: bool = True
    """Whether it can be compared between machines and runs."""

    def measured(self, results: Results) -> float | None:
        """What it came to; None if it was not measured."""
        try:
            return self.value(results)
        except KeyError:
            return None

    def met(self, value: float) -> bool:
        """Whether that will do."""
        return value >= self.limit if self.least else value <= self.limit


def _growth(what: str) -> Callable[[Results], float]:
    return lambda results: results.ratio(f"huge.{what}.cpu", f"tiny.{what}.cpu")


TARGETS = (
    Target(row="1", what="front page from memory, CPU against nginx", goal="≤ 3 ×", limit=3,
           value=lambda r: r.ratio("front.cpu", "nginx.cpu")),
    Target(row="1", what="the same, requests a second of one worker", goal="≥ 8,000", limit=8000, show="{:,.0f}",
           least=True, ratio=False, value=lambda r: max(r.figures["front.rate"])),
    Target(row="2", what="front page composed anew, against nginx", goal="≤ 25 ×", limit=25,
           value=lambda r: r.ratio("made.cpu", "nginx.cpu")),
    Target(row="2", what="the same with no row remembered", goal="≤ 25 ×", limit=25,
           value=lambda r: r.ratio("made first.cpu", "nginx.cpu")),
    Target(row="3", what="a person's front page, 200 subscriptions, against row 2", goal="≤ 2 ×", limit=2,
           value=lambda r: r.ratio("home.cpu", "made.cpu")),
    Target(row="4", what="thread page, 500 comments, composed anew", goal="≤ 5 ms", limit=5, show="{:.1f} ms",
           ratio=False, value=lambda r: r.median("thread.cpu") / 1000),
    Target(row="4", what="the same with no row remembered", goal="≤ 5 ms", limit=5, show="{:.1f} ms", ratio=False,
           value=lambda r: r.median("thread first.cpu") / 1000),
    Target(row="4", what="the same from 44,169 comments against from 500", goal="≤ 1.3 ×", limit=1.3,
           value=lambda r: r.ratio("large.cpu", "thread.cpu")),
    Target(row="5", what="durable votes, 64 clients, without HTTP's cost, of bare grouped updates", goal="≥ 60 %",
           limit=0.6, show="{:.0%}", least=True, value=lambda r: r.median("vote.share")),
    Target(row="5", what="answered votes that are not in the table", goal="0", limit=0, show="{:.0f}", ratio=False,
           value=lambda r: sum(r.figures["vote.lost"])),
    *(
        Target(row="6", what=f"growth of {name}", goal="≤ 1.3 ×", limit=1.3, value=_growth(what))
        for what, name in {
            "made": "row 2", "home": "row 3", "week": "top of the week", "search": "a search for a rare word",
            "vote on newest": "a vote on one of the newest 1,000 posts", "vote on any": "a vote on any post",
        }.items()
    ),
    Target(row="7", what="import, speed of bare executemany", goal="≥ 50 %", limit=0.5, show="{:.0%}", least=True,
           value=lambda r: 1 / r.ratio("import.cpu", "bare.cpu")),
    *(
        Target(row="8", what=f"four processes against one: {name}", goal="≤ 2.5 ×", limit=2.5,
               value=lambda r, what=what: r.ratio(f"four.{what}.cpu", f"one.{what}.cpu"))  # type: ignore[misc]
        for what, name in {"made": "row 2", "home": "row 3", "thread": "row 4"}.items()
    ),
    Target(row="9", what="memory of one process after the run", goal="≤ 120 MB", limit=120, show="{:.0f} MB",
           ratio=False, value=lambda r: r.median("memory")),
    Target(row="9", what="growth of memory in the second half of a long load", goal="≤ 5 %", limit=0.05, show="{:.1%}",
           ratio=False, value=lambda r: r.median("soak.growth")),
    Target(row="10", what="start to first answer, one process", goal="≤ 1.0 s", limit=1, show="{:.2f} s", ratio=False,
           value=lambda r: r.median("start.wall")),
    Target(row="11", what="MongoDB: questions that no index bounds or orders", goal="0", limit=0,
           show="{:.0f}", ratio=False, value=lambda r: r.median("mongo.unserved")),
    Target(row="latency", what="requests over 250 ms at half of capacity, the machine's own stalls apart", goal="0",
           limit=0, show="{:.0f}", ratio=False,
           value=lambda r: sum(r.figures[f"{name}.latency.over"][-1] for name in ("front", "home", "thread"))),
)  # fmt: skip


def regressions(before: Results, after: Results) -> Iterable[str]:
    """The ratios that have become worse by more than :data:`TOLERANCE`, each as a line for people."""
    for target in TARGETS:
        old, new = target.measured(before), target.measured(after)
        if not target.ratio or old is None or new is None:
            continue
        if (old / new if target.least else new / old) > 1 + TOLERANCE:
            yield f"{target.row}: {target.what}: {target.show.format(old)} became {target.show.format(new)}"
