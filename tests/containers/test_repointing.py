"""The same images under other names: where the others are is said by ``docker run -e``, as in the original."""

import os

import httpx

from tests.containers.engine import address, docker, is_healthy
from tests.containers.stack import PATIENCE, STAND_IN
from tests.process.fleet import eventually

SERVICES = ("post", "comment", "account")


def database(name: str) -> None:
    """A database without passwords, on ``back``, under aliases that nothing expects."""
    aliases = [f"--network-alias={service}_db_2" for service in SERVICES]
    image = f"{os.environ.get('MONGODB_IMAGE', 'mongo')}:{os.environ.get('MONGODB_VERSION', '8.0')}"
    how = ("--detach", f"--name={name}-mongodb", f"--network={name}-back", *aliases, image)
    if image.endswith(f":{STAND_IN}"):
        docker("run", *how)
        return
    docker("run", *how, "--replSet", "rs0", "--bind_ip_all")
    ask = ("exec", f"{name}-mongodb", "mongosh", "--quiet", "--eval")
    eventually(lambda: bool(docker(*ask, "try { rs.initiate() } catch { rs.status() }; 1")), within=PATIENCE)


def test_names_can_be_others(images: dict[str, str], name: str) -> None:
    """Database and services under other aliases are found by the same images, told so by variables alone."""
    for network in ("front", "back"):
        docker("network", "create", f"{name}-{network}")
    database(name)
    elsewhere = [
        f"--env={variable}={value}"
        for service in SERVICES
        for variable, value in (
            (f"{service.upper()}_SERVICE_HOST", f"{service}_2"),
            (f"{service.upper()}_SERVICE_PORT", "8000"),
        )
    ]
    for service in SERVICES:
        container = f"{name}-{service}"
        docker(
            *("create", f"--name={container}", f"--network={name}-back", f"--network-alias={service}_2", *elsewhere),
            *(
                f"--env={service.upper()}_DATABASE_HOST={service}_db_2",
                f"--env={service.upper()}_DATABASE=other_{service}",
            ),
            images[service],
        )
        docker("network", "connect", f"--alias={service}_2", f"{name}-front", container)
        docker("start", container)
    docker(
        "run",
        "--detach",
        f"--name={name}-ui",
        f"--network={name}-front",
        *elsewhere,
        "--publish=127.0.0.1::9292",
        images["ui"],
    )
    for part in (*SERVICES, "ui"):
        eventually(lambda part=part: is_healthy(f"{name}-{part}"), within=PATIENCE)  # type: ignore[misc]
    site = address(f"{name}-ui", 9292)
    eventually(lambda: httpx.get(f"{site}/healthcheck").json()["status"] == 1, within=PATIENCE)
