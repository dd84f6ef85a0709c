"""The site as deploy/compose.yaml runs it, under a name and on networks of its own."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.containers.conftest import USERNAME, VERSION
from tests.containers.engine import PROJECT, address, docker, free_subnets, inspect, is_healthy, run, visitor
from tests.process.fleet import eventually

HERE = Path(__file__).parent
COMPOSE = PROJECT / "deploy" / "compose.yaml"
STAND_IN = "test"
"""The version of MongoDB's image that is none of MongoDB's."""
SERVICES = ("ui", "post", "comment", "account", "mongodb")
PATIENCE = 90.0
"""Seconds within which something has come back, on a busy machine."""


class Stack:
    """The five containers.

    Args:
        further: compose files to add.
        settings: variables for the compose files.
    """

    def __init__(self, *further: Path, **settings: str) -> None:
        self.project = f"upthread-test-{uuid.uuid4().hex[:8]}"
        front, back = free_subnets(2)
        versions = {f"{part}_VERSION": VERSION for part in ("UI", "POST", "COMMENT", "ACCOUNT")}
        self._environment = {"COMPOSE_PROJECT_NAME": self.project, "USERNAME": USERNAME, **versions}
        self._environment |= {"FRONT_SUBNET": front, "BACK_SUBNET": back, "UPTHREAD_GUESTS": "all", **settings}
        stand_in = [HERE / "compose.stand-in.yaml"] if os.environ.get("MONGODB_VERSION") == STAND_IN else []
        files = (COMPOSE, *further, HERE / "compose.test.yaml", *stand_in)
        self._command = ["docker", "compose", *(argument for file in files for argument in ("--file", str(file)))]

    def compose(self, *arguments: str) -> str:
        """What ``docker compose`` with these arguments prints; it has to succeed."""
        return run(*self._command, *arguments, environment=self._environment)

    def up(self) -> None:
        """Start what is not running, as ``make up`` does, and wait until all are healthy."""
        self.compose("up", "--detach", "--wait")

    def container(self, service: str) -> str:
        """The container of a service."""
        return f"{self.project}-{service}-1"

    @property
    def url(self) -> str:
        """Where the site is published just now."""
        return address(self.container("ui"), 9292)

    def visitor(self) -> httpx.Client:
        """Somebody with a browser."""
        return visitor(self.url)

    def kill(self, service: str) -> None:
        """End a container's process as the kernel does when memory runs out, and wait until it is there again.

        ``docker kill`` would count as somebody's wish, and nothing would start it again.
        """
        container = self.container(service)
        before = inspect(container)
        script = f"import os; os.kill({before['State']['Pid']}, 9)"
        see_all = ("--privileged", "--pid=host", "--user=0", "--entrypoint=python")
        docker("run", "--rm", *see_all, f"{USERNAME}/ui:{VERSION}", "-c", script)
        eventually(lambda: inspect(container)["RestartCount"] > before["RestartCount"], within=PATIENCE)

    def whole(self) -> None:
        """Wait until all containers are healthy, and the website reaches all that it needs."""
        for service in SERVICES:
            eventually(lambda service=service: is_healthy(self.container(service)), within=PATIENCE)  # type: ignore[misc]
        eventually(lambda: httpx.get(f"{self.url}/readyz").status_code == 200, within=PATIENCE)


@contextmanager
def running(*further: Path, **settings: str) -> Iterator[Stack]:
    """A stack that is up until the end of the block; then nothing of it is left."""
    run("sh", "deploy/secrets.sh")
    stack = Stack(*further, **settings)
    try:
        stack.up()
        yield stack
    except BaseException:
        print(stack.compose("logs", "--tail=30"))  # noqa: T201 - pytest shows it if a test has failed
        raise
    finally:
        stack.compose("down", "--volumes", "--timeout=5")
