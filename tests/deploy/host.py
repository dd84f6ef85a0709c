"""A container that stands in for a machine in the cloud, and playbooks that are really run on it by SSH."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.rendered import ROOT

ANSIBLE = ROOT / "infra" / "ansible"
STAND_IN = Path(__file__).parent / "stand_in"
IMAGE = "upthread-tests/host"
USERNAME = "upthread-tests"
PARTS = ("ui", "post", "comment", "account", "monolith")
HANGING = 280.0
"""Seconds after which a command is taken for hanging."""


def run(*command: str | Path, check: bool = True, cwd: Path = ANSIBLE, env: dict[str, str] | None = None) -> str:
    """What a command prints, errors included."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=HANGING,
        check=False,
    )
    assert not check or done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}"
    return done.stdout


class Host:
    """The machine.

    Args:
        container: what it runs as.
        folder: for the key, the inventory and what comes back.
    """

    name = "news-1"

    def __init__(self, container: str, folder: Path) -> None:
        self.container = container
        self.folder = folder
        (known,) = json.loads(run("docker", "inspect", container))
        self.address: str = known["NetworkSettings"]["IPAddress"]
        self.inventory = folder / "hosts.yaml"
        variables = {
            "ansible_host": self.address,
            "ansible_user": "ann",
            "ansible_ssh_private_key_file": str(folder / "key"),
            "ansible_ssh_common_args": "-o UserKnownHostsFile=/dev/null",
            "ansible_python_interpreter": "/usr/bin/python3",
        }
        self.inventory.write_text(yaml.safe_dump({"upthread": {"hosts": {self.name: variables}}}))

    def shell(self, command: str, *, check: bool = True) -> str:
        """What a command prints there, as root."""
        return run("docker", "exec", self.container, "sh", "-c", command, check=check)

    def play(self, playbook: str, *options: str, check: bool = True, **variables: Any) -> str:
        """Run a playbook there; how it ended is the last part of what this returns."""
        values = json.dumps(variables)
        settings = ("--inventory", self.inventory, "--extra-vars", values)
        return run("ansible-playbook", *settings, *options, playbook, check=check)

    @property
    def url(self) -> str:
        """Where its site is."""
        return f"http://{self.address}:9292"


def changes(output: str) -> int:
    """How many tasks have changed something."""
    (number,) = re.findall(r"changed=(\d+)", output)
    return int(number)


@contextmanager
def host(folder: Path) -> Iterator[Host]:
    """A machine that has just been made."""
    run("docker", "build", "--quiet", "--tag", IMAGE, STAND_IN)
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "key")
    options = ("--privileged", "--detach", "--tmpfs=/run", "--tmpfs=/tmp", "--volume=/srv")
    container = run("docker", "run", *options, IMAGE).strip()
    try:
        run("docker", "exec", container, "install", "-d", "-o", "ann", "-m", "700", "/home/ann/.ssh")
        run("docker", "cp", folder / "key.pub", f"{container}:/home/ann/.ssh/authorized_keys")
        run("docker", "exec", container, "chown", "ann:", "/home/ann/.ssh/authorized_keys")
        started = "until systemctl is-active --quiet ssh; do sleep 0.2; done"
        run("docker", "exec", container, "timeout", "120", "sh", "-c", started)
        yield Host(container, folder)
    finally:
        run("docker", "rm", "--force", "--volumes", container)
