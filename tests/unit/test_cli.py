"""What the command line says about itself, and how it fails."""

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from upthread import __version__, cli
from upthread.errors import StartError


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command there is, with what to type for it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


ALL = dict(commands(cli.cli))


@pytest.mark.parametrize("path", [(), *ALL], ids=" ".join)
def test_help(path: tuple[str, ...]) -> None:
    """Help says what a command is for, and names each of its options and commands."""
    answer = CliRunner().invoke(cli.cli, [*path, "--help"], prog_name="upthread", terminal_width=100)
    assert answer.exit_code == 0, answer.output
    command: click.Command = ALL[path] if path else cli.cli
    assert answer.output.startswith(f"Usage: {' '.join(['upthread', *path])} ")
    assert command.help
    assert all(option in answer.output for parameter in command.params for option in parameter.opts if option[0] == "-")
    if isinstance(command, click.Group):
        assert all(f"  {name} " in answer.output for name in command.list_commands(click.Context(command)))


@pytest.mark.parametrize("name", cli.LATER)
def test_lines_about_later_commands_are_theirs(name: str) -> None:
    """The list of commands says of each what its own help says."""
    assert cli.LATER[name][2] == ALL[(name,)].get_short_help_str(100)


def test_version() -> None:
    """The version is told."""
    assert CliRunner().invoke(cli.cli, ["--version"]).output == f"Upthread {__version__}\n"


def test_misuse_is_told_from_failure() -> None:
    """A command line that can't be understood has exit status 2 and a hint."""
    answer = CliRunner().invoke(cli.cli, ["serve", "--port", "seven"])
    assert answer.exit_code == 2
    assert "'seven' is not a valid integer" in answer.output


def test_failures_are_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A failure on purpose is one line on stderr and exit status 1."""

    def refuse(**_: object) -> None:
        raise StartError("Port {port} is taken.", port=9292)

    monkeypatch.setattr(cli, "cli", refuse)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    assert capsys.readouterr().err == "upthread: Port 9292 is taken.\n"
