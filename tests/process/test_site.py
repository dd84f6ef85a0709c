"""``upthread serve`` as an operator sees it: how it begins, what it refuses, and that its workers are one site."""

import html
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import apsw
import httpx
import pytest

from tests.process.conftest import HANGING, Program, Start
from upthread.assembly import LAYOUTS, open_services
from upthread.databases import file_in
from upthread.storage.sqlite import Layout

LAST: Layout = LAYOUTS[-1]
"""The room whose file is opened last: what is wrong with it is found after the others were looked at."""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder that is not there yet."""
    return tmp_path / "data"


@pytest.fixture
def serve(start: Start, data: Path) -> Callable[..., Program]:
    """Starts a site in the data folder on any free port; settings by their names without ``UPTHREAD_``."""

    def serve_one(*options: str, **settings: str) -> Program:
        environment = {f"UPTHREAD_{name.upper()}": value for name, value in settings.items()}
        return start("serve", "--data", data, "--port", "0", *options, environment=os.environ | environment)

    return serve_one


Serve = Callable[..., Program]


def contents(folder: Path) -> dict[str, bytes | None]:
    """All that is in a folder."""
    found = folder.rglob("*") if folder.is_dir() else ()
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in found}


def visitor(url: str) -> httpx.Client:
    """Somebody with a browser."""
    return httpx.Client(base_url=url, headers={"sec-fetch-site": "same-origin"}, timeout=HANGING)


def test_first_start(serve: Serve, data: Path) -> None:
    """On the first start the folder is made, the site answers, and the operator is told what they need to know."""
    program = serve()
    told = program.wait_for("listening")
    assert told["data"] == str(data)
    assert told["to_make_an_administrator"] == f"upthread admin make-admin NAME --data {data}"
    with visitor(told["url"]) as client:
        front = client.get("/")
        health = client.get("/healthcheck").json()
    assert front.status_code == 200
    assert "Upthread" in front.text
    assert health["dependent_services"] == {"post": 1, "comment": 1, "account": 1}
    program.send(signal.SIGTERM)
    assert program.end() == 0
    assert (data / "secret").stat().st_mode & 0o077 == 0


def test_first_start_on_a_terminal(data: Path) -> None:
    """On a terminal the same is told in lines for people, and Ctrl-C ends the site well."""
    ours, its = pty.openpty()
    command = [sys.executable, "-m", "upthread", "serve", "--data", str(data), "--port", "0"]
    with subprocess.Popen(command, stdin=its, stdout=its, stderr=its, start_new_session=True) as process:  # noqa: S603 - ours
        os.close(its)
        told = ""
        while "Ctrl-C" not in told:
            assert select.select([ours], [], [], HANGING)[0], told
            told += os.read(ours, 10_000).decode()
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(HANGING) == 0
    os.close(ours)
    assert re.search(r"Upthread \S+ is at .*http://127\.0\.0\.1:\d+", told)
    assert f"Data are in           {data}" in told
    assert f"upthread admin make-admin NAME --data {data}" in told


def test_demo(serve: Serve) -> None:
    """With --demo a new site has posts to read from the first moment, and the next start leaves them as they are."""
    shown = []
    for _ in range(2):
        program = serve("--demo")
        with visitor(program.listening()) as client:
            shown.append(re.findall(r'href="(/post/\d+)"', html.unescape(client.get("/?sort=new").text)))
        program.send(signal.SIGTERM)
        assert program.end() == 0
    assert len(shown[0]) >= 25
    assert shown[0] == shown[1]


def test_next_start_goes_on(serve: Serve) -> None:
    """After a restart everybody is still signed in, and what they wrote is there."""
    first = serve()
    with visitor(first.listening()) as client:
        client.post("/signup", data={"name": "ann", "password": "correct horse battery"})
        client.post("/communities/new", data={"name": "birds", "title": "Birds"})
        cookies = client.cookies
    first.send(signal.SIGTERM)
    assert first.end() == 0
    second = serve()
    with visitor(second.listening()) as client:
        client.cookies = cookies
        assert client.get("/settings").status_code == 200
        assert "Birds" in client.get("/c/birds").text


def no_database(data: Path) -> Path:
    """A text in place of a database."""
    file = file_in(data, LAST.name)
    file.write_text("These are my notes, and no database at all. " * 40)
    return file


def newer_database(data: Path) -> Path:
    """A database of ours, but of the year after next."""
    file = file_in(data, LAST.name)
    with closing(apsw.Connection(str(file))) as connection:
        connection.execute(f"PRAGMA application_id = {LAST.application_id}")
        connection.execute("PRAGMA user_version = 999")
        connection.execute("CREATE TABLE of_tomorrow (id INTEGER)")
    return file


def strange_database(data: Path) -> Path:
    """A database of some other program."""
    file = file_in(data, LAST.name)
    with closing(apsw.Connection(str(file))) as connection:
        connection.execute("CREATE TABLE recipes (id INTEGER)")
    return file


def folder_for_database(data: Path) -> Path:
    """A folder in place of a database."""
    file = file_in(data, LAST.name)
    file.mkdir()
    return file


@pytest.mark.parametrize("spoil", [no_database, newer_database, strange_database, folder_for_database])
def test_refuses_databases_that_are_not_its_own(serve: Serve, data: Path, spoil: Callable[[Path], Path]) -> None:
    """A file that can't be used is named in one line, and nothing in the folder is changed."""
    data.mkdir()
    file = spoil(data)
    before = contents(data)
    program = serve()
    assert program.end() == 1
    [line] = program.events()
    assert line.startswith(f"upthread: {file} ")
    assert contents(data) == before


