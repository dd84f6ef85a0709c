"""Row 7: the importer against bare inserts of the same rows into the same tables with the same indexes."""

# ruff: noqa: S608 - what is put into the statements are the names of our own tables and columns

import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from bench.machine import cores, needed
from bench.results import Results
from upthread.databases import file_in
from upthread.importing.dump import BATCH
from upthread.post.layout import LAYOUT
from upthread.storage.sqlite import connect, prepare

ROWS = ("community", "community_text", "post", "post_text", "post_revision")
"""The tables that an import of posts by unknown authors fills, besides the search index."""
CHILD_CPU = """
import resource, runpy, sys
sys.argv = sys.argv[1:]
try:
    runpy.run_module("upthread", run_name="__main__", alter_sys=True)
finally:
    used = resource.getrusage(resource.RUSAGE_SELF)
    print("used", used.ru_utime + used.ru_stime)
"""


def importing(results: Results, cache: Path, dumps: list[Path], rounds: int) -> None:
    """Import posts into an empty site, and put the rows that came of it into empty files again, in each round."""
    for _ in range(rounds):
        imported, bare = cache / "imported", cache / "bare"
        for folder in (imported, bare):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        servers, _ = cores()
        command = [sys.executable, "-c", CHILD_CPU, "upthread", "import", "reddit", *map(str, dumps)]
        began = time.perf_counter()
        said = subprocess.run(  # noqa: S603 - our own program
            [needed("taskset"), "-c", servers, *command, "--data", str(imported)],
            capture_output=True,
            text=True,
            check=False,  # a few lines of the dataset are bad, which its status tells
        ).stdout
        results.add("import.wall", time.perf_counter() - began)
        results.add("import.cpu", float(said.rpartition("used ")[2]))
        began, before = time.perf_counter(), time.process_time()
        rows = _bare(file_in(imported, "post"), file_in(bare, "post"))
        results.add("bare.cpu", time.process_time() - before)
        results.add("bare.wall", time.perf_counter() - began)
        results.notes["import"] = f"{rows:,} posts"


def _bare(source: Path, target: Path) -> int:
    """``executemany`` of what the source holds, a batch of posts in each transaction; how many posts there are."""
    prepare(target, LAYOUT)
    with closing(sqlite3.connect(source)) as read, closing(connect(target)) as write:
        columns = {
            table: [
                name
                for name, hidden in read.execute(f"SELECT name, hidden FROM pragma_table_xinfo('{table}')")
                if not hidden
            ]
            for table in ROWS
        }
        contents = {
            table: read.execute(f"SELECT {', '.join(names)} FROM {table} ORDER BY 1")
            for table, names in columns.items()
        }
        words = read.execute("SELECT rowid, title, text, community, author, domain FROM post_search ORDER BY rowid")
        posts = 0
        write.execute("PRAGMA foreign_keys=OFF")
        while True:
            write.execute("BEGIN IMMEDIATE")
            taken = 0
            for table, names in columns.items():
                rows = contents[table].fetchmany(BATCH)
                taken += len(rows)
                posts += len(rows) * (table == "post")
                marks = ", ".join("?" * len(names))
                write.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", rows)
            write.executemany(
                "INSERT INTO post_search (rowid, title, text, community, author, domain) VALUES (?, ?, ?, ?, ?, ?)",
                words.fetchmany(BATCH),
            )
            write.execute("COMMIT")
            if not taken:
                return posts
