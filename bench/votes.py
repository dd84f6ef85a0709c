"""Row 5: votes by many clients at once, what the same file takes without a site around it, and whether any is lost."""

import time
from contextlib import closing
from random import Random

import msgspec

from bench import load
from bench.data import VOTERS, Site
from bench.load import Burst, posts_of
from bench.results import Results
from bench.servers import Server, one_process
from upthread.databases import file_in
from upthread.ranking import post_ranks
from upthread.storage.sqlite import connect

GIVEN = """
    SELECT count(*) FROM json_each(?) CROSS JOIN post_vote ON post_id = value
    WHERE voter_id IN (SELECT id FROM account.person WHERE name GLOB 'bench_voter_*')
"""


def votes(results: Results, site: Site, rounds: int, seconds: int) -> None:
    """Votes, forms that write nothing, and bare updates, one after the other in each round."""
    with one_process(site.folder) as server:
        cast(server, site, 1)
        for _ in range(rounds):
            burst, lost = cast(server, site, seconds)
            form = load.post(server, site, "/preview", seconds)
            bare = _bare(site, seconds)
            results.add("vote.lost", lost)
            results.add("vote.rate", burst.rate)
            results.add("vote.cpu", burst.cpu)
            results.add("form.rate", form.rate)
            results.add("form.cpu", form.cpu)
            results.add("updates.rate", bare)
            results.add("vote.share", 1 / (1 / burst.rate - 1 / form.rate) / bare)
    results.notes["votes"] = (
        f"{results.median('vote.rate'):,.0f} votes a second through HTTP ({results.median('vote.cpu'):,.0f} µs of CPU "
        f"each), {results.median('form.rate'):,.0f} forms that write nothing ({results.median('form.cpu'):,.0f} µs), "
        f"{results.median('updates.rate'):,.0f} bare updates."
    )


def cast(server: Server, site: Site, seconds: int, *, newest: bool = False) -> tuple[Burst, int]:
    """Let all voters vote, on posts of all ages or the newest; count how many answered votes are not in the table."""
    posts = posts_of(site, newest=newest)
    with closing(connect(file_in(site.folder, "post"), read_only=True)) as connection:
        connection.execute("ATTACH ? AS account", (str(file_in(site.folder, "account")),))
        listed = (msgspec.json.encode(posts).decode(),)
        before = connection.execute(GIVEN, listed).get
        burst = load.vote(server, site, seconds, before, posts)
        after = connection.execute(GIVEN, listed).get
    if before + burst.requests > len(posts) * VOTERS:
        raise RuntimeError("all voters have voted on all of these posts, and a vote given again costs less")
    # Votes that were under way when wrk stopped may be there without having been counted by it.
    return burst, max(burst.requests - (after - before), 0)


def take_back(site: Site) -> None:
    """Forget the votes of earlier runs on the newest posts, as each of these has few voters; the counts stay."""
    with closing(connect(file_in(site.folder, "post"))) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(
            "DELETE FROM post_vote WHERE post_id = ?", [(post_id,) for post_id in posts_of(site, newest=True)]
        )
        connection.execute("COMMIT")


def _bare(site: Site, seconds: float) -> float:
    """Updates a second of single rows all over the same file, as a vote makes them, in groups of as many as vote."""
    random = Random(1)  # noqa: S311 - places, not secrets
    with closing(connect(file_in(site.folder, "post"))) as connection:
        done, began = 0, time.perf_counter()
        while time.perf_counter() < began + seconds:
            connection.execute("BEGIN IMMEDIATE")
            for _ in range(VOTERS):
                post_id = random.randint(1, site.posts)
                row = connection.execute(
                    "SELECT ups, downs, created_at, last_comment_at FROM post WHERE id = ?", (post_id,)
                ).fetchone()
                if row is not None:
                    ups, downs, created_at, last_comment_at = row
                    connection.execute(
                        "UPDATE post SET ups = ?, score = ?, hot = ?, active = ?, controversy = ? WHERE id = ?",
                        (ups + 1, *post_ranks(ups + 1, downs, created_at, last_comment_at), post_id),
                    )
                    done += 1
            connection.execute("COMMIT")
        return done / (time.perf_counter() - began)
