"""Developing with deploy/compose.override.yaml: the code in the containers is the one that is being written."""

import json
import shutil
from pathlib import Path

from tests.containers.engine import PROJECT, docker, inspect
from tests.containers.stack import COMPOSE, HERE, PATIENCE, SERVICES, running
from tests.containers.test_stack import PORTS
from tests.process.fleet import eventually
from upthread import __version__

OURS = SERVICES[:-1]
LIVE = f"{__version__}-live"
SAYS_VERSION = """
import sys, urllib.request
try:
    print(urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/healthcheck").read().decode())
except OSError:
    print('{"version": "being started again"}')
"""


def test_a_change_is_live_without_a_build(images: dict[str, str], tmp_path: Path) -> None:  # noqa: ARG001 - has to be there
    """A changed source file is what all four parts run soon after, in the same containers of the same image."""
    source = tmp_path / "src"
    shutil.copytree(PROJECT / "src", source, ignore=shutil.ignore_patterns("__pycache__"))
    override = COMPOSE.with_name("compose.override.yaml")
    with running(override, HERE / "compose.live.yaml", SOURCE=str(source)) as stack:
        before = {part: inspect(stack.container(part)) for part in OURS}

        def version(part: str) -> str:
            ask = ("exec", stack.container(part), "python", "-c", SAYS_VERSION, str(PORTS[part]))
            return str(json.loads(docker(*ask))["version"])

        code = source / "upthread" / "__init__.py"
        code.write_text(code.read_text(encoding="utf-8").replace(__version__, LIVE), encoding="utf-8")
        for part in OURS:
            eventually(lambda part=part: version(part) == LIVE, within=PATIENCE)  # type: ignore[misc]
        for part, then in before.items():
            now = inspect(stack.container(part))
            assert (now["Id"], now["Image"], now["RestartCount"]) == (then["Id"], then["Image"], 0)
