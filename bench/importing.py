"""Row 7: the importer against bare inserts of the same rows into the same tables with the same indexes.

The importer reads and checks the files, renders texts, ranks posts and makes what search needs of them, all of which
counts. For the bare inserts that is done already: they put the rows that the importer made, search index included, into
empty tables by ``executemany``, a batch of posts to each transaction as the importer does, and without the checks of
foreign keys that the importer has. They get the rows from the importer's file, and what that takes does not count.

Both make their files, and both count from when Python has loaded what they need: that is the same 0.2 s whether one
post is imported or a million. It is kept as ``import.start``.
"""

# ruff: noqa: S608 - what is put into the statements are the names of our own tables and columns

import shutil
import subprocess
import sys
import time
from contextlib import closing
from itertools import islice
from pathlib import Path

import apsw

from bench.machine import cores, needed
from bench.results import Results
from upthread.databases import file_in
from upthread.importing.dump import BATCH
from upthread.post.layout import LAYOUT
from upthread.storage.sqlite import connect, prepare

TABLES = {
    "community": "id",
    "community_text": "community_id",
    "community_search": "rowid",
    "post": "id",
    "post_text": "post_id",
    "post_revision": "post_id",
    "post_search": "rowid",
}
"""The tables that an import of posts by unknown authors fills, and what their rows are ordered by."""
CHILD_CPU = """
import resource, sys
from upthread.importing.command import import_group
def used():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
start = used()
try:
    import_group()
finally:
    print("used", start, used() - start)
"""


def importing(results: Results, cache: Path, dumps: list[Path], rounds: int) -> None:
    """Import posts into an empty site, and put the rows that came of it into empty files again, in each round."""
    for _ in range(rounds):
        imported, bare = cache / "imported", cache / "bare"
        for folder in (imported, bare):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        servers, _ = cores()
        command = [sys.executable, "-c", CHILD_CPU, "reddit", *map(str, dumps)]
        began = time.perf_counter()
        said = subprocess.run(  # noqa: S603 - our own program
            [needed("taskset"), "-c", servers, *command, "--data", str(imported)],
            capture_output=True,
            text=True,
            check=False,  # a few lines of the dataset are bad, which its status tells
        ).stdout
        results.add("import.wall", time.perf_counter() - began)
        start, used = map(float, said.rpartition("used ")[2].split())
        results.add("import.start", start)
        results.add("import.cpu", used)
        rows, cpu = _bare(file_in(imported, "post"), file_in(bare, "post"))
        results.add("bare.cpu", cpu)
        results.notes["import"] = f"{rows:,} posts"


def _bare(source: Path, target: Path) -> tuple[int, float]:
    """``executemany`` of what the source holds, a batch of posts in each transaction: how many, and CPU seconds."""
    began, reading = time.process_time(), 0.0
    prepare(target, LAYOUT)
    posts = 0
    with closing(connect(source, read_only=True)) as read, closing(connect(target)) as write:
        write.execute("PRAGMA foreign_keys=OFF")
        columns = {table: _columns(read, table) for table in TABLES}
        contents = {
            table: read.execute(f"SELECT {', '.join(names)} FROM {table} ORDER BY {TABLES[table]}")
            for table, names in columns.items()
        }
        while True:
            before = time.process_time()
            rows = {table: list(islice(found, BATCH)) for table, found in contents.items()}
            reading += time.process_time() - before
            if not any(rows.values()):
                break
            posts += len(rows["post"])
            write.execute("BEGIN IMMEDIATE")
            for table, names in columns.items():
                marks = ", ".join("?" * len(names))
                write.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", rows[table])
            write.execute("COMMIT")
    return posts, time.process_time() - began - reading


def _columns(connection: apsw.Connection, table: str) -> list[str]:
    """What can be inserted into a table; an index of words has no id among its columns."""
    listed = connection.execute(f"SELECT name, hidden FROM pragma_table_xinfo('{table}')")
    names = [name for name, hidden in listed if not hidden]
    return ["rowid", *names] if TABLES[table] == "rowid" else names
