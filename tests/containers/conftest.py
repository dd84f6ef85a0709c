"""What the tests of containers share: a Docker engine, and the images."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.containers.engine import docker, run

HERE = Path(__file__).parent
USERNAME = "upthread-tests"
VERSION = "9.8.7"
COMMIT = "c0ffee0"
PARTS = ("ui", "post", "comment", "account", "monolith")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests of this folder, so that only those who have Docker and time run them."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker("containers")


@pytest.fixture(scope="session")
def engine() -> dict[str, str]:
    """The environment in which ``docker`` finds an engine; it has to be there."""
    run("docker", "version")
    return dict(os.environ)


@pytest.fixture(scope="session")
def images(engine: dict[str, str]) -> Iterator[dict[str, str]]:  # noqa: ARG001 - has to be there
    """The images of all parts, and the one for developing, built now and gone at the end: names by part."""
    names = {"USERNAME": USERNAME, "VERSION": VERSION, "COMMIT": COMMIT}
    run("docker", "buildx", "bake", "default", "dev", environment=names)
    images = {part: f"{USERNAME}/{part}:{VERSION}" for part in PARTS}
    yield images
    docker("image", "rm", f"{USERNAME}/dev", *images.values())


@pytest.fixture
def name(engine: dict[str, str]) -> Iterator[str]:  # noqa: ARG001 - has to be there
    """A name for what a test makes; containers and volumes whose names begin with it are removed after it."""
    name = f"upthread-test-{uuid.uuid4().hex[:8]}"
    yield name
    for container in docker("ps", "--all", "--quiet", "--filter", f"name={name}").split():
        docker("rm", "--force", "--volumes", container)
    for volume in docker("volume", "ls", "--quiet", "--filter", f"name={name}").split():
        docker("volume", "rm", volume)
    for network in docker("network", "ls", "--quiet", "--filter", f"name={name}").split():
        docker("network", "rm", network)
