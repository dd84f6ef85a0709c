"""Docker, as it is used on a command line."""

import ipaddress
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

PROJECT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent
"""Where those are that were installed for testing."""
HANGING = 300.0
"""Seconds after which a command is taken for hanging; building all images without a cache takes half of that."""


def run(*command: str | Path, environment: Mapping[str, str] | None = None, text: str | None = None) -> str:
    """What a command prints; it has to succeed.

    Args:
        command: the program and its arguments.
        environment: variables besides those that are set here.
        text: what it reads.
    """
    done = subprocess.run(  # noqa: S603 - our own commands
        command,
        cwd=PROJECT,
        env={**os.environ, **(environment or {})},
        input=text,
        capture_output=True,
        text=True,
        timeout=HANGING,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
    return done.stdout.strip()


def docker(*arguments: str | Path, text: str | None = None) -> str:
    """What ``docker`` with these arguments prints; it has to succeed."""
    return run("docker", *arguments, text=text)


def inspect(container: str) -> dict[str, Any]:
    """All that the engine knows of a container, or of an image, network or volume."""
    known: dict[str, Any] = json.loads(docker("inspect", container))[0]
    return known


def is_healthy(container: str) -> bool:
    """Whether a container runs and answers its health check."""
    state = inspect(container)["State"]
    return bool(state["Running"] and state["Health"]["Status"] == "healthy")


def address(container: str, port: int) -> str:
    """The URL of what a container publishes at this port of its own."""
    published = docker("port", container, str(port)).splitlines()[0]
    return f"http://{published.replace('0.0.0.0', '127.0.0.1')}"  # noqa: S104 - recognised, not listened on


def visitor(url: str) -> httpx.Client:
    """Somebody with a browser."""
    return httpx.Client(base_url=url, headers={"sec-fetch-site": "same-origin"}, timeout=30)


def free_subnets(count: int) -> list[str]:
    """Subnets that no network of this engine has."""
    networks = docker("network", "ls", "--quiet", "--filter", "driver=bridge").split()
    configurations = [inspect(network)["IPAM"]["Config"] or [] for network in networks]
    taken = [ipaddress.ip_network(part["Subnet"]) for parts in configurations for part in parts]
    candidates = ipaddress.ip_network("10.123.0.0/16").subnets(new_prefix=24)
    free = (net for net in candidates if not any(net.overlaps(other) for other in taken if other.version == 4))
    return [str(net) for net in itertools.islice(free, count)]
