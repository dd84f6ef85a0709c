"""The compose files, as texts."""

import json
import re
from pathlib import Path

import pytest

from tests.containers.engine import PROGRAMS, PROJECT, run

DEPLOY = PROJECT / "deploy"
COMPOSE = DEPLOY / "compose.yaml"
FILES = sorted([*DEPLOY.glob("compose*.yaml"), *DEPLOY.glob("*/compose.yaml"), DEPLOY / "swarm" / "stack.yaml"])
EXAMPLE = DEPLOY / ".env.example"
ASSIGNMENT = re.compile(r"^(\w+)=(.*)$", re.MULTILINE)
PARAMETER = re.compile(r"\$\{(\w+):-([^}]*)\}")
BY_MAKE = {"COMMIT"}
"""Parameters that nobody sets by hand."""


def named(file: Path) -> str:
    """What a file is called in this project."""
    return str(file.relative_to(PROJECT))


@pytest.mark.parametrize("file", FILES, ids=named)
def test_files_are_what_compose_specifies(file: Path) -> None:
    """Every compose file fits the schema of the compose specification."""
    run(PROGRAMS / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", file)


def test_everything_that_can_be_set_is_explained() -> None:
    """Each parameter of the compose file is in .env.example, with the default that it has, and nothing else is."""
    parameters = dict(PARAMETER.findall(COMPOSE.read_text(encoding="utf-8")))
    assert {name: parameters[name] for name in parameters.keys() - BY_MAKE} == dict(
        ASSIGNMENT.findall(EXAMPLE.read_text(encoding="utf-8"))
    )


def test_parameters_come_from_a_file_alone(tmp_path: Path) -> None:
    """What .env says is used with nothing exported, and what it does not say has a default."""
    values = {
        "USERNAME": "someone",
        "UI_VERSION": "2.2",
        "POST_VERSION": "1.1",
        "UI_PORT": "8080",
        "MONGODB_VERSION": "7.0",
    }
    environment = tmp_path / ".env"
    environment.write_text("".join(f"{name}={value}\n" for name, value in values.items()), encoding="utf-8")
    names = {*values, *dict(ASSIGNMENT.findall(EXAMPLE.read_text(encoding="utf-8")))}
    unset = [argument for name in sorted(names) for argument in ("-u", name)]
    command = ("docker", "compose", "--file", COMPOSE, "--env-file", environment, "config", "--format", "json")
    services = json.loads(run("env", *unset, *command))["services"]
    assert {name: service["image"] for name, service in services.items()} == {
        "ui": "someone/ui:2.2",
        "post": "someone/post:1.1",
        "comment": "someone/comment:latest",
        "account": "someone/account:latest",
        "mongodb": "mongo:7.0",
    }
    assert [port["published"] for port in services["ui"]["ports"]] == ["8080"]


def test_secrets_are_made_once(tmp_path: Path) -> None:
    """The secrets that are made differ from each other, are long, and stay the same when they are made again."""
    script = tmp_path / "secrets.sh"
    script.write_bytes((DEPLOY / "secrets.sh").read_bytes())
    made = []
    for _ in range(2):
        run("sh", script)
        made.append({file.name: file.read_text(encoding="utf-8") for file in (tmp_path / "secrets").iterdir()})
    assert made[0] == made[1]
    assert (
        len(set(made[0].values()))
        == len(made[0])
        == len(json.loads(run("docker", "compose", "--file", COMPOSE, "config", "--format", "json"))["secrets"])
    )
    assert all(len(text) > 32 for text in made[0].values())
    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0
