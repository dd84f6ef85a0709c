"""The machine image: Packer takes its description, and what it is told is what a careful builder would tell it."""

import shutil
import subprocess
from pathlib import Path

import hcl2
import pytest

from tests.deploy.rendered import ROOT

INFRA = ROOT / "infra"
PLUGINS = "plugins.pkr.hcl"
PACKER = shutil.which("packer")


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """The description without the block that Debian's Packer is too old to know, and the playbooks where it looks."""
    shutil.copytree(INFRA, tmp_path / "infra", ignore=shutil.ignore_patterns(PLUGINS, ".terraform"))
    return tmp_path / "infra" / "packer"


def packer(*arguments: str, here: Path) -> str:
    """What Packer says; it has to agree."""
    assert PACKER, "needs Packer: apt-get install packer"
    done = subprocess.run([PACKER, *arguments], cwd=here, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_packer_takes_it(here: Path) -> None:
    """``packer validate`` finds every setting known, and the playbook where it is said to be."""
    packer("validate", "-var=project_id=my-project", ".", here=here)


def test_packer_says_nothing_is_deprecated(here: Path) -> None:
    """``packer validate`` warns of nothing, so no setting is on its way out."""
    assert "deprecated" not in packer("validate", "-var=project_id=my-project", ".", here=here).lower()


def test_files_have_packers_own_form(here: Path) -> None:
    """``packer fmt`` would change nothing."""
    packer("fmt", "-check", "-diff", ".", here=here)


def test_plugins_are_named_in_a_file_of_their_own() -> None:
    """The file that Debian's Packer can't read names the plugins that the other file uses, and nothing else."""
    with (INFRA / "packer" / PLUGINS).open(encoding="utf-8") as text:
        parsed = hcl2.load(text)
    assert parsed.keys() == {"packer"}
    (plugins,) = parsed["packer"][0]["required_plugins"]
    assert {name for name in plugins if not name.startswith("__")} == {"googlecompute", "ansible"}


def test_logging_in_needs_no_open_port(here: Path) -> None:
    """The machine that the image is made on is reached by OS Login through IAP, and has no rights of its own."""
    with (here / "docker.pkr.hcl").open(encoding="utf-8") as text:
        (source,) = hcl2.load(text)["source"]
    machine = source["googlecompute"]["docker"]
    wanted = ("use_os_login", "use_iap", "enable_secure_boot", "disable_default_service_account")
    assert all(machine[setting] == [True] for setting in wanted)
    assert machine["image_family"] == ["upthread-docker"]
