"""The machines that Terraform makes: well-formed files, refused nonsense, and no way in but those that are meant."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.terraform import MODULES, ROOTS, TERRAFORM, blocks, terraform

FOLDERS = (*ROOTS, *(f"modules/{module}" for module in MODULES))
GOOD: dict[str, dict[str, Any]] = {
    "modules/network": {"name": "upthread-stage", "region": "europe-west1", "site_port": 443},
    "modules/instances": {
        "name": "upthread-stage",
        "project": "my-project",
        "environment": "stage",
        "number": 3,
        "zones": ["europe-west1-b", "europe-west1-c"],
        "machine_type": "e2-small",
        "data_disk_gb": 20,
        "subnetwork": "projects/my-project/regions/europe-west1/subnetworks/upthread-stage",
        "tags": ["upthread-stage-site"],
        "operators": ["user:ann@example.org", "serviceAccount:ci@my-project.iam.gserviceaccount.com"],
        "deletion_protection": False,
    },
}
BAD = [
    ("modules/network", "name", "Upthread"),
    ("modules/network", "region", "europe-west1-b"),
    ("modules/network", "cidr", "10.0.1.0/24"),
    ("modules/network", "cidr", "10.132.0.0"),
    ("modules/network", "site_port", 22),
    ("modules/network", "site_sources", []),
    ("modules/network", "site_sources", ["everyone"]),
    ("modules/instances", "name", "news"),
    ("modules/instances", "project", "My Project"),
    ("modules/instances", "environment", "test"),
    ("modules/instances", "number", 0),
    ("modules/instances", "number", 1.5),
    ("modules/instances", "zones", []),
    ("modules/instances", "zones", ["europe-west1"]),
    ("modules/instances", "zones", ["europe-west1-b", "us-central1-a"]),
    ("modules/instances", "machine_type", "c4a-standard-1"),
    ("modules/instances", "image", "ubuntu"),
    ("modules/instances", "boot_disk_gb", 5),
    ("modules/instances", "data_disk_gb", 5),
    ("modules/instances", "snapshot_days", 0),
    ("modules/instances", "operators", ["ann@example.org"]),
    ("modules/instances", "operators", ["allUsers"]),
]


def plan(folder: str, values: dict[str, Any], here: Path) -> tuple[int, str]:
    """What Terraform says to these values of a module's variables; the resources, which need Google, are left out."""
    shutil.copy(TERRAFORM / folder / "variables.tf", here)
    assert terraform("init", here, input=False)[0] == 0
    (here / "values.auto.tfvars.json").write_text(json.dumps(values))
    status, output = terraform("plan", here, input=False)
    return status, str(output)


def test_files_have_terraforms_own_form() -> None:
    """``terraform fmt`` would change nothing."""
    status, unformed = terraform("fmt", TERRAFORM, check_input=True, recursive=True)
    assert (status, unformed) == (0, "")


@pytest.mark.parametrize("folder", FOLDERS)
def test_variables_say_what_they_are(folder: str) -> None:
    """Every variable and output has a description, and every variable a type."""
    for variable in blocks(folder, "variable").values():
        assert variable["type"]
        assert variable["description"].endswith((".", "…", "down"))
    for output in blocks(folder, "output").values():
        assert output["description"]


@pytest.mark.parametrize("folder", GOOD)
def test_good_values_are_taken(folder: str, tmp_path: Path) -> None:
    """Terraform plans with values as the manual shows them."""
    status, output = plan(folder, GOOD[folder], tmp_path)
    assert status == 0, output


@pytest.mark.parametrize(("folder", "variable", "value"), BAD)
def test_bad_values_are_refused(folder: str, variable: str, value: object, tmp_path: Path) -> None:
    """A value that can't be is refused by its variable's own message, before anything is asked of Google."""
    status, output = plan(folder, {**GOOD[folder], variable: value}, tmp_path)
    assert status != 0
    wanted = [rule["error_message"] for rule in blocks(folder, "variable")[variable]["validation"]]
    assert any(message in output for message in wanted), output


@pytest.mark.parametrize("root", ROOTS)
def test_roots_give_modules_what_they_need(root: str) -> None:
    """Each root hands every module the variables that have no default, and none that it does not have."""
    modules = blocks(root, "module")
    assert set(modules) == set(MODULES)
    for module in modules.values():
        variables = blocks(f"{root}/{module['source']}", "variable")
        given = {name for name in module if not name.startswith("__")} - {"source"}
        assert given <= variables.keys()
        assert {name for name, variable in variables.items() if "default" not in variable} <= given


