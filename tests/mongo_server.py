"""A MongoDB-wire server for the tests: SecantusDB, one node that answers as a replica set, in a process of its own."""

import random
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import pymongo

STARTS_WITHIN = 60
"""Seconds; it takes one, but a machine may be busy."""


class MongoServer:
    """A server on a folder and a port of its own, running until the end of the ``with`` or until it is killed.

    Args:
        folder: where it keeps its data, and its log.
        options: to be given to the program as they are, such as ``--standalone``.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        self._folder = folder
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.url = f"mongodb://127.0.0.1:{self.port}/?directConnection=true"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def start(self) -> None:
        """Start it, where it was before, and wait until it answers."""
        self._folder.mkdir(exist_ok=True)
        with (self._folder.parent / f"{self._folder.name}.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own program and arguments
                [
                    Path(sys.executable).parent / "secantusd-py",
                    *("--host", "127.0.0.1", "--port", str(self.port)),
                    *("--storage-path", self._folder, "--log-level", "WARNING"),
                    *self._options,
                ],
                stdout=log,
                stderr=log,
            )
        with pymongo.MongoClient[dict[str, object]](self.url, serverSelectionTimeoutMS=STARTS_WITHIN * 1000) as client:
            client.admin.command("ping")

    def kill(self) -> None:
        """End it without giving it time to write anything, as a power cut would."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None


def free_port() -> int:
    """A port where nobody listens.

    Below those that the system gives to whoever connects, so that it is still free when it is wanted again.
    """
    while True:
        port = random.randrange(10_000, 32_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
