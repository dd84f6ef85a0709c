"""The images: small, with nothing in them that is not needed, and run by nobody in particular."""

import re
import shutil
from pathlib import Path

import httpx
import pytest

from tests.containers.conftest import COMMIT, PARTS, VERSION
from tests.containers.engine import PROGRAMS, PROJECT, address, docker, inspect, is_healthy, run
from tests.process.fleet import eventually

LARGEST = 175_000_000
"""Bytes."""
NOT_NEEDED = ("gcc", "cc", "ld", "strip", "make", "apt", "apt-get", "pip", "pip3", "perl", "curl", "wget")
HARDENED_BASE = "gcr.io/distroless/python3-debian13:nonroot"
STARTING = 60.0
"""Seconds within which a container is healthy, on a busy machine."""
CLOSED = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--tmpfs=/tmp")
"""How a container is run that may do nothing but what it has to."""


def test_the_dockerfile_has_no_known_mistakes() -> None:
    """A linter finds nothing to complain of in the Dockerfile."""
    assert run(PROGRAMS / "hadolint", "Dockerfile") == ""


@pytest.mark.parametrize("part", PARTS)
def test_images_are_small_and_belong_to_nobody(images: dict[str, str], part: str) -> None:
    """Each image has at most 175 MB, a numbered user, a command without a shell, a health check and labels."""
    image = inspect(images[part])
    settings = image["Config"]
    assert image["Size"] <= LARGEST
    assert settings["User"] == "10001:10001"
    assert settings["Entrypoint"] == ["upthread"]
    assert settings["Healthcheck"]["Test"][0] == "CMD"
    assert settings["Labels"]["org.opencontainers.image.version"] == VERSION
    assert settings["Labels"]["org.opencontainers.image.revision"] == COMMIT


def test_images_hold_no_tools(images: dict[str, str]) -> None:
    """There is no compiler, package manager or download tool in an image, and no cache of one."""
    look = (
        f"command -v {' '.join(NOT_NEEDED)}; ls -d /var/cache/apt /var/lib/apt/lists/* /root/.cache 2>/dev/null; true"
    )
    assert docker("run", "--rm", "--user=0", "--entrypoint=sh", images["ui"], "-c", look) == ""


def test_images_share_what_they_need(images: dict[str, str]) -> None:
    """All images consist of the same layers, so that several of them take the room of one."""
    assert len({tuple(inspect(image)["RootFS"]["Layers"]) for image in images.values()}) == 1


def test_a_change_of_the_code_makes_one_layer_new(images: dict[str, str], name: str, tmp_path: Path) -> None:
    """After a change in the code only the smallest layer is built anew; what Upthread needs is not installed again."""
    for part in ("Dockerfile", ".dockerignore", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT / part, tmp_path)
    for folder in ("src", "requirements", "deploy"):
        shutil.copytree(PROJECT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "secrets"))
    changed = tmp_path / "src" / "upthread" / "words.py"
    changed.write_text(changed.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")
    try:
        docker("build", "--quiet", "--target=ui", f"--tag={name}", tmp_path)
        before, after = (inspect(image)["RootFS"]["Layers"] for image in (images["ui"], name))
    finally:
        docker("image", "rm", "--force", name)
    assert len(before) == len(after)
    assert sum(old != new for old, new in zip(before, after, strict=True)) == 1


@pytest.fixture
def closed(images: dict[str, str], name: str) -> str:
    """The monolith with its demo, in a container that may do next to nothing."""
    how = ("--detach", f"--name={name}", *CLOSED, "--publish=127.0.0.1::9292")
    docker("run", *how, images["monolith"], "serve", "--demo")
    eventually(lambda: is_healthy(name), within=STARTING)
    return name


def test_an_image_needs_no_rights(closed: str) -> None:
    """A read-only container without any capability gets healthy, and ends well when it is asked to."""
    docker("stop", closed)
    state = inspect(closed)["State"]
    assert (state["ExitCode"], state["OOMKilled"]) == (0, False)


def test_an_image_tells_what_it_was_made_of(closed: str) -> None:
    """The health check and the metrics of a container show the version and the commit that its image was made of."""
    site = address(closed, 9292)
    assert httpx.get(f"{site}/healthcheck").json()["version"] == VERSION
    labels = f'branch="",commit_hash="{COMMIT}",version="{VERSION}"'
    assert f"ui_health{{{labels}}} 1.0" in httpx.get(f"{site}/metrics").text


def test_an_image_speaks_all_languages(closed: str) -> None:
    """The site in a container speaks Russian too, though most of the world's locales were left out of the image."""
    page = httpx.get(address(closed, 9292), headers={"accept-language": "ru"}).text
    assert re.search(r"\d\d? \w+\.? 20\d\d\sг\., \d\d?:\d\d:\d\d UTC", page)


def test_the_hardened_variant_runs(name: str) -> None:
    """The hardened image has the site run on a base without a shell (if that base is at hand)."""
    if not docker("images", "--quiet", HARDENED_BASE):
        pytest.skip(f"{HARDENED_BASE} is not here.")
    try:
        docker("build", "--quiet", "--build-arg=VARIANT=hardened", "--target=monolith", f"--tag={name}", PROJECT)
        docker("run", "--detach", f"--name={name}", *CLOSED, name)
        eventually(lambda: is_healthy(name), within=STARTING)
    finally:
        docker("rm", "--force", "--volumes", name)
        docker("image", "rm", "--force", name)
