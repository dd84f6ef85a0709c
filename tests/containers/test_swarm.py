"""A rolling update on a swarm, while people read and vote."""

import json
import os
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.containers.conftest import USERNAME, VERSION
from tests.containers.engine import PROJECT, docker, run
from tests.containers.stack import HERE, PATIENCE, STAND_IN
from tests.process.fleet import eventually

STACK = PROJECT / "deploy" / "swarm" / "stack.yaml"
NEXT = "9.8.8"
PARTS = ("ui", "post", "comment", "account")
HANGING = 3 * PATIENCE
"""Seconds that an update of everything may take."""
ENOUGH = 100
"""Requests that were answered meanwhile, at least."""
LOAD = PROJECT / "deploy" / "load" / "load.py"


@pytest.fixture
def swarm(engine: dict[str, str]) -> Iterator[None]:  # noqa: ARG001 - has to be there
    """This engine, as a swarm of one; it is none afterwards unless it was one before."""
    if docker("info", "--format", "{{.Swarm.LocalNodeState}}") == "active":
        yield
        return
    docker("swarm", "init", "--advertise-addr=127.0.0.1", "--default-addr-pool=10.124.0.0/16")
    try:
        yield
    finally:
        docker("swarm", "leave", "--force")


@pytest.fixture
def next_images() -> Iterator[None]:
    """The images of all parts in the next version."""
    run("docker", "buildx", "bake", environment={"USERNAME": USERNAME, "VERSION": NEXT})
    yield
    docker("image", "rm", *(f"{USERNAME}/{part}:{NEXT}" for part in (*PARTS, "monolith")))


@pytest.fixture
def stack(swarm: None) -> Iterator[str]:  # noqa: ARG001 - has to be there
    """A name for a stack, and its secrets; nothing of it is left afterwards."""
    stack = f"upthread-test-{uuid.uuid4().hex[:8]}"
    run("sh", "deploy/secrets.sh")
    secrets = sorted((PROJECT / "deploy" / "secrets").iterdir())
    for secret in secrets:
        docker("secret", "create", f"{stack}_{secret.name}", secret)
    yield stack
    ours = f"name={stack}"
    for container in docker("ps", "--all", "--quiet", "--filter", f"name={stack}-").split():
        docker("rm", "--force", container)
    docker("stack", "rm", stack)
    eventually(lambda: not docker("ps", "--all", "--quiet", "--filter", ours), within=PATIENCE)
    eventually(lambda: not docker("network", "ls", "--quiet", "--filter", ours), within=PATIENCE)
    docker("volume", "rm", f"{stack}_reddit_db")
    for secret in secrets:
        docker("secret", "rm", f"{stack}_{secret.name}")


def for_one_node(stack: str) -> dict[str, Any]:
    """The stack, but for what one node can't do here: it publishes nothing and has no load balancer of the kernel's."""
    described: dict[str, Any] = YAML(typ="safe").load(STACK)
    services = described["services"]
    for service in services.values():
        service.pop("ports", None)
        service["deploy"]["endpoint_mode"] = "dnsrr"
    for part in PARTS:
        services[part]["deploy"]["update_config"] |= {"delay": "0s", "monitor": "1s"}
    services["mongodb"]["deploy"].pop("placement")
    described["networks"]["front_net"]["attachable"] = True
    for name, secret in described["secrets"].items():
        secret["name"] = f"{stack}_{name}"
    if os.environ.get("MONGODB_VERSION") == STAND_IN:
        services["mongodb"] |= {
            "user": "0:0",
            "entrypoint": ["/opt/secantus/bin/python", "/mongodb.py"],
            "command": [],
            "configs": [{"source": "stand_in", "target": "/mongodb.py"}],
            "healthcheck": {
                "test": ["CMD", "/opt/secantus/bin/python", "/mongodb.py", "health"],
                "start_period": "60s",
            },
        }
        described["configs"] = {"stand_in": {"file": str(HERE / "mongodb.py")}}
    return described


def deploy(stack: str, versions: dict[str, str]) -> None:
    """Have the swarm run these versions of the parts, and wait until it does."""
    variables = {f"{part.upper()}_VERSION": version for part, version in versions.items()}
    environment = {"USERNAME": USERNAME, "UPTHREAD_GUESTS": "all", **variables}
    command = ("docker", "stack", "deploy", "--resolve-image=never", "--compose-file=-", stack)
    run(*command, environment=environment, text=json.dumps(for_one_node(stack)))
    eventually(lambda: all(runs(stack, part, version) for part, version in versions.items()), within=HANGING)


def runs(stack: str, part: str, version: str) -> bool:
    """Whether two of a part run, both of this version, and nothing is under way any more."""
    update = json.loads(docker("service", "inspect", f"{stack}_{part}"))[0].get("UpdateStatus", {})
    state = update.get("State", "completed")
    assert state in ("updating", "completed"), (part, update)
    tasks = docker(
        *("service", "ps", f"{stack}_{part}", "--filter=desired-state=running"),
        "--format={{.Image}} {{.CurrentState}}",
    ).splitlines()
    return state == "completed" and sum(task.startswith(f"{USERNAME}/{part}:{version} Running") for task in tasks) == 2


def ask(stack: str, images: dict[str, str], script: str) -> str:
    """What a script prints that runs beside the website."""
    how = ("--rm", "--interactive", f"--name={stack}-asking", f"--network={stack}_front_net", "--entrypoint=python")
    return docker("run", *how, images["ui"], "-c", script)


FOUND = """
import itertools, urllib.error, urllib.parse, urllib.request
browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
browser.addheaders = [("Sec-Fetch-Site", "same-origin")]
def found(name):
    for path, form in (
        ("/signup", {"name": name, "password": "correct horse battery"}),
        ("/communities/new", {"name": name, "title": "Birds"}),
        ("/new", {"community": name, "title": "A wren", "text": "Seen today."}),
    ):
        answer = browser.open("http://ui:9292" + path, urllib.parse.urlencode(form).encode())
    return urllib.parse.urlsplit(answer.url).path
for attempt in itertools.count():
    try:
        print(found(f"ann{attempt}"))
        break
    except urllib.error.HTTPError as error:
        if error.code != 503:
            raise
"""
"""Somebody new posts somewhere new, as soon as the parts have all found each other."""
VERSION_SHOWN = """
import json, urllib.request
print(json.load(urllib.request.urlopen("http://ui:9292/healthcheck"))["version"])
"""


def test_an_update_loses_no_request(next_images: None, stack: str, images: dict[str, str]) -> None:  # noqa: ARG001
    """While one part after the other is updated to the next version, every page comes and every vote is taken."""
    versions = dict.fromkeys(PARTS, VERSION)
    deploy(stack, versions)
    post = ask(stack, images, FOUND)
    docker(
        *(
            "run",
            "--detach",
            f"--name={stack}-load",
            f"--network={stack}_front_net",
            "--entrypoint=python",
            images["ui"],
        ),
        *("-c", LOAD.read_text(encoding="utf-8"), "ui", "9292", post, "1", "1"),
    )
    for part in PARTS:  # one after the other, as two cores start four at once so slowly that pages take too long
        versions[part] = NEXT
        deploy(stack, versions)
    docker("stop", f"{stack}-load")
    outcomes = json.loads(docker("logs", f"{stack}-load"))
    assert outcomes.pop("well") > ENOUGH
    assert outcomes == {}
    assert ask(stack, images, VERSION_SHOWN) == NEXT
