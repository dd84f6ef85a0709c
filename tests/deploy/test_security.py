"""What checkov, which knows the usual mistakes, has to say; and why what it says is sometimes not heeded."""

import json
import subprocess
from pathlib import Path

import yaml

from tests.deploy.rendered import EVERYTHING, ROOT, render

# Each with its reason. One that is no longer needed fails the test, like one that is missing.
TERRAFORM = {
    "CKV_GCP_37": "Google encrypts every disk; a key of one's own that is lost is the site lost.",
    "CKV_GCP_38": "The same, for boot disks.",
    "CKV_GCP_40": "People reach the site by that address. SSH does not: it comes through IAP.",
    "CKV_GCP_106": "Port 80 leads to 443 by a redirect and answers certificate authorities.",
}
ANSIBLE = {
    "CKV2_ANSIBLE_3": "What fails in an update or a restore is to be seen, not rescued; restore starts the site again.",
}
KUBERNETES = {
    "CKV_K8S_8": "The pod of helm test ends by itself; services have liveness probes.",
    "CKV_K8S_9": "The same, for readiness.",
    "CKV_K8S_11": "A limit on CPU slows answers while the node idles; requests share it fairly when it does not.",
    "CKV_K8S_15": "Tags are versions that don't change, so pulling them again only adds a way to fail.",
    "CKV_K8S_40": "MongoDB's image has its own account, 999; that of the site is above 10000.",
    "CKV_K8S_43": "Which image runs is for the values to say; a digest can stand in a tag's place there.",
}


def failed(framework: str, *where: str | Path) -> set[str]:
    """The checks that fail."""
    command = ("checkov", "--output", "json", "--quiet", "--skip-download", "--framework", framework, *where)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=240)
    report = json.loads(done.stdout)
    assert report["summary"]["passed"] > 0
    assert report["summary"]["parsing_errors"] == 0
    return {check["check_id"] for check in report["results"]["failed_checks"]}


def test_machines() -> None:
    """Of the machines and their network, checkov finds only what is explained here."""
    assert failed("terraform", "--directory", ROOT / "infra" / "terraform") == TERRAFORM.keys()


def test_playbooks() -> None:
    """Of the playbooks, checkov finds only what is explained here."""
    assert failed("ansible", "--directory", ROOT / "infra" / "ansible") == ANSIBLE.keys()


def test_chart(tmp_path: Path) -> None:
    """Of what the chart makes with everything switched on, checkov finds only what is explained here."""
    documents = render(EVERYTHING)
    for document in documents:
        document["metadata"]["namespace"] = "news"  # as helm does when it sends them
    manifests = tmp_path / "manifests.yaml"
    manifests.write_text(yaml.safe_dump_all(documents))
    assert failed("kubernetes", "--file", manifests) == KUBERNETES.keys()
