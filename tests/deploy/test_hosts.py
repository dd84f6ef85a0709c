"""The playbooks, really run by SSH on a machine with systemd: from nothing to a site that is updated and restored.

The machine is a container, the registry is left out (images are loaded), and MongoDB may be what stands in for it.
These tests are one story and run in their order.
"""

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.deploy.host import PARTS, USERNAME, Host, changes, host, run
from tests.deploy.rendered import ROOT

STAND_IN_MONGODB = "test"
"""The MONGODB_VERSION that means tests/containers/compose.stand-in.yaml."""
MONGODB_IMAGE = f"{os.environ.get('MONGODB_IMAGE', 'mongo')}:{os.environ.get('MONGODB_VERSION', '8.0')}"

PART_IS_MISSING = "some problems with the"


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A machine with nothing on it."""
    if subprocess.run(["docker", "version"], capture_output=True, check=False).returncode:
        pytest.skip("needs Docker")
    with host(tmp_path_factory.mktemp("host")) as machine:
        yield machine


@pytest.fixture(scope="module")
def docker(machine: Host) -> Host:
    """The machine after docker.yaml, with the site's images in two versions on it."""
    machine.play("docker.yaml")
    bake = {"USERNAME": USERNAME, "VERSION": "9.8.7", "COMMIT": "c0ffee0"}  # as in tests/containers, so built once
    run("docker", "buildx", "bake", cwd=ROOT, env=bake)
    for part in PARTS:
        run("docker", "tag", f"{USERNAME}/{part}:9.8.7", f"{USERNAME}/{part}:one")
    archive = machine.folder / "images.tar"
    run("docker", "save", "--output", archive, MONGODB_IMAGE, *(f"{USERNAME}/{part}:one" for part in PARTS))
    with archive.open("rb") as images:
        subprocess.run(["docker", "exec", "-i", machine.container, "docker", "load"], stdin=images, check=True)
    archive.unlink()
    for part in PARTS:
        two = f"FROM {USERNAME}/{part}:one\\nENV UPTHREAD_VERSION=two\\n"
        machine.shell(f"printf '{two}' | docker build --quiet --tag {USERNAME}/{part}:two -")
    # What the stand-in for MongoDB expects beside the folder of the Compose files.
    machine.shell("mkdir -p /srv/tests/containers")
    run("docker", "cp", ROOT / "tests/containers/mongodb.py", f"{machine.container}:/srv/tests/containers/")
    return machine


@pytest.fixture(scope="module")
def variables(machine: Host) -> dict[str, Any]:
    """What the site's playbooks are told: the first version, behind what stands in for a reverse proxy."""
    stand_in = "../tests/containers/compose.stand-in.yaml"
    edge = ["../tests/deploy/stand_in/compose.edge.yaml", "../tests/deploy/stand_in/edge.py"]
    further = [*([stand_in] if MONGODB_IMAGE.endswith(f":{STAND_IN_MONGODB}") else []), *edge]
    image, _, version = MONGODB_IMAGE.rpartition(":")
    return {
        "upthread_username": USERNAME,
        "upthread_version": "one",
        "upthread_settings": {"MONGODB_IMAGE": image, "MONGODB_VERSION": version},
        "upthread_files": ["compose.yaml", "compose.operator.yaml", "secrets.sh", "mongodb", *further],
        "upthread_compose_files": ["compose.yaml", *(Path(file).name for file in further if file.endswith(".yaml"))],
        "upthread_backups": str(machine.folder / "backups"),
    }


def test_a_rehearsal_changes_nothing(machine: Host) -> None:
    """In check mode the playbook says what it would do, and there is no Docker afterwards."""
    assert changes(machine.play("docker.yaml", "--check")) > 0
    assert not machine.shell("command -v docker || true")


def test_docker_is_installed(docker: Host) -> None:
    """After the playbook an engine and Compose answer, start with the machine, and a second run changes nothing."""
    assert docker.shell("docker version --format '{{.Server.Version}}'")
    assert docker.shell("docker compose version --short") >= "2.2"
    assert docker.shell("docker info --format '{{.DockerRootDir}}'").strip() == "/srv/docker", "the data disk"
    assert docker.shell("systemctl is-enabled docker").strip() == "enabled"
    assert docker.shell("id -nG ann").split() == ["ann", "docker"]
    assert changes(docker.play("docker.yaml")) == 0


def test_the_stack_runs(docker: Host, variables: dict[str, Any]) -> None:
    """After the playbook the whole site answers, its secrets are root's, and a second run changes nothing."""
    docker.play("stack.yaml", **variables)
    health = requests.get(f"{docker.url}/healthcheck", timeout=30).json()
    assert (health["status"], health["version"]) == (1, "9.8.7")
    assert docker.shell("stat -c '%a %U' /srv/upthread/secrets").strip() == "700 root"
    assert changes(docker.play("stack.yaml", **variables)) == 0


