"""The compose files, as texts."""

import json
import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.containers.engine import PROGRAMS, PROJECT, run

DEPLOY = PROJECT / "deploy"
COMPOSE = DEPLOY / "compose.yaml"
FILES = sorted([*DEPLOY.glob("compose*.yaml"), DEPLOY / "swarm" / "stack.yaml"])
EXAMPLE = DEPLOY / ".env.example"
ASSIGNMENT = re.compile(r"^(\w+)=(.*)$", re.MULTILINE)
PARAMETER = re.compile(r"\$\{(\w+):-([^}]*)\}")
METRIC = re.compile(r"\b(?:ui|outbox|mongo|upthread)_\w+")
BY_MAKE = {"COMMIT"}
"""Parameters that nobody sets by hand."""


def named(file: Path) -> str:
    """What a file is called in this project."""
    return str(file.relative_to(PROJECT))


@pytest.mark.parametrize("file", FILES, ids=named)
def test_files_are_what_compose_specifies(file: Path, tmp_path: Path) -> None:
    """Every compose file fits the schema of the compose specification, which leaves out how files are merged."""
    text = file.read_text(encoding="utf-8").replace("!reset", "").replace("!override", "")
    (tmp_path / file.name).write_text(text, encoding="utf-8")
    run(PROGRAMS / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", tmp_path / file.name)


def test_files_fit_together() -> None:
    """Compose takes the files that are added on, all with the first one."""
    for file in DEPLOY.glob("compose.*.yaml"):
        both = ("docker", "compose", "--file", COMPOSE, "--file", file)
        run(*both, "config", "--quiet", environment={"SITE_HOST": "site.example"})


def test_alarms_ask_for_what_there_is() -> None:
    """Every metric that an alarm asks for is one that the documentation knows."""
    known = (PROJECT / "docs" / "observability.md").read_text(encoding="utf-8").replace("<process>", "ui")
    rules = YAML(typ="safe").load(DEPLOY / "observability" / "alerts.yaml")["groups"][0]["rules"]
    asked = {name for rule in rules for name in METRIC.findall(rule["expr"])}
    assert len(asked) > 3
    assert [name for name in sorted(asked) if f"`{name.removesuffix('_bucket')}`" not in known] == []


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
    assert len(set(made[0].values())) == len(made[0])
    assert all(len(text) > 32 for text in made[0].values())
    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0
