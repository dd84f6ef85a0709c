"""The inventories: what Google's API says of the instances, and what Terraform says, come to the same."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader

from tests.deploy.rendered import ROOT
from tests.deploy.terraform import TERRAFORM, terraform

INVENTORY = ROOT / "infra" / "ansible" / "inventory" / "gcp.yaml"
RECORDED = Path(__file__).parent / "recorded" / "instances.json"
KNOWN = ("gcp_project", "gcp_zone", "private_ip", "public_ip")
"""Variables that playbooks rely on."""

Fleet = dict[str, dict[str, str]]


class Recorded:
    """Google's answers, page by page, to whoever asks for instances."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self._pages = iter(json.loads(RECORDED.read_text("utf-8")))

    def get(self, url: str, params: dict[str, str]) -> Any:
        """The next page."""
        self.asked.append((url, dict(params)))
        page = next(self._pages)

        class Answer:
            status_code = 200
            raise_for_status = None

            def json(self) -> Any:
                return page

        return Answer()


@pytest.fixture(scope="module")
def session() -> Any:
    """The plugin's own way to Google; collections can be imported only after Ansible has made itself ready for them."""
    init_plugin_loader()
    return importlib.import_module("ansible_collections.google.cloud.plugins.module_utils.gcp_utils").GcpSession


@pytest.fixture
def google(session: Any, monkeypatch: pytest.MonkeyPatch) -> Recorded:
    """Google, as recorded."""
    recorded = Recorded()
    monkeypatch.setattr(session, "__init__", lambda *_: None)
    monkeypatch.setattr(session, "get", lambda _, url, params: recorded.get(url, params))
    return recorded


def read(source: Path) -> tuple[Fleet, dict[str, set[str]]]:
    """Hosts with the variables that playbooks rely on, and groups with their hosts."""
    inventory = InventoryManager(loader=DataLoader(), sources=[str(source)])
    hosts = {host.name: {name: str(host.vars[name]) for name in KNOWN} for host in inventory.get_hosts("upthread")}
    groups = {name: {str(host) for host in group.get_hosts()} for name, group in inventory.groups.items()}
    return hosts, {name: members for name, members in groups.items() if name not in ("all", "ungrouped")}


def test_instances_are_found_by_their_labels(google: Recorded) -> None:
    """All pages of Google's answer become hosts, called as the instances, in groups by their labels."""
    hosts, groups = read(INVENTORY)
    assert hosts["upthread-prod-2"] == {
        "gcp_project": "my-project",
        "gcp_zone": "europe-west1-c",
        "private_ip": "10.132.0.3",
        "public_ip": "203.0.113.2",
    }
    both = {"upthread-prod-1", "upthread-prod-2"}
    assert groups == {"upthread": both, "env_prod": both}
    assert [params.get("pageToken") for _, params in google.asked] == [None, "page-2"]
    assert all(params["filter"] == "(labels.app = upthread) (status = RUNNING)" for _, params in google.asked)


def test_terraform_tells_the_same(google: Recorded, tmp_path: Path) -> None:  # noqa: ARG001 - asked by the plugin
    """The inventory that Terraform itself writes, from its outputs, has the same hosts, variables and groups."""
    found, groups = read(INVENTORY)
    instances = {
        name: {"zone": host["gcp_zone"], "private_ip": host["private_ip"], "public_ip": host["public_ip"]}
        for name, host in found.items()
    }
    values = {"project": "my-project", "environment": "prod", "instances": instances}
    (tmp_path / "values.auto.tfvars.json").write_text(json.dumps(values))
    for file in (TERRAFORM / "modules" / "inventory").glob("*.tf"):
        (tmp_path / file.name).write_text(file.read_text("utf-8"))
    assert terraform("init", tmp_path, input=False)[0] == 0
    assert terraform("apply", tmp_path, input=False, auto_approve=True)[0] == 0
    written = tmp_path / "hosts.yaml"
    written.write_text(terraform("output", tmp_path, json=True)[1]["yaml"]["value"])
    assert yaml.safe_load(written.read_text("utf-8")).keys() == {"upthread", "env_prod"}
    assert read(written) == (found, groups)