@pytest.mark.parametrize("root", ROOTS)
def test_references_lead_somewhere(root: str) -> None:
    """Every output of a module that a root uses is there, and so is every variable that is used anywhere."""
    text = "".join(file.read_text("utf-8") for file in (TERRAFORM / root).glob("*.tf"))
    for module, output in set(re.findall(r"module\.(\w+)\.(\w+)", text)):
        assert output in blocks(f"modules/{module}", "output")
    for folder in (root, *(f"modules/{module}" for module in MODULES)):
        text = "".join(file.read_text("utf-8") for file in (TERRAFORM / folder).glob("*.tf"))
        assert set(re.findall(r"\bvar\.(\w+)", text)) == set(blocks(folder, "variable"))


def test_each_root_keeps_its_state_in_a_bucket_apart() -> None:
    """State is in a bucket, whose name is told at init, and stage and prod don't share it."""
    prefixes = []
    for root in ROOTS:
        (text,) = [file.read_text("utf-8") for file in (TERRAFORM / root).glob("backend.tf")]
        assert 'backend "gcs"' in text
        assert "bucket  " not in text
        prefixes += re.findall(r'prefix = "(.+)"', text)
    assert prefixes == ["upthread/stage", "upthread/prod"]


def test_the_firewall_opens_the_site_and_ssh_by_iap_only() -> None:
    """To the world only the site's port is open; SSH comes from IAP's addresses; nodes reach each other if asked."""
    rules = blocks("modules/network", "resource")
    firewalls = {name.partition(".")[2]: rule for name, rule in rules.items() if "firewall" in name}
    assert firewalls.keys() == {"site", "ssh", "swarm"}
    assert firewalls["ssh"]["source_ranges"] == ["35.235.240.0/20"]
    assert [allowed["ports"] for allowed in firewalls["ssh"]["allow"]] == [["22"]]
    (site,) = firewalls["site"]["allow"]
    assert site["protocol"] == "tcp"
    assert "443" in site["ports"]
    assert "tostring(var.site_port)" in site["ports"]
    assert "source_ranges" not in firewalls["swarm"]
    assert firewalls["swarm"]["source_tags"] == firewalls["swarm"]["target_tags"]
    assert all(rule["target_tags"] == ["${local.site_tag}"] for rule in firewalls.values())


def test_instances_are_hardened() -> None:
    """One logs in by OS Login, the machine starts only what is signed, and its account may do nothing but report."""
    resources = blocks("modules/instances", "resource")
    instance = resources["google_compute_instance.site"]
    (metadata,) = instance["metadata"]
    assert metadata["enable-oslogin"] == "TRUE"
    assert metadata["block-project-ssh-keys"] == "TRUE"
    (shielded,) = instance["shielded_instance_config"]
    assert all(value is True for name, value in shielded.items() if not name.startswith("__"))
    roles = re.findall(r"roles/[\w.]+", str(resources["google_project_iam_member.instance"]))
    assert sorted(roles) == ["roles/logging.logWriter", "roles/monitoring.metricWriter"]


def test_the_data_disk_outlives_its_instance() -> None:
    """The data disk is a resource that the instance only attaches, with snapshots that outlive even the disk."""
    resources = blocks("modules/instances", "resource")
    (attached,) = resources["google_compute_instance.site"]["attached_disk"]
    assert attached["source"] == "${google_compute_disk.data[each.key].id}"
    (schedule,) = resources["google_compute_resource_policy.nightly"]["snapshot_schedule_policy"]
    assert schedule["retention_policy"][0]["on_source_disk_delete"] == "KEEP_AUTO_SNAPSHOTS"
    assert "google_compute_disk.data" in resources["google_compute_disk_resource_policy_attachment.nightly"]["for_each"]


def test_a_disk_is_formatted_once(tmp_path: Path) -> None:
    """Cloud-init's own script formats an empty disk, and leaves one alone that has anything on it."""
    (script,) = cloud_init()["bootcmd"]
    disk = tmp_path / "disk"
    with disk.open("wb") as file:
        file.truncate(16 * 1024 * 1024)
    script = script.replace("/dev/disk/by-id/google-data", str(disk))
    subprocess.run(["sh", "-c", script], check=True)
    once = disk.read_bytes()
    assert b"srv" in once[1024:2048], "ext4 keeps its label in the superblock"
    subprocess.run(["sh", "-c", script], check=True)
    assert disk.read_bytes() == once


def test_docker_waits_for_its_disk() -> None:
    """The data disk becomes /srv, and Docker does not start without it."""
    ((device, folder, kind, options, *_),) = cloud_init()["mounts"]
    (attached,) = blocks("modules/instances", "resource")["google_compute_instance.site"]["attached_disk"]
    assert device == f"/dev/disk/by-id/google-{attached['device_name']}"
    assert (folder, kind) == ("/srv", "ext4")
    assert {"nofail", "x-systemd.before=docker.service", "x-systemd.required-by=docker.service"} <= set(
        options.split(",")
    )


def cloud_init() -> dict[str, Any]:
    """What an instance does when it starts."""
    text = (TERRAFORM / "modules/instances/cloud-init.yaml").read_text("utf-8")
    assert text.startswith("#cloud-config\n")
    return dict(yaml.safe_load(text))
