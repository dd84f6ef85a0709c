"""``upthread admin``: what an operator does to accounts, on its database itself, beside a running site or not."""

import asyncio
import secrets
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import click

from upthread.account.model import Person, Session
from upthread.account.service import AccountService
from upthread.assembly import open_accounts
from upthread.errors import NotFound
from upthread.options import data_option, site_places

T = TypeVar("T")

name_argument = click.argument("name")


@click.group()
def admin() -> None:
    """Look after accounts: administrators, passwords, sessions.

    The site may be running meanwhile; what is changed holds from its next request on.
    """


@admin.command("make-admin")
@name_argument
@click.option("--no", "take_away", is_flag=True, help="Make NAME no administrator any more.")
@data_option
def make_admin(name: str, data: Path, *, take_away: bool) -> None:
    """Make NAME an administrator, who may moderate everywhere."""
    person = _with_accounts(data, lambda account: account.set_admin(name, is_admin=not take_away))
    click.echo(f"{_plain(person.name)} is {'no administrator any more' if take_away else 'an administrator now'}.")


@admin.command("reset-password")
@name_argument
@click.option("--stdin", is_flag=True, help="Read the password from the first line of standard input.")
@click.option("--generate", is_flag=True, help="Make a password up and print it.")
@data_option
def reset_password(name: str, data: Path, *, stdin: bool, generate: bool) -> None:
    """Set a new password for NAME and end all of their sessions.

    Asks for the password twice, unless told where it comes from. An imported person gets their first one this way.
    """
    if stdin and generate:
        raise click.UsageError("--stdin and --generate exclude each other.")

    async def reset(account: AccountService) -> tuple[Person, str]:
        person = await account.person(name)  # before anybody types a password for nobody
        password = _new_password(stdin=stdin, generate=generate)
        await account.reset_password(name, password)
        return person, password

    person, password = _with_accounts(data, reset)
    if generate:
        click.echo(password)
    click.echo(f"{_plain(person.name)} has a new password. All of their sessions have ended.", err=generate)


@admin.command("sessions")
@name_argument
@data_option
def sessions(name: str, data: Path) -> None:
    """List the open sessions of NAME, used last first. Times are UTC."""
    person, found = _with_accounts(data, lambda account: _sessions_of(account, name))
    if not found:
        click.echo(f"{_plain(person.name)} has no open sessions.")
        return
    rows = [("ID", "LAST USED", "OPENED", "ADDRESS", "BROWSER")]
    rows += [
        (str(each.id), _time(each.last_seen_at), _time(each.created_at), _plain(each.ip), _plain(each.user_agent))
        for each in found
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(map(str.ljust, row, widths)).rstrip())


@admin.command("end-sessions")
@name_argument
@click.option(
    "--session", "session_id", type=int, metavar="ID", help="End only this one (see upthread admin sessions)."
)
@data_option
def end_sessions(name: str, data: Path, session_id: int | None) -> None:
    """End all open sessions of NAME, who has to sign in again."""

    async def end(account: AccountService) -> tuple[Person, int]:
        person, found = await _sessions_of(account, name)
        if session_id is None:
            return person, await account.end_sessions(person.id)
        if session_id not in [each.id for each in found]:
            raise NotFound("{name} has no open session {id}.", name=_plain(person.name), id=session_id)
        await account.end_session(person.id, session_id)
        return person, 1

    person, ended = _with_accounts(data, end)
    click.echo(f"Ended {ended} {'session' if ended == 1 else 'sessions'} of {_plain(person.name)}.")


def _with_accounts(data: Path, work: Callable[[AccountService], Awaitable[T]]) -> T:
    async def run() -> T:
        async with open_accounts(site_places(data)["account"]) as account:
            return await work(account)

    return asyncio.run(run())


async def _sessions_of(account: AccountService, name: str) -> tuple[Person, list[Session]]:
    person = await account.person(name)
    return person, await account.sessions(person.id)


def _new_password(*, stdin: bool, generate: bool) -> str:
    if generate:
        return secrets.token_urlsafe(12)
    if stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return str(click.prompt("New password", hide_input=True, confirmation_prompt="The same again"))


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")


def _plain(text: str) -> str:
    # What a stranger's browser sent must not steer the operator's terminal.
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
