"""The playbooks and roles, without running them."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.deploy.rendered import ROOT

ANSIBLE = ROOT / "infra" / "ansible"
PLAYBOOKS = sorted(file.name for file in ANSIBLE.glob("*.yaml"))


def ansible(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run one of Ansible's programs beside the playbooks, without asking Google which hosts there are."""
    env = {**os.environ, "ANSIBLE_INVENTORY": "localhost,", "ANSIBLE_REMOTE_USER": "ann_example_org", "NO_COLOR": "1"}
    return subprocess.run(command, cwd=ANSIBLE, env=env, capture_output=True, text=True, check=False, timeout=240)


def test_lint_finds_nothing() -> None:
    """ansible-lint has nothing to say in its strictest profile."""
    done = ansible("ansible-lint", "--offline", "--strict", "--profile", "production", ".")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_playbooks_can_be_read(playbook: str) -> None:
    """Ansible reads each playbook with all roles and tasks that it names."""
    done = ansible("ansible-playbook", "--syntax-check", playbook)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_role_says_what_it_takes() -> None:
    """Each role's variables are described with their types, and described defaults are the real ones."""
    for role in (ANSIBLE / "roles").iterdir():
        defaults = yaml.safe_load((role / "defaults" / "main.yaml").read_text("utf-8"))
        specs = yaml.safe_load((role / "meta" / "argument_specs.yaml").read_text("utf-8"))["argument_specs"]
        for spec in specs.values():
            described = spec["options"]
            assert all(option["type"] and option["description"] for option in described.values())
            given = {name: option["default"] for name, option in described.items() if "default" in option}
            assert given == defaults


def test_no_secret_is_here() -> None:
    """No playbook, role or inventory holds a password: secrets are made on the host and stay there."""
    for file in ANSIBLE.rglob("*.yaml"):
        text = file.read_text("utf-8").lower()
        assert "password" not in text
        assert "private_key" not in text


def test_hosts_are_reached_through_iap(tmp_path: Path) -> None:
    """A host of either inventory is reached by a tunnel to its zone, as OS Login's account; any other host directly."""
    shutil.copytree(ANSIBLE / "group_vars", tmp_path / "group_vars")
    hosts = {"there": {"gcp_project": "my-project", "gcp_zone": "europe-west1-b"}, "here": {}}
    (tmp_path / "hosts.yaml").write_text(yaml.safe_dump({"upthread": {"hosts": hosts}}))
    show = "{{ ansible_ssh_common_args }} as={{ ansible_user }}"
    said = {
        host: ansible(
            "ansible", "-i", tmp_path / "hosts.yaml", host, "-m", "debug", "-a", json.dumps({"msg": show})
        ).stdout
        for host in hosts
    }
    assert "gcloud compute start-iap-tunnel %h %p --listen-on-stdin" in said["there"]
    assert "--project=my-project --zone=europe-west1-b" in said["there"]
    assert "as=ann_example_org" in said["there"]
    assert "gcloud" not in said["here"]