def test_an_update_loses_no_request(docker: Host, variables: dict[str, Any]) -> None:
    """While all four services are replaced by another version, every page that is asked for comes, and comes whole."""
    answers: list[str] = []
    over = threading.Event()

    def visit() -> None:
        headers = {"connection": "close"}  # each request finds its way anew
        while not over.is_set():
            for path in ("/", "/communities", "/new"):
                try:
                    page = requests.get(docker.url + path, headers=headers, timeout=60)
                    whole = page.ok and PART_IS_MISSING not in page.text
                    answers.append("" if whole else f"{path}: {page.status_code} {page.text}")
                except requests.RequestException as error:
                    answers.append(f"{path}: {error!r}")
            over.wait(0.05)  # a few visitors, not a flood

    visitors = [threading.Thread(target=visit) for _ in range(2)]
    for visitor in visitors:
        visitor.start()
    try:
        docker.play("update.yaml", **{**variables, "upthread_version": "two"})
    finally:
        over.set()
        for visitor in visitors:
            visitor.join()
    variables["upthread_version"] = "two"
    images = docker.shell("docker ps --format '{{.Image}}'").split()
    assert {f"{USERNAME}/{part}:two" for part in PARTS if part != "monolith"} <= set(images)
    assert len(answers) > 100
    assert [answer for answer in answers if answer] == []


def test_an_update_to_what_runs_changes_nothing(docker: Host, variables: dict[str, Any]) -> None:
    """Updating once more to the same version replaces no container."""
    assert changes(docker.play("update.yaml", **variables)) == 0


def test_a_backup_brings_back_what_was_lost(docker: Host, variables: dict[str, Any]) -> None:
    """What people wrote is there again after the database's volume was lost and the backup restored, and only then."""
    with requests.Session() as ann:
        ann.headers.update({"sec-fetch-site": "same-origin", "connection": "close"})
        for path, form in (
            ("/signup", {"name": "ann", "password": "correct horse battery"}),
            ("/communities/new", {"name": "birds", "title": "Birds"}),
            ("/new", {"community": "birds", "title": "A wren", "text": "."}),
        ):
            answer = ann.post(docker.url + path, data=form, allow_redirects=False, timeout=60)
            assert answer.status_code == 303, answer.text
    docker.play("backup.yaml", **variables)
    (backup,) = (docker.folder / "backups" / docker.name).iterdir()

    refused = docker.play("restore.yaml", check=False, **variables, upthread_backup=str(backup))
    assert "failed=1" in refused, "a site that is not empty is not overwritten"
    assert "A wren" in requests.get(f"{docker.url}/c/birds", timeout=60).text

    files = " ".join(f"--file {file}" for file in variables["upthread_compose_files"])
    docker.shell(f"cd /srv/upthread && docker compose {files} down --volumes")
    docker.play("stack.yaml", **variables)
    assert requests.get(f"{docker.url}/c/birds", timeout=60).status_code == 404
    docker.play("restore.yaml", **variables, upthread_backup=str(backup))
    assert "A wren" in requests.get(f"{docker.url}/c/birds", timeout=60).text
    assert not docker.shell("ls /srv/upthread/backups")


def test_a_context_leads_to_the_host(docker: Host, tmp_path: Path) -> None:
    """After the playbook, ``docker --context`` here lists what runs there, as the account that SSH lets in."""
    settings = tmp_path / "ssh_config"
    settings.write_text(f"IdentityFile {docker.folder / 'key'}\nUserKnownHostsFile /dev/null\n")
    ssh = tmp_path / "ssh"
    ssh.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {settings} "$@"\n')
    ssh.chmod(0o755)
    own = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "DOCKER_CONFIG": str(tmp_path / "docker")}
    command = (
        "ansible-playbook",
        "--inventory",
        docker.inventory,
        f"--extra-vars=ssh_config={settings}",
        "contexts.yaml",
    )
    run(*command, env=own)
    there = run("docker", "--context", docker.name, "ps", "--format", "{{.Names}}", env={**own, "DOCKER_HOST": ""})
    assert "upthread-mongodb-1" in there
    assert changes(run(*command, env=own)) == 0


def test_the_monolith_runs(docker: Host, variables: dict[str, Any]) -> None:
    """After the playbook one container serves the site on SQLite, and a second run changes nothing."""
    alone = {"upthread_username": USERNAME, "upthread_version": variables["upthread_version"], "upthread_port": 9300}
    docker.play("monolith.yaml", **alone)
    url = f"http://{docker.address}:9300"
    assert requests.get(f"{url}/", timeout=60).ok
    assert changes(docker.play("monolith.yaml", **alone)) == 0
