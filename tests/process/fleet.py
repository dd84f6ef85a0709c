"""The site in four processes, each of which can be stopped, killed and started again where it was."""

import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from tests.mongo_server import free_port
from tests.process.conftest import HANGING, Program, Start

SECRET = "for the tests of four processes only"
SERVICES = ("post", "comment", "account")


class Fleet:
    """The four processes, on ports of their own and with one data folder."""

    def __init__(self, start: Start, data: Path, **settings: str) -> None:
        self._start = start
        self._ports = {name: free_port() for name in ("ui", *SERVICES)}
        self._environment = {
            **os.environ,
            "UPTHREAD_CALL_SECRET": SECRET,
            "UPTHREAD_DATA": str(data),
            "UPTHREAD_GUESTS": "all",
            "UPTHREAD_PORT": str(self._ports["ui"]),
            **settings,
        }
        for name in SERVICES:
            self._environment |= {f"{name.upper()}_SERVICE_HOST": "127.0.0.1"}
            self._environment |= {f"{name.upper()}_SERVICE_PORT": str(self._ports[name])}
        self.processes: dict[str, Program] = {}
        self.url = self.where("ui")

    def begin(self, *names: str) -> None:
        """Start processes, and wait until they listen."""
        for name in names:
            self.processes[name] = self._start(name, environment=self._environment)
        for name in names:
            self.processes[name].listening()

    def stop(self, name: str) -> None:
        """Stop a process, and wait until it has ended."""
        self.processes[name].send(signal.SIGTERM)
        assert self.processes[name].end() == 0

    def lose(self, name: str) -> None:
        """End a process without a warning, wherever it is at the moment."""
        self.processes[name].send(signal.SIGKILL)
        assert self.processes[name].end() == -signal.SIGKILL

    def kill(self, name: str) -> None:
        """Lose a process, and start it again."""
        self.lose(name)
        self.begin(name)

    def freeze(self, name: str) -> None:
        """Let a process do nothing at all, not even refuse what it is asked."""
        self.processes[name].send(signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """Let a frozen process go on."""
        self.processes[name].send(signal.SIGCONT)

    def whole(self) -> None:
        """Wait until the website says that it has all it needs."""
        eventually(lambda: httpx.get(f"{self.url}/readyz").status_code == 200)

    def where(self, name: str) -> str:
        """The address of a process."""
        return f"http://127.0.0.1:{self._ports[name]}"

    def visitor(self) -> httpx.Client:
        """Somebody with a browser."""
        return httpx.Client(base_url=self.url, headers={"sec-fetch-site": "same-origin"}, timeout=HANGING)


def sign_up(visitor: httpx.Client, name: str) -> None:
    """Become a person."""
    answer = visitor.post("/signup", data={"name": name, "password": "correct horse battery"})
    assert answer.status_code == 303, answer.text


def eventually(happened: Callable[[], bool], within: float = HANGING) -> None:
    """Wait until something has happened, asking again and again."""
    end = time.monotonic() + within
    while not happened():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def text(visitor: httpx.Client, page: str) -> str:
    """What can be read on a page."""
    return " ".join(re.sub(r"<[^>]+>", " ", visitor.get(page).text).split())
