"""How the command shows its progress."""

import os
import pty
import re
import subprocess
import sys
import termios
from pathlib import Path

from tests.importing.conftest import Site
from tests.importing.dumps import submission, write_json


def test_progress_on_a_terminal(site: Site, tmp_path: Path) -> None:
    """On a terminal a bar shows how far it is, at which rate, and how long it will take; elsewhere there is none."""
    path = write_json(tmp_path / "RS", *(submission(f"p{n}") for n in range(2_500)))
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    command = [sys.executable, "-m", "upthread", "import", "reddit", str(path), "--data", str(site.data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs) as process:  # noqa: S603 - our own
        os.close(theirs)
        shown = b""
        while part := _read(ours):
            shown += part
        assert process.stdout is not None
        summary = process.stdout.read().decode()
    os.close(ours)
    assert process.returncode == 0
    assert re.search(r"\d+%\|.*<.*B/s", shown.decode())
    assert summary.startswith("Posts: 2,500 new")
    assert site.run(path).stderr == ""


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # how Linux tells that nobody writes to the terminal any more
        return b""
