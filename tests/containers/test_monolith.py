"""The whole site in one container, with its data on a volume."""

import httpx
import pytest

from tests.containers.engine import address, docker, inspect, is_healthy, visitor
from tests.containers.stack import PATIENCE
from tests.mongo_server import free_port
from tests.process.fleet import eventually


def begin(image: str, container: str, volume: str, *options: str) -> None:
    """Run the site in a new container with this volume, until it is healthy."""
    docker("run", "--detach", f"--name={container}", f"--volume={volume}:/data", *options, image)
    eventually(lambda: is_healthy(container), within=PATIENCE)


def found_birds(url: str) -> None:
    """Sign up and found a community."""
    with visitor(url) as ann:
        for path, form in (
            ("/signup", {"name": "ann", "password": "correct horse battery"}),
            ("/communities/new", {"name": "birds", "title": "Birds of the garden"}),
        ):
            assert ann.post(path, data=form).status_code == 303


@pytest.mark.parametrize("network", ["bridge", "host"])
def test_data_outlast_the_container(images: dict[str, str], name: str, network: str) -> None:
    """Published or on the host's own network, the site serves, and a new container goes on with the old volume."""
    port = free_port()
    options = {
        "bridge": [f"--publish=127.0.0.1:{port}:9292"],
        "host": ["--network=host", f"--env=UPTHREAD_PORT={port}", "--env=UPTHREAD_HOST=127.0.0.1"],
    }
    url = f"http://127.0.0.1:{port}"
    begin(images["monolith"], f"{name}-1", f"{name}-data", *options[network])
    found_birds(url)
    docker("kill", f"{name}-1")
    docker("rm", f"{name}-1")
    begin(images["monolith"], f"{name}-2", f"{name}-data", *options[network])
    assert "Birds of the garden" in httpx.get(f"{url}/c/birds").text
    docker("restart", f"{name}-2")
    eventually(lambda: is_healthy(f"{name}-2"), within=PATIENCE)
    assert "Birds of the garden" in httpx.get(f"{url}/c/birds").text


def test_nothing_is_lost_without_asking_for_a_volume(images: dict[str, str], name: str) -> None:
    """Run with nothing but a published port, the site keeps its data in a volume, not in the container."""
    docker("run", "--detach", f"--name={name}", "--publish=127.0.0.1::9292", images["monolith"])
    eventually(lambda: is_healthy(name), within=PATIENCE)
    assert httpx.get(address(name, 9292)).status_code == 200
    assert [mount["Destination"] for mount in inspect(name)["Mounts"]] == ["/data"]
    assert docker("diff", name) == ""
