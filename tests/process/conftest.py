"""Started processes, whose log is read as it comes, so that no test has to guess how long something takes."""

import json
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HANGING = 30.0
"""Seconds after which a test takes a process for hanging. Nothing here should take a tenth of that."""

Record = dict[str, Any]


class Program:
    """A started process that logs JSON lines to stderr."""

    def __init__(
        self, arguments: list[str], *, module: str = "upthread", environment: dict[str, str] | None = None
    ) -> None:
        command = [sys.executable, "-m", module, *arguments]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, env=environment)  # noqa: S603 - our own
        self.records: list[Record] = []
        self._new: queue.SimpleQueue[Record | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The process that was started itself."""
        return self._process.pid

    def _read(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as lines:
            for line in lines:
                self._new.put(json.loads(line) if line.startswith(b"{") else {"event": line.decode().rstrip("\n")})
        self._new.put(None)

    def wait_for(self, event: str, within: float = HANGING) -> Record:
        """The next record of this event, which may be there already."""
        while True:
            record = self._new.get(timeout=within)
            if record is None:
                pytest.fail(f"the process ended before it logged {event!r}: {self.records}")
            self.records.append(record)
            if record["event"] == event:
                return record

    def listening(self, within: float = HANGING) -> str:
        """Its address, once it listens."""
        return str(self.wait_for("listening", within)["url"])

    def send(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def end(self) -> int:
        """Its exit status, once it and all the processes it has started have ended."""
        status = self._process.wait(HANGING)
        self.all_ended()
        return status

    def all_ended(self) -> None:
        """Wait until nobody holds its stderr open any more, and take the rest of the records."""
        self._reader.join(HANGING)
        assert not self._reader.is_alive(), "a process that it started is still there"
        while (record := self._new.get_nowait()) is not None:
            self.records.append(record)

    def events(self) -> list[str]:
        """What has been logged so far."""
        return [record["event"] for record in self.records]

    def clean_up(self) -> None:
        """Kill it if it is still there."""
        self._process.kill()
        self._process.wait()


Start = Callable[..., Program]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts programs, and ends those that a failed test has left."""
    started: list[Program] = []

    def start_one(*arguments: str | Path, **options: Any) -> Program:
        program = Program([str(argument) for argument in arguments], **options)
        started.append(program)
        return program

    yield start_one
    for program in started:
        program.send(signal.SIGTERM)
        program.clean_up()
