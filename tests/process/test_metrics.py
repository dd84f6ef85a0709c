"""Figures that several workers tell as one."""

import os
import signal
import threading
from contextlib import closing
from pathlib import Path

import httpx

from tests.process.conftest import HANGING, Start
from tests.process.fleet import eventually, sign_up
from upthread.storage.sqlite import connect

WRITERS = 8


def told(url: str, figure: str) -> float | None:
    """What is told of a figure, by whichever worker."""
    for line in httpx.get(f"{url}/metrics").text.splitlines():
        if line.startswith(f"{figure} "):
            return float(line.rpartition(" ")[2])
    return None


def test_the_writers_queue_over_workers(start: Start, tmp_path: Path) -> None:
    """Whichever worker is asked tells how much waits for all their writers, while another program holds the file."""
    environment = {**os.environ, "UPTHREAD_GUESTS": "all", "UPTHREAD_DATA": str(tmp_path)}
    site = start("serve", "--port", "0", "--workers", "2", environment=environment).listening()
    with httpx.Client(base_url=site, headers={"sec-fetch-site": "same-origin"}) as ann:
        sign_up(ann, "ann")
        assert ann.post("/communities/new", data={"name": "birds", "title": "Birds"}).status_code == 303
        assert ann.post("/new", data={"community": "birds", "title": "A wren"}).status_code == 303
    statuses = []

    def vote() -> None:
        same_origin = {"sec-fetch-site": "same-origin"}
        statuses.append(httpx.post(f"{site}/post/1/vote/1", headers=same_origin, timeout=HANGING).status_code)

    queue = 'sqlite_write_queue{database="post"}'
    voters = [threading.Thread(target=vote) for _ in range(WRITERS)]
    with closing(connect(tmp_path / "post.sqlite3")) as other:
        other.execute("BEGIN IMMEDIATE")
        for voter in voters:
            voter.start()
        eventually(lambda: (told(site, queue) or 0) >= WRITERS)  # a courier may want to write as well
    for voter in voters:
        voter.join()
    assert statuses == [303] * WRITERS
    eventually(lambda: told(site, queue) == 0)


def test_what_a_dead_worker_had_under_way(start: Start) -> None:
    """What a worker had under way when it was killed is in no sum any more."""
    program = start("--workers", "2", module="tests.process.tiny")
    url = program.listening()
    waiting = threading.Thread(target=wait_in_vain, args=(url,))
    waiting.start()
    busy = program.wait_for("waiting")["pid"]
    eventually(lambda: told(url, "tiny_under_way") == 1)
    os.kill(busy, signal.SIGKILL)
    waiting.join()
    program.wait_for("a worker died and is replaced")
    eventually(lambda: told(url, "tiny_under_way") == 0)


def wait_in_vain(url: str) -> None:
    """Ask for what takes an hour, and be cut off."""
    try:
        httpx.get(f"{url}/wait?seconds=3600", timeout=HANGING)
    except (httpx.RemoteProtocolError, httpx.ReadError):
        return
    raise AssertionError("there was an answer")
