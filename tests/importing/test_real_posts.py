"""All real posts beside the repository, imported and compared with the files, which are read here independently."""

import csv
import gzip
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from tests.importing.conftest import Site
from upthread.assembly import Services
from upthread.post.model import FeedQuery, Post

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "reddit-top"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"the real posts are not in {FOLDER}")


def rows(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a file."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def differences(row: dict[str, str], post: Post) -> Iterator[str]:
    """In what a post is not as its row has it."""
    is_link = row["is_self"] == "False" and row["url"].lower().startswith("http")
    pairs = {
        "score": (post.score, int(row["score"])),
        "time": (post.created_at, int(float(row["created_utc"]))),
        "nsfw": (post.nsfw, row["over_18"] == "True"),
        "flair": (post.flair, " ".join(row["link_flair_text"].split())),
        "link": (bool(post.url), is_link),
        "state": (post.state, "live"),
    }
    for name, (found, expected) in pairs.items():
        if found != expected:
            yield f"{row['name']}: {name} is {found}, not {expected}"


async def compare(services: Services, path: Path) -> int:
    """Compare a file with its community on the site; how many posts that are."""
    community = path.name.removesuffix(".csv.gz")
    best, count = 0, 0
    remaining = rows(path)
    while batch := list(islice(remaining, 1_000)):
        ids = await services.post.imported([row["name"] for row in batch])
        posts = await services.post.posts([ids[row["name"]] for row in batch])
        assert not [each for row, post in zip(batch, posts, strict=True) for each in differences(row, post)]
        assert {post.community for post in posts} == {community}
        best = max(best, *(post.score for post in posts))
        count += len(batch)
    assert (await services.post.community(community)).posts == count
    assert (await services.post.feed(FeedQuery(community=community, sort="all"))).posts[0].score == best
    return count


def test_all_real_posts(site: Site) -> None:
    """Every post of every file is there once, with its score, time, community and marks, and the best are on top."""
    files = sorted(FOLDER.glob("*.csv.gz"))
    result = site.run(*files)
    assert (result.exit_code, result.stderr) == (0, "")

    async def count(services: Services) -> int:
        return sum([await compare(services, path) for path in files])

    total = site.look(count)
    assert total > 100_000
    assert f"Posts: {total:,} new, 0 already here, 0 skipped." in result.stdout
