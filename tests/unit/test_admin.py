"""``upthread admin`` on a real data folder."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from upthread.account.model import Device, Person
from upthread.account.passwords import Passwords
from upthread.account.service import AccountService
from upthread.account.sqlite import LAYOUT, SqliteAccountStore
from upthread.admin import admin
from upthread.errors import SignInNeeded, UpthreadError
from upthread.runtime.clock import SystemClock
from upthread.storage.sqlite import Database

Within = Callable[[Callable[[AccountService], Awaitable[object]]], object]
Command = Callable[..., Result]

PASSWORD = "correct horse"
HOME = Device("192.0.2.1", "Firefox \x1b[2J on Linux")


@pytest.fixture
def within(tmp_path: Path, cheap_passwords: Passwords) -> Within:
    """Runs something on the account service of the same data folder, as the site would beside the command."""

    def run(work: Callable[[AccountService], Awaitable[object]]) -> object:
        async def opened() -> object:
            database = Database.open(tmp_path / "account.sqlite3", LAYOUT)
            try:
                return await work(AccountService(SqliteAccountStore(database), SystemClock(), cheap_passwords))
            finally:
                await database.close()

        return asyncio.run(opened())

    return run


@pytest.fixture
def ann(within: Within) -> str:
    """Ann, signed in at home."""
    within(lambda account: account.sign_up("Ann", PASSWORD, HOME))
    return "Ann"


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """Runs a command on the data folder."""

    def run(*words: str, typed: str = "") -> Result:
        return CliRunner().invoke(admin, [*words, "--data", str(tmp_path)], input=typed)

    return run


def failure(result: Result) -> str:
    """The one line that ``upthread`` prints when a command fails like this."""
    assert isinstance(result.exception, UpthreadError)
    assert result.output == ""
    return str(result.exception)


def test_making_administrators(command: Command, within: Within, ann: str) -> None:
    """A person is made an administrator, by name in any case, and no longer one."""

    def is_admin() -> bool:
        person = within(lambda account: account.person(ann))
        return isinstance(person, Person) and person.is_admin

    assert command("make-admin", "aNN").output == "Ann is an administrator now.\n"
    assert is_admin()
    assert command("make-admin", "Ann", "--no").output == "Ann is no administrator any more.\n"
    assert not is_admin()


def signs_in(within: Within, password: str) -> bool:
    """Whether this is Ann's password."""
    try:
        within(lambda account: account.log_in("Ann", password, HOME))
    except SignInNeeded:
        return False
    return True


@pytest.mark.usefixtures("ann")
def test_typing_a_new_password(command: Command, within: Within) -> None:
    """A password typed twice is set, and is not shown."""
    result = command("reset-password", "Ann", typed="another horse\nanother horse\n")
    assert result.exit_code == 0
    assert "another horse" not in result.output
    assert result.output.endswith("Ann has a new password. All of their sessions have ended.\n")
    assert signs_in(within, "another horse")
    assert not signs_in(within, PASSWORD)


@pytest.mark.usefixtures("ann")
def test_piping_a_new_password(command: Command, within: Within) -> None:
    """A script sets a password through standard input."""
    assert command("reset-password", "Ann", "--stdin", typed="another horse\n").exit_code == 0
    assert signs_in(within, "another horse")


@pytest.mark.usefixtures("ann")
def test_making_a_new_password_up(command: Command, within: Within) -> None:
    """A password made up is the only thing on standard output, and signs in."""
    result = command("reset-password", "Ann", "--generate")
    assert re.fullmatch(r"[\w-]{16}\n", result.stdout)
    assert signs_in(within, result.stdout.strip())
    assert "All of their sessions have ended." in command("reset-password", "Ann", "--generate").stderr
    assert "no open sessions" in command("sessions", "Ann").output


def test_listing_sessions(command: Command, ann: str) -> None:
    """Sessions are a table, in which nothing that a browser sent steers the terminal."""
    lines = command("sessions", ann).output.splitlines()
    assert re.fullmatch(r"ID +LAST USED +OPENED +ADDRESS +BROWSER", lines[0])
    time = r"\d{4}-\d\d-\d\d \d\d:\d\d"
    assert re.fullmatch(rf"\d+ +{time}  {time}  192\.0\.2\.1  Firefox \ufffd\[2J on Linux", lines[1])
    assert len(lines) == 2


def test_ending_sessions(command: Command, within: Within, ann: str) -> None:
    """One session ends, or all of them, and the command says how many."""
    for _ in range(2):
        within(lambda account: account.log_in(ann, PASSWORD, HOME))
    first = command("sessions", ann).output.splitlines()[1].split()[0]
    assert command("end-sessions", ann, "--session", first).output == "Ended 1 session of Ann.\n"
    again = command("end-sessions", ann, "--session", first)
    assert failure(again) == f"Ann has no open session {first}."
    assert command("end-sessions", ann).output == "Ended 2 sessions of Ann.\n"
    assert command("end-sessions", ann).output == "Ended 0 sessions of Ann.\n"
    assert command("sessions", ann).output == "Ann has no open sessions.\n"


@pytest.mark.usefixtures("ann")
@pytest.mark.parametrize(
    "words",
    [
        ("make-admin", "nobody-here"),
        ("reset-password", "nobody-here", "--generate"),
        ("sessions", "nobody-here"),
        ("end-sessions", "nobody-here"),
    ],
)
def test_nobody_is_told(command: Command, words: tuple[str, ...]) -> None:
    """A name that nobody has is one clear line."""
    result = command(*words)
    assert failure(result) == "There is nobody with this name."


@pytest.mark.usefixtures("ann")
def test_a_bad_password_is_told(command: Command, within: Within) -> None:
    """A new password that won't do is one clear line, and the old one stays."""
    result = command("reset-password", "Ann", "--stdin", typed="short\n")
    assert failure(result) == "A password has at least 8 characters."
    assert signs_in(within, PASSWORD)


def test_no_site_is_told(command: Command, tmp_path: Path) -> None:
    """Without a site in the folder there is one clear line, and nothing is made."""
    result = command("sessions", "Ann")
    assert failure(result).startswith(f"There is no site in {tmp_path}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("ann")
def test_the_folder_is_that_of_the_settings(tmp_path: Path) -> None:
    """Without --data the folder is the one that UPTHREAD_DATA names."""
    result = CliRunner(env={"UPTHREAD_DATA": str(tmp_path)}).invoke(admin, ["make-admin", "Ann"])
    assert result.output == "Ann is an administrator now.\n"


@pytest.mark.parametrize("name", ["", *admin.commands])
def test_help_reads_well(name: str) -> None:
    """Every command says what it is for, and where it looks for the data."""
    result = CliRunner().invoke(admin, [name, "--help"] if name else ["--help"])
    assert result.exit_code == 0
    assert "Usage:" in result.output
    assert name == "" or "--data DIR" in result.output
