"""The handbook, docs/operations.md: its commands are run one after the other, and what they print is what it shows.

Each section has a shell of its own, and puts its things away itself. In what is shown, ``…`` stands for the part of a
line that differs from run to run; alone on a line, it stands for any lines.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.containers

HANDBOOK = Path(__file__).parents[2] / "docs" / "operations.md"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
END_OF_COMMAND = "end of command"
SSH_PORT = 50022
LIMIT = 180
"""Seconds after which a section is taken for hanging."""


@dataclass(frozen=True)
class Step:
    """A command, and the lines that the handbook shows below it."""

    command: str
    shown: list[str]


def sections() -> dict[str, list[Step]]:
    """The steps of each section that has any, by its title."""
    found = {}
    for section in re.split(r"^## ", HANDBOOK.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        steps = [step for block in BLOCK.findall(section) for step in steps_of(block)]
        if steps:
            found[section.partition("\n")[0]] = steps
    return found


def steps_of(block: str) -> Iterator[Step]:
    """The steps of a block: a command begins with ``$``, its further lines with ``>``."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        first, *rest = part.splitlines()
        more = [line for line in rest if line.startswith("> ")]
        yield Step("\n".join([first, *(line[2:] for line in more)]), rest[len(more) :])


def pattern(shown: list[str]) -> re.Pattern[str]:
    """What the output must be like, columns of whatever width."""
    lines = [
        r"(?:.*\n)*" if line.strip() == "…" else ".*".join(map(re.escape, tidied(line).split("…"))) + r"\n"
        for line in shown
    ]
    return re.compile("".join(lines))


def tidied(output: str) -> str:
    """What was printed, with one space where there are several, and nothing at the ends."""
    return re.sub(" *\n *", "\n", re.sub("[ \t]+", " ", output)).strip()


SECTIONS = sections()


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A registry on localhost:5000, which the engine trusts without TLS."""
    folder = tmp_path_factory.mktemp("registry")
    configuration = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": "127.0.0.1:5000"},
    }
    (folder / "config.yml").write_text(json.dumps(configuration), encoding="utf-8")
    with running("docker-registry", "serve", folder / "config.yml"):
        wait_until_open(5000)
        yield


@pytest.fixture(scope="module")
def engine_by_ssh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """This machine as root@engine.example; the folder with an ``ssh`` that knows the way."""
    folder = tmp_path_factory.mktemp("ssh")
    for key in ("host", "root"):
        subprocess.run([found("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", folder / key], check=True)  # noqa: S603 - our own
    environment = "".join(
        f'SetEnv {name}="{os.environ[name]}"\n' for name in ("DOCKER_HOST", "PATH") if name in os.environ
    )
    (folder / "sshd").write_text(
        f"ListenAddress 127.0.0.1:{SSH_PORT}\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/root.pub\n"
        f"PidFile none\nStrictModes no\nUsePAM no\nPermitRootLogin prohibit-password\nMaxStartups 100\n{environment}",
        encoding="utf-8",
    )
    (folder / "config").write_text(
        f"Host engine.example\nHostname 127.0.0.1\nPort {SSH_PORT}\nIdentityFile {folder}/root\n"
        "StrictHostKeyChecking no\nUserKnownHostsFile /dev/null\nLogLevel ERROR\n",
        encoding="utf-8",
    )
    (folder / "ssh").write_text(f'#!/bin/sh\nexec {found("ssh")} -F {folder}/config "$@"\n', encoding="utf-8")
    (folder / "ssh").chmod(0o755)
    Path("/run/sshd").mkdir(exist_ok=True)
    with running("sshd", "-D", "-e", "-f", folder / "sshd"):
        wait_until_open(SSH_PORT)
        yield folder


@pytest.fixture
def _left_as_found() -> Iterator[None]:
    """Remove the containers of a section that has failed, which would be in the way of the next."""

    def containers() -> set[str]:
        listed = subprocess.run([found("docker"), "ps", "-aq"], stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - our own
        return set(listed.stdout.split())

    before = containers()
    yield
    if left := containers() - before:
        subprocess.run([found("docker"), "rm", "-fv", *left], check=True)  # noqa: S603 - our own


def found(program: str) -> str:
    """Where a program is; without it there is nothing to try."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"There is no {program} here.")
    return path


@contextmanager
def running(program: str, *arguments: str | Path) -> Iterator[None]:
    """Let a program run until the end of the block."""
    process = subprocess.Popen([found(program), *arguments], stderr=subprocess.DEVNULL)  # noqa: S603 - our own
    try:
        yield
    finally:
        process.terminate()
        process.wait(LIMIT)


def wait_until_open(port: int) -> None:
    """Return when somebody listens there."""
    end = time.monotonic() + LIMIT
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        assert time.monotonic() < end, f"nobody listens on port {port}"
        time.sleep(0.05)


@pytest.mark.parametrize("title", SECTIONS)
@pytest.mark.usefixtures("registry", "_left_as_found")
def test_the_handbook_shows_what_happens(title: str, engine_by_ssh: Path) -> None:
    """Every command of a section of the handbook succeeds and prints what the handbook shows."""
    steps = SECTIONS[title]
    script = "".join(f"{step.command}\nprintf '\\n{END_OF_COMMAND} %d\\n' $?\n" for step in steps)
    bash = shutil.which("bash")
    assert bash
    run = subprocess.run(  # noqa: S603 - our own handbook
        [bash, "-c", script],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT,
        cwd=HANDBOOK.parents[1],
        env=os.environ | {"PATH": f"{engine_by_ssh}:{os.environ['PATH']}"},
        check=True,
    )
    answers = re.split(rf"\n{END_OF_COMMAND} (\d+)\n", run.stdout)
    printed, statuses = answers[0:-1:2], answers[1::2]
    for step, output, status in zip(steps, printed, statuses, strict=True):
        assert status == "0", f"$ {step.command}\n{output}"
        assert pattern(step.shown).fullmatch(f"{tidied(output)}\n" if output.strip() else ""), (
            f"$ {step.command}\n{output}\ninstead of\n" + "\n".join(step.shown)
        )
