"""Dumps as Pushshift, Arctic Shift and the dataset of top posts have them, as small as a test needs."""

import csv
import json
from pathlib import Path

COLUMNS = [
    "created_utc", "score", "domain", "id", "title", "ups", "downs", "num_comments", "permalink", "selftext",
    "link_flair_text", "over_18", "edited", "is_self", "name", "url",
]  # fmt: skip
START = 1_370_000_000
"""When the first post of every dump here was made."""


def submission(key: str, **changes: object) -> dict[str, object]:
    """A submission as in an NDJSON dump."""
    return {
        "id": key,
        "name": f"t3_{key}",
        "subreddit": "Python",
        "title": f"Title {key}",
        "selftext": "",
        "url": f"http://example.org/{key}",
        "author": "ada",
        "created_utc": START,
        "score": 12,
        "num_comments": 0,
        "over_18": False,
        "is_self": False,
        "link_flair_text": None,
    } | changes


def comment(key: str, post: str, parent: str | None = None, **changes: object) -> dict[str, object]:
    """A comment as in an NDJSON dump; at the top of the thread, or below another comment."""
    return {
        "id": key,
        "body": f"Comment {key}",
        "author": "bob",
        "link_id": f"t3_{post}",
        "parent_id": f"t3_{post}" if parent is None else f"t1_{parent}",
        "score": 2,
        "created_utc": START + 60,
        "controversiality": 0,
        "edited": False,
        "distinguished": None,
    } | changes


def write_json(path: Path, *things: dict[str, object] | str) -> Path:
    """Write one thing a line; a text stands as it is, for lines that are broken."""
    lines = [thing if isinstance(thing, str) else json.dumps(thing) for thing in things]
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def write_csv(path: Path, *posts: dict[str, object]) -> Path:
    """Write a table; what a post does not say is empty."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(posts)
    return path


def table_row(key: str, **changes: object) -> dict[str, object]:
    """A row of a table of top posts."""
    return {
        "created_utc": f"{START}.0",
        "score": 12,
        "domain": "example.org",
        "id": key,
        "title": f"Title {key}",
        "ups": 15,
        "downs": 3,
        "num_comments": 0,
        "permalink": f"http://www.reddit.com/r/Cooking/comments/{key}/title/",
        "over_18": False,
        "edited": False,
        "is_self": False,
        "name": f"t3_{key}",
        "url": f"http://example.org/{key}",
    } | changes
