"""The machine: what it is, its cores, and what processes on it have used."""

import os
import platform
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import apsw
import click

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")


def cores() -> tuple[str, str]:
    """Cores for the servers and for those who drive them, as ``taskset`` takes them; the same ones if there is one."""
    there = sorted(os.sched_getaffinity(0))
    half = len(there) // 2
    servers, drivers = there[: half or 1], there[half:]
    return ",".join(map(str, servers)), ",".join(map(str, drivers))


def family(process_id: int) -> list[int]:
    """A process and all those it has started."""
    parents: dict[int, list[int]] = {}
    for status in PROC.glob("[0-9]*/stat"):
        try:
            parents.setdefault(int(_fields(status)[1]), []).append(int(status.parent.name))
        except OSError:  # it has ended meanwhile
            continue
    found, waiting = [], [process_id]
    while waiting:
        found.append(waiting.pop())
        waiting += parents.get(found[-1], [])
    return found


def cpu_seconds(processes: Iterable[int]) -> float:
    """CPU time, user and system, that these processes have used so far."""
    used = 0
    for process_id in processes:
        fields = _fields(PROC / str(process_id) / "stat")
        used += int(fields[11]) + int(fields[12])
    return used / TICKS


def waited_seconds(processes: Iterable[int]) -> float:
    """How long threads of these processes could have run so far and were not let, as others had the core."""
    waited = 0
    for process_id in processes:
        for thread in (PROC / str(process_id) / "task").glob("*/schedstat"):
            waited += int(thread.read_text().split()[1])
    return waited / 1e9


def memory_mb(processes: Iterable[int]) -> float:
    """Memory in use by these processes, in MB: pages of files that they share with others included."""
    pages = sum(int((PROC / str(each) / "statm").read_text().split()[1]) for each in processes)
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _fields(status: Path) -> list[str]:
    """The fields of a ``stat`` from the state on; the name before may have spaces in it."""
    return status.read_text().rpartition(")")[2].split()


def needed(program: str) -> str:
    """The path of a program that the bench can't do without.

    Raises:
        click.ClickException: it is not installed.
    """
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")
    if path is None:
        raise click.ClickException(f"{program} is needed (Debian: apt-get install nginx-light wrk util-linux).")
    return path


def description() -> dict[str, str]:
    """What the figures were measured on."""
    cpu = next(line for line in (PROC / "cpuinfo").read_text().splitlines() if line.startswith("model name"))
    memory = next(line for line in (PROC / "meminfo").read_text().splitlines() if line.startswith("MemTotal"))
    servers, drivers = cores()
    return {
        "CPU": f"{cpu.partition(': ')[2]}, {os.cpu_count()} cores; servers on {servers}, load on {drivers}",
        "Memory": f"{int(memory.split()[1]) / 1e6:.0f} GB",
        "System": f"Linux {platform.release()}, {platform.freedesktop_os_release()['PRETTY_NAME']}",
        "Python, SQLite, apsw": f"{platform.python_version()}, {apsw.sqlite_lib_version()}, {apsw.apsw_version()}",
        "nginx, wrk": f"{_version(needed('nginx'))}, {_version(needed('wrk'))}",
        "Load average at the start": " ".join(f"{load:.1f}" for load in os.getloadavg()),
    }


def _version(program: str) -> str:
    said = subprocess.run([program, "-v"], capture_output=True, text=True, check=False)  # noqa: S603 - one of two
    first = (said.stdout + said.stderr).splitlines()[0]
    return next((word for word in first.replace("/", " ").split() if word[0].isdigit()), first)


def commit() -> str:
    """The last commit that changed what is measured or how, with a + if something was changed since."""
    git = needed("git")
    measured = ("--", "src", "bench", ":(exclude)bench/results", ":(exclude)bench/performance.md")

    def ask(*command: str) -> str:
        return subprocess.run([git, *command, *measured], capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603

    changed = ask("status", "--porcelain", "--untracked-files=no")
    return ask("log", "-1", "--format=%h") + ("+" if changed else "")
