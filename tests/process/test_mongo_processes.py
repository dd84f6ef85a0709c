"""Services that keep their data on MongoDB, as processes: where they are told to, and whether or not it is there."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pymongo
import pytest

from tests.mongo_server import MongoServer, free_port
from tests.process.conftest import HANGING, Start
from tests.process.fleet import Fleet, eventually, sign_up

MISSING = "Can&#x27;t tell who you are, some problems with the account service"


def upthread(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command that ends by itself."""
    command = [sys.executable, "-m", "upthread", *arguments]
    return subprocess.run(command, env={**os.environ, **settings}, capture_output=True, text=True, check=False)  # noqa: S603 - ours


def test_mongodb_may_come_later_and_go(start: Start, tmp_path: Path) -> None:
    """A service starts before its MongoDB, says what it waits for, and is whole each time MongoDB has come."""
    server = MongoServer(tmp_path / "mongodb", "--sync-on-commit")
    settings = {"ACCOUNT_DATABASE_HOST": "127.0.0.1", "ACCOUNT_DATABASE_PORT": str(server.port)}
    fleet = Fleet(start, tmp_path / "data", **settings)
    fleet.begin("ui", "post", "comment", "account")
    with fleet.visitor() as ann:
        assert httpx.get(f"{fleet.where('account')}/livez").status_code == 200
        assert httpx.get(f"{fleet.where('account')}/readyz").text == "not answering: accountdb\n"
        assert ann.post("/signup", data={"name": "ann", "password": "correct horse battery"}).status_code == 503
        with server:
            eventually(lambda: ann.get("/readyz").status_code == 200)  # with all indexes made
            sign_up(ann, "ann")
            server.kill()
            eventually(lambda: MISSING in ann.get("/").text)
            server.start()
            eventually(lambda: ann.get("/settings").status_code == 200)
            with pymongo.MongoClient[dict[str, object]](server.url) as client:
                assert client["accounts"]["person"].count_documents({"name": "ann"}) == 1
    assert not (tmp_path / "data" / "account.sqlite3").exists()
    assert "MongoDB is waited for" in fleet.processes["account"].events()


def test_an_operator_reaches_the_same_accounts(
    start: Start, tmp_path: Path, mongodb_url: str, mongodb_prefix: str
) -> None:
    """The operator's commands follow the same settings as the service, given as files too."""
    secret = tmp_path / "url"
    secret.write_text(mongodb_url.replace("/?", f"/{mongodb_prefix}people?"), encoding="utf-8")
    settings = {"ACCOUNT_DATABASE_URL_FILE": str(secret)}
    fleet = Fleet(start, tmp_path / "data", **settings)
    fleet.begin("ui", "post", "comment", "account")
    fleet.whole()
    with fleet.visitor() as ann:
        sign_up(ann, "ann")
    done = upthread("admin", "make-admin", "ann", **settings)
    assert (done.returncode, done.stdout) == (0, "ann is an administrator now.\n")


def test_the_whole_site_in_one_process(start: Start, tmp_path: Path) -> None:
    """One setting puts the whole site on MongoDB, and nothing but the secret into the data folder."""
    data = tmp_path / "data"
    with MongoServer(tmp_path / "mongodb") as server:
        environment = {**os.environ, "DATABASE_URL": f"127.0.0.1:{server.port}"}
        site = start("serve", "--data", data, "--port", "0", environment=environment)
        told = site.wait_for("listening")
        with httpx.Client(base_url=told["url"], headers={"sec-fetch-site": "same-origin"}, timeout=HANGING) as ann:
            sign_up(ann, "ann")
            assert ann.post("/communities/new", data={"name": "birds", "title": "Birds"}).status_code == 303
            assert ann.post("/new", data={"community": "birds", "title": "A wren"}).headers["location"] == "/post/1"
            assert ann.post("/post/1/comment", data={"body": "Lovely."}).status_code == 303
            assert "Lovely." in ann.get("/post/1").text
        assert told["data"].startswith(f"the MongoDB database posts on 127.0.0.1:{server.port}, ")
        site.send(signal.SIGTERM)
        assert site.end() == 0
    assert [file.name for file in data.iterdir()] == ["secret"]


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        (
            {"ACCOUNT_DATABASE_URL": "mongodb://ann:p@ss@127.0.0.1"},
            (
                "ACCOUNT_DATABASE_URL: The address of MongoDB for the account service is not right: it can't be read; "
                "a name and password in it have to be percent-encoded."
            ),
        ),
        (
            {"ACCOUNT_DATABASE_HOST": "db", "ACCOUNT_DATABASE_URL": "mongodb://db"},
            "ACCOUNT_DATABASE_HOST and ACCOUNT_DATABASE_URL are both set; set one of them.",
        ),
    ],
)
def test_a_wrong_address_is_one_line(settings: dict[str, str], line: str) -> None:
    """A service that is told no place, or two, does not start, and says in one line which setting is wrong."""
    refused = upthread("account", "--port", str(free_port()), **settings)
    assert (refused.returncode, refused.stderr) == (1, f"upthread: {line}\n")


def test_a_database_belongs_to_one_service(mongodb_url: str, mongodb_prefix: str) -> None:
    """Two services can't be told the same database by mistake."""
    with pymongo.MongoClient[dict[str, object]](mongodb_url) as client:
        client[f"{mongodb_prefix}x"]["migrations"].insert_one({"_id": 1, "service": "post"})
    url = mongodb_url.replace("/?", f"/{mongodb_prefix}x?")
    refused = upthread("admin", "sessions", "ann", ACCOUNT_DATABASE_URL=url)
    assert refused.returncode == 1
    assert "is that of the post service; each service has its own." in refused.stderr


def test_a_site_on_files_loads_no_driver() -> None:
    """Whoever keeps everything in SQLite files does not wait for MongoDB's driver to be loaded."""
    program = "import sys, upthread.site, upthread.fleet; sys.exit('pymongo' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0  # noqa: S603 - ours
