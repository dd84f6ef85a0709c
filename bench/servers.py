"""Starts what is measured, on the servers' cores: nginx, the site in one process, the site in four."""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from tests.mongo_server import free_port

from bench.machine import cores, cpu_seconds, family, memory_mb, needed, waited_seconds
from upthread.ui.rows import REMEMBERED

SERVICES = ("post", "comment", "account")
STARTS_WITHIN = 60.0
QUIET = {"UPTHREAD_LOG_LEVEL": "warning"}
"""Neither nginx nor the site writes a line for each request, unless that is what is measured."""


class Server:
    """Something that answers HTTP, as one process or several, each known by its name."""

    def __init__(self, url: str, processes: Mapping[str, subprocess.Popen[bytes]]) -> None:
        self.url = url
        self._processes = processes

    def cpu(self) -> dict[str, float]:
        """CPU seconds used so far by each process, with those that it has started."""
        return {name: cpu_seconds(family(process.pid)) for name, process in self._processes.items()}

    def waited(self) -> float:
        """Seconds for which its own processes wanted to run and others had the core."""
        return waited_seconds(process.pid for process in self._processes.values())

    def memory_mb(self) -> float:
        """Memory of all processes, in MB."""
        return memory_mb(each for process in self._processes.values() for each in family(process.pid))


@contextmanager
def running(
    command: list[str], url: str, log: Path, *, ready: str = "/", environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A program on the servers' cores, from its first answer on until the end of the block."""
    servers, _ = cores()
    with log.open("ab") as out:
        process = subprocess.Popen(  # noqa: S603 - our own programs
            [needed("taskset"), "-c", servers, *command],
            stdout=out,
            stderr=out,
            env={**os.environ, **(environment or {})},
        )
    try:
        _wait_for(url + ready, process, log)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Ask as soon as somebody listens, until there is an answer; within a millisecond of it."""
    end = time.monotonic() + STARTS_WITHIN
    while True:
        try:
            with urlopen(url, timeout=STARTS_WITHIN):  # noqa: S310 - on this machine
                return
        except (URLError, ConnectionError):
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"no answer from {url}; see {log}") from None
            time.sleep(0.001)


@contextmanager
def nginx(folder: Path, page: bytes) -> Iterator[Server]:
    """Nginx with one worker, as Debian ships it but without a log, giving this page as a static file."""
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    (folder / "page.html").write_bytes(page)
    configuration = folder / "nginx.conf"
    configuration.write_text(
        f"""
        {"user root;" if os.geteuid() == 0 else ""}
        daemon off; worker_processes 1; pid {folder.resolve()}/nginx.pid; error_log stderr;
        events {{ worker_connections 1024; }}
        http {{
            access_log off; sendfile on; tcp_nopush on; types {{ text/html html; }}
            server {{ listen 127.0.0.1:{port}; root {folder.resolve()}; }}
        }}
        """
    )
    url = f"http://127.0.0.1:{port}"
    command = [needed("nginx"), "-c", str(configuration.resolve()), "-p", str(folder.resolve())]
    with running(command, url, folder / "nginx.log", ready="/page.html") as process:
        yield Server(url, {"nginx": process})


@contextmanager
def one_process(
    folder: Path, *, comments: int = 200, remembered: int = REMEMBERED, **settings: str
) -> Iterator[Server]:
    """``upthread serve`` on this folder, with so many comments on a page and rows remembered."""
    port = free_port()
    environment = QUIET | {"UPTHREAD_DATA": str(folder), "UPTHREAD_PORT": str(port)} | settings
    command = [sys.executable, "-m", "bench.launch", str(comments), str(remembered), "serve"]
    url = f"http://127.0.0.1:{port}"
    with running(command, url, folder / "serve.log", environment=environment) as process:
        yield Server(url, {"serve": process})


@contextmanager
def four_processes(folder: Path, *, comments: int = 200, **settings: str) -> Iterator[Server]:
    """``upthread post``, ``comment``, ``account`` and ``ui`` on this folder and the loopback interface."""
    ports = {name: free_port() for name in ("ui", *SERVICES)}
    environment = QUIET | {
        "UPTHREAD_DATA": str(folder),
        "UPTHREAD_PORT": str(ports["ui"]),
        "UPTHREAD_CALL_SECRET": secrets.token_hex(32),
    }
    for name in SERVICES:
        environment |= {f"{name.upper()}_SERVICE_HOST": "127.0.0.1", f"{name.upper()}_SERVICE_PORT": str(ports[name])}
    with ExitStack() as stack:
        started = {
            name: stack.enter_context(
                running(
                    [sys.executable, "-m", "bench.launch", str(comments), str(REMEMBERED), name],
                    f"http://127.0.0.1:{ports[name]}",
                    folder / f"{name}.log",
                    ready="/livez",
                    environment=environment | settings,
                )
            )
            for name in (*SERVICES, "ui")
        }
        yield Server(f"http://127.0.0.1:{ports['ui']}", started)
