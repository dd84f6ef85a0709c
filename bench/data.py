"""The sites that are measured: made once for each size from a few thousand real posts, and kept."""

import asyncio
import csv
import gzip
import shutil
import time
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from importlib.resources import files
from itertools import islice
from pathlib import Path

import argon2
import click
import msgspec
from msgspec import Struct

from bench import multiplied
from upthread.account.model import Device
from upthread.account.passwords import Passwords
from upthread.assembly import open_services
from upthread.databases import Places, file_in
from upthread.importing.dump import recognised
from upthread.importing.importer import import_dumps

VOTERS = 64
LARGE_THREAD, SMALL_THREAD = 44_169, 500
"""Comments of the two threads that are compared; the first is the largest in the dataset of 2013."""
PASSWORD = "correct horse battery"  # noqa: S105 - of accounts that exist on this machine only
NOTE = "bench.json"
MONTH = 30 * 24 * 3600
STALE = 3 * 24 * 3600
"""Seconds after which "top of the week" of a site made then shows too little, and it is made anew."""


class Site(Struct, frozen=True, kw_only=True):
    """A folder with a whole site in it, and what has to be known to drive it."""

    folder: Path
    posts: int
    made_at: int
    reader: str
    """The session of a person who follows 200 communities and has voted."""
    voters: list[str]
    """Sessions of people who have done nothing yet."""
    large_thread: int
    small_thread: int

    def note(self, folder: Path) -> None:
        """Keep this beside the site: last, so what is there is whole."""
        (folder / NOTE).write_bytes(msgspec.json.encode(self, enc_hook=str))


def dumps(cache: Path, posts: Path | None, wanted: int) -> list[Path]:
    """Files of about this many posts: the beginning of each file of the folder, or the posts of the demo."""
    folder = cache / f"dumps-{wanted}{'' if posts else '-demo'}"
    if not folder.exists():
        making = _emptied(cache / "making-dumps")
        if posts is None:
            _from_demo(making / "demo.ndjson")
        else:
            sources = sorted(posts.glob("*.csv.gz"))
            for source in sources:
                kept = making / source.name.removesuffix(".gz")
                with (
                    gzip.open(source, "rt", encoding="utf-8", newline="") as rows,
                    kept.open("w", encoding="utf-8", newline="") as beginning,
                ):
                    csv.writer(beginning).writerows(islice(csv.reader(rows), 1 + -(-wanted // len(sources))))
        making.rename(folder)
    return sorted(folder.iterdir())


def _from_demo(file: Path) -> None:
    now = int(time.time())
    content = files("upthread.demo").joinpath("posts.jsonl").read_bytes()
    with file.open("wb") as kept:
        for number, line in enumerate(content.splitlines()):
            post = msgspec.json.decode(line)
            told = {
                "id": f"demo{number}", "title": post["title"], "score": post["ups"] - post.get("downs", 0),
                "ups": post["ups"], "created_utc": now - post["age"], "subreddit": post["community"],
                "selftext": post.get("text", ""), "url": post.get("url", ""), "is_self": not post.get("url"),
                "author": post["author"], "num_comments": number % 200,
            }  # fmt: skip
            kept.write(msgspec.json.encode(told) + b"\n")


def site(cache: Path, posts: Path | None, size: int, *, base: int, comments: int) -> Site:
    """The site with this many posts, made if it is not there or too old.

    Args:
        cache: where sites are kept.
        posts: a folder of reddit's CSV files, or None for the demo's posts.
        size: posts of the site.
        base: about how many real posts there are; the others are copies of them.
        comments: up to how many comments each of the real posts has.
    """
    folder = cache / f"site-{size}-of-{base}{'' if posts else '-demo'}"
    found = _kept(folder)
    if found:
        return found
    first = folder.with_name(f"base-{base}-{comments}{'' if posts else '-demo'}")
    if not (kept := _kept(first)):
        click.echo(f"Importing about {base:,} posts ...")
        with _making(first) as making:
            kept = asyncio.run(filled(making, making, dumps(cache, posts, base), comments))
            kept = msgspec.structs.replace(kept, folder=first)
            kept.note(making)
    click.echo(f"Making a site of {size:,} posts ...")
    with _making(folder) as making:
        for room in ("comment", "account"):
            shutil.copy(file_in(first, room), file_in(making, room))
        multiplied.make(file_in(first, "post"), making, size, kept.made_at)
        made = msgspec.structs.replace(kept, folder=folder, posts=size)
        made.note(making)
    return made


def _kept(folder: Path) -> Site | None:
    note = folder / NOTE
    if not note.exists():
        return None
    found = msgspec.json.decode(note.read_bytes(), type=Site, dec_hook=lambda kind, value: kind(value))
    return found if found.made_at > time.time() - STALE else None


@contextmanager
def _making(folder: Path) -> Iterator[Path]:
    """A folder to make something in, which takes its place when it is done."""
    began = time.monotonic()
    making = _emptied(folder.with_name(f"making-{folder.name}"))
    yield making
    shutil.rmtree(folder, ignore_errors=True)
    making.rename(folder)
    click.echo(f"  took {time.monotonic() - began:.0f} s")


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


async def filled(
    folder: Path, where: Path | Places, sources: list[Path], comments: int, large: int = LARGE_THREAD
) -> Site:
    """A small site by the importer itself, with the people who will be driven and two threads to compare.

    Args:
        folder: for files of the bench.
        where: the site's databases.
        sources: dumps of posts.
        comments: up to how many comments each of these has.
        large: comments of the larger of the two threads.
    """
    threads = folder / "threads.ndjson"
    now = int(time.time())
    posts = [
        {
            "id": f"bench{there}", "title": f"A thread of {there:,} comments", "score": 1, "created_utc": now - MONTH,
            "subreddit": "bench", "selftext": "Say something.", "num_comments": there,
        }
        for there in (large, SMALL_THREAD)
    ]  # fmt: skip
    threads.write_bytes(b"\n".join(map(msgspec.json.encode, posts)))
    async with open_services(where, passwords=Passwords(argon2.profiles.CHEAPEST)) as services:
        # The two threads first, so that even the smallest site has their posts.
        for paths, most in (([threads], large), (sources, comments)):
            async with aclosing(import_dumps(services, [recognised(path) for path in paths], most)) as steps:
                async for _ in steps:
                    pass
        await services.settle()
        sessions = [
            # Each from an address of their own, because few accounts may be made from one.
            (await services.account.sign_up(name, PASSWORD, Device(ip=f"10.0.0.{number}"))).token
            for number, name in enumerate(["bench_reader", *(f"bench_voter_{n}" for n in range(VOTERS))])
        ]
        ids = await services.post.imported([f"t3_bench{there}" for there in (large, SMALL_THREAD)])
    return Site(
        folder=folder,
        posts=0,
        made_at=now,
        reader=sessions[0],
        voters=sessions[1:],
        large_thread=ids[f"t3_bench{large}"],
        small_thread=ids[f"t3_bench{SMALL_THREAD}"],
    )