@pytest.mark.parametrize("where", ["file", "file/data", "/proc/self/fd"])
def test_refuses_folders_that_can_not_be_written(start: Start, tmp_path: Path, where: str) -> None:
    """A data folder that is a file, is in one, or can't be written to is named in one line."""
    (tmp_path / "file").write_text("text")
    program = start("serve", "--data", tmp_path / where, "--port", "0")
    assert program.end() == 1
    [line] = program.events()
    assert line.startswith("upthread: ")
    assert str(tmp_path / where).rpartition("/self")[0] in line
    assert contents(tmp_path) == {"file": b"text"}


def test_refuses_a_port_that_is_taken(start: Start, data: Path) -> None:
    """A port that is taken is named in one line, and nothing is made."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        program = start("serve", "--data", data, "--port", str(port), "--demo")
        assert program.end() == 1
    assert program.events() == [
        f"upthread: Port {port} on 127.0.0.1 is taken by another program; choose another with --port."
    ]
    assert not data.exists()


@pytest.mark.parametrize("host", ["203.0.113.7", "nowhere.invalid"])
def test_refuses_an_address_that_is_not_here(serve: Serve, data: Path, host: str) -> None:
    """An address that this machine does not have is named in one line, and nothing is made."""
    program = serve("--host", host)
    assert program.end() == 1
    [line] = program.events()
    assert host in line
    assert not data.exists()


def test_refuses_a_setting_that_can_not_be(serve: Serve, data: Path) -> None:
    """A setting with an impossible value is named in one line, and nothing is made."""
    program = serve(guests="perhaps")
    assert program.end() == 1
    [line] = program.events()
    assert "UPTHREAD_GUESTS" in line
    assert not data.exists()


async def votes(data: Path) -> tuple[int, int]:
    """Ups and downs of the first post."""
    async with open_services(data) as services:
        post = await services.post.post(1)
        return post.ups, post.downs


def post_by_ann(url: str) -> str:
    """Have Ann sign up, found a community and post there; the post's address."""
    with visitor(url) as ann:
        ann.post("/signup", data={"name": "ann", "password": "correct horse battery"})
        ann.post("/communities/new", data={"name": "birds", "title": "Birds"})
        posted = ann.post("/new", data={"community": "birds", "title": "A wren", "text": "Seen today."})
    assert posted.status_code == 303, posted.text
    return posted.headers["location"]


def vote(url: str, direction: int) -> bool:
    """Vote as a guest who was never here before; whether the site took it."""
    try:
        with visitor(url) as guest:
            return guest.post(f"/post/1/vote/{direction}").status_code == 303
    except httpx.TransportError:
        return False


@pytest.mark.anyio
async def test_workers_are_one_site(serve: Serve, data: Path) -> None:
    """With several workers, whoever takes a vote, all count."""
    program = serve("--workers", "2", guests="all")
    url = program.listening()
    assert post_by_ann(url) == "/post/1"
    with ThreadPoolExecutor(8) as voters:
        assert all(voters.map(lambda number: vote(url, -1 if number % 4 == 0 else 1), range(40)))
    program.send(signal.SIGTERM)
    assert program.end() == 0
    assert await votes(data) == (30, 10)


@pytest.mark.anyio
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_nothing_acknowledged_is_lost(serve: Serve, data: Path, number: int) -> None:
    """What somebody was told has been taken is there after the site was stopped, or killed, in the midst of it."""
    program = serve(guests="all")
    url = program.listening()
    post_by_ann(url)
    enough = threading.Event()
    taken: list[int] = []

    def keep_voting(_: int) -> None:
        while vote(url, 1):
            taken.append(1)
            if len(taken) == 40:
                enough.set()

    with ThreadPoolExecutor(8) as voters:
        voting = voters.map(keep_voting, range(8))
        assert enough.wait(HANGING)
        program.send(number)
        list(voting)
    assert program.end() == (0 if number == signal.SIGTERM else -number)
    ups, _ = await votes(data)
    assert len(taken) <= ups <= len(taken) + 8  # a vote may be taken and its answer not arrive
