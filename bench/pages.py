"""Rows 1 to 4, 6, 8, 9 and 10, and latency: pages, on one process and on four, on small sites and on large ones."""

import statistics
import time
from contextlib import ExitStack
from urllib.request import urlopen

from bench import load, votes
from bench.data import Site
from bench.multiplied import rare_word
from bench.results import Results
from bench.servers import Server, four_processes, nginx, one_process

ANEW = "theme=light"
"""A cookie, with which no page comes from memory."""
WARM_UP = 1


def pages(results: Results, site: Site, rounds: int, seconds: int) -> None:
    """Rows 1 to 4, each beside nginx and each other in time; then latency and memory."""
    with ExitStack() as stack:
        server = stack.enter_context(one_process(site.folder))
        long_pages = stack.enter_context(one_process(site.folder, comments=500))
        forgetful = stack.enter_context(one_process(site.folder, comments=500, remembered=0))
        logging = stack.enter_context(one_process(site.folder, UPTHREAD_LOG_LEVEL="info"))
        with urlopen(f"{server.url}/") as answer:  # noqa: S310 - on this machine
            page = answer.read()
        results.notes["front page"] = f"{len(page):,} bytes"
        static = stack.enter_context(nginx(site.folder / "nginx", page))
        reader = f"session={site.reader}"
        asked: dict[str, tuple[Server, str, str]] = {
            "nginx": (static, "/page.html", ""),
            "front": (server, "/", ""),
            "logged": (logging, "/", ""),
            "made": (server, "/", ANEW),
            "made first": (forgetful, "/", ANEW),
            "home": (server, "/", reader),
            "thread": (long_pages, f"/post/{site.small_thread}", ANEW),
            "thread first": (forgetful, f"/post/{site.small_thread}", ANEW),
            "large": (long_pages, f"/post/{site.large_thread}", ANEW),
            "shipped": (server, f"/post/{site.large_thread}", ANEW),
        }
        _in_rounds(results, asked, rounds, seconds)
        for name in ("front", "home", "thread"):
            _latency(results, name, *asked[name], seconds=seconds * 5)
        results.add("memory", server.memory_mb())


def _in_rounds(results: Results, asked: dict[str, tuple[Server, str, str]], rounds: int, seconds: int) -> None:
    for server, path, cookie in asked.values():
        load.get(server, path, WARM_UP, cookie)
    for _ in range(rounds):
        for name, (server, path, cookie) in asked.items():
            burst = load.get(server, path, seconds, cookie)
            results.add(f"{name}.cpu", burst.cpu)
            results.add(f"{name}.rate", burst.rate)
            if len(burst.cpu_us) > 1:
                for process, cpu in burst.cpu_us.items():
                    results.add(f"{name}.cpu.{process}", cpu)


def _latency(results: Results, name: str, server: Server, path: str, cookie: str, *, seconds: int) -> None:
    found = load.at_rate(server, path, results.median(f"{name}.rate") / 2, seconds, cookie)
    results.notes[f"{name} at half of capacity"] = (
        f"{found.rate:,.0f} requests/s: p50 {found.p50:.1f} ms, p99 {found.p99:.1f} ms, p99.9 {found.p999:.1f} ms, "
        f"longest {found.longest:.0f} ms; {found.over} over 250 ms, {found.over_by_machine} of them only as others "
        "had the server's core"
    )
    for percentile in ("p50", "p99", "p999", "longest"):
        results.add(f"{name}.latency.{percentile}", getattr(found, percentile))
    results.add(f"{name}.latency.over", found.over - found.over_by_machine)


def growth(results: Results, sites: dict[str, Site], rounds: int, seconds: int) -> None:
    """Row 6: the same pages and votes on sites of different sizes, side by side."""
    for site in sites.values():
        votes.take_back(site)
    with ExitStack() as stack:
        servers = {name: stack.enter_context(one_process(site.folder)) for name, site in sites.items()}
        asked = {
            f"{name}.{what}": (servers[name], path, cookie)
            for what in ("made", "home", "week", "search")
            for name, site in sites.items()
            for path, cookie in [
                {
                    "made": ("/", ANEW),
                    "home": ("/", f"session={site.reader}"),
                    "week": ("/?sort=week", ANEW),
                    "search": (f"/search?q={rare_word(17, site.posts)}", ANEW),
                }[what]
            ]
        }
        _in_rounds(results, asked, rounds, seconds)
        for _ in range(rounds):
            for name, site in sites.items():
                for what, newest in (("vote on any", False), ("vote on newest", True)):
                    burst, _ = votes.cast(servers[name], site, seconds, newest=newest)
                    results.add(f"{name}.{what}.cpu", burst.cpu)
    results.notes["growth"] = "; ".join(f"{site.posts:,}" for site in sites.values())


def processes(results: Results, site: Site, rounds: int, seconds: int) -> None:
    """Row 8: the same pages by one process and by four, on the same files."""
    with one_process(site.folder, comments=500) as one, four_processes(site.folder, comments=500) as four:
        asked = {
            f"{name}.{what}": (server, path, cookie)
            for what, path, cookie in (
                ("made", "/", ANEW),
                ("home", "/", f"session={site.reader}"),
                ("thread", f"/post/{site.small_thread}", ANEW),
            )
            for name, server in (("one", one), ("four", four))
        }
        _in_rounds(results, asked, rounds, seconds)


def soak(results: Results, site: Site, seconds: int) -> None:
    """Row 9: all kinds of pages and votes, one after the other, and how memory goes on meanwhile."""
    with one_process(site.folder) as server:
        end = time.monotonic() + seconds
        grown: list[float] = []
        while time.monotonic() < end:
            for path, cookie in (
                ("/", ""),
                ("/", ANEW),
                ("/", f"session={site.reader}"),
                (f"/post/{site.large_thread}", ANEW),
                ("/?sort=week", ANEW),
                (f"/search?q={rare_word(len(grown), site.posts)}", ANEW),
            ):
                load.get(server, path, 2, cookie)
            votes.cast(server, site, 2)
            grown.append(server.memory_mb())
    half = len(grown) // 2
    # Where memory stands after the first quarter, and in the last: caches have filled by then.
    before, after = statistics.median(grown[half // 2 : half + 1]), statistics.median(grown[half + half // 2 :])
    results.figures["soak.memory"] = grown
    results.figures["soak.growth"] = [after / before - 1]
    results.notes["soak"] = (
        f"{seconds / 60:.0f} minutes of pages and votes: {grown[0]:.0f} MB after the first round, {before:.0f} MB in "
        f"the second quarter, {after:.0f} MB in the last"
    )


def start(results: Results, site: Site, rounds: int) -> None:
    """Row 10: from the command to the first answered request."""
    for _ in range(rounds):
        began = time.perf_counter()
        with one_process(site.folder) as server:
            results.add("start.wall", time.perf_counter() - began)
            results.add("start.cpu", sum(server.cpu().values()))
