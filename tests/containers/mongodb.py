"""What stands in for MongoDB's own image in these tests: SecantusDB, with the users that deploy/mongodb/users.js makes.

Runs in the container, by the image's own Python, as ``mongodb.py`` to serve or ``mongodb.py health`` to be looked at.
"""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pymongo

SERVER = ("/opt/secantus/bin/secantusd-py", "--port", "27017", "--storage-path", "/data/db", "--sync-on-commit")
MARK = Path("/data/db/users-are-made")
URLS = [
    urlsplit(Path(f"/run/secrets/{service}_database_url").read_text().strip())
    for service in ("post", "comment", "account")
]


def make_users() -> None:
    """Make each service's user, which this server takes only while it asks nobody for a password."""
    with (
        subprocess.Popen([*SERVER, "--host", "127.0.0.1"]) as server,  # noqa: S603
        pymongo.MongoClient[dict[str, object]]("mongodb://127.0.0.1/?directConnection=true") as client,
    ):
        for url in URLS:
            name = url.path.strip("/")
            roles = [{"role": "readWrite", "db": name}]
            client[name].command("createUser", url.username, pwd=url.password, roles=roles)
        server.terminate()
    MARK.touch()


if sys.argv[1:] == ["health"]:
    with pymongo.MongoClient[dict[str, object]](
        URLS[0]._replace(netloc=URLS[0].netloc.rpartition("@")[0] + "@127.0.0.1").geturl(),
        serverSelectionTimeoutMS=2000,
    ) as client:
        client.get_default_database().command("ping")
else:
    if not MARK.exists():
        make_users()
    os.execv(SERVER[0], [*SERVER, "--host", "0.0.0.0", "--auth"])  # noqa: S104, S606 - it is alone in its container
