"""The whole site in containers: what its visitors see, who reaches whom, and what it survives."""

import itertools
import json
import re
import threading
from collections.abc import Callable, Iterator

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import browser  # noqa: F401 - a fixture
from tests.browser.visitor import Site, Visitor
from tests.containers.engine import docker, inspect, is_healthy
from tests.containers.stack import PATIENCE, SERVICES, Stack, running
from tests.process.fleet import eventually

PORTS = {"ui": 9292, "post": 5000, "comment": 9292, "account": 9293, "mongodb": 27017}
NETWORKS = {
    "ui": {"front_net"},
    "post": {"front_net", "back_net"},
    "comment": {"front_net", "back_net"},
    "account": {"front_net", "back_net"},
    "mongodb": {"back_net"},
}
DATABASE_ALIASES = ("post_db", "comment_db", "account_db")
PROBE = """
import json, socket, sys
reached = []
for host, port in json.load(sys.stdin):
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        continue
    reached.append([host, port])
print(json.dumps(reached))
"""
WRITERS = 3
MOST_COMMENTS = 190
"""Comments that a page shows at once, and some to spare."""
AFTERWARDS = 10
"""Writes of each writer that must be answered after the database was killed."""

Target = tuple[str, int]


@pytest.fixture(scope="module")
def stack(images: dict[str, str]) -> Iterator[Stack]:  # noqa: ARG001 - have to be there
    """The site, for all tests here."""
    with running() as stack:
        yield stack


@pytest.fixture(scope="module")
def ann(stack: Stack) -> Iterator[str]:
    """The path of what Ann, who has signed up and founded a community, has posted there."""
    with stack.visitor() as ann:
        for path, form in (
            ("/signup", {"name": "ann", "password": "correct horse battery"}),
            ("/communities/new", {"name": "birds", "title": "Birds"}),
        ):
            assert ann.post(path, data=form).status_code == 303
        yield str(ann.post("/new", data={"community": "birds", "title": "A wren", "text": "."}).headers["location"])


def test_one_command_brings_all(stack: Stack) -> None:
    """One command starts all containers, waits until they are healthy, and the site is at the published port."""
    assert all(is_healthy(stack.container(service)) for service in SERVICES)
    assert httpx.get(stack.url).status_code == 200
    assert httpx.get(f"{stack.url}/healthcheck").json()["status"] == 1


def test_a_visitor_uses_the_site(stack: Stack, browser: Browser) -> None:  # noqa: F811 - the fixture
    """With a browser one signs up, founds a community, posts and talks, through the published port."""
    reader = Visitor(browser, Site(stack.url, behind_proxy=False), "").sign_up("eve")
    reader.send("/communities/new", name="boats", title="Boats")
    post = reader.send("/new", community="boats", title="A sloop", text="Seen today.")
    page = reader.open(post)
    page.locator("main [name=body]:visible").first.fill("Lovely little boat.")
    reader.press("Comment")
    expect(page.locator(".comment").get_by_text("Lovely little boat.")).to_be_visible()
    reader.leave()
    assert reader.unforgiven() == []
    eventually(lambda: "<b>1</b>" in httpx.get(f"{stack.url}/c/boats").text, within=PATIENCE)


def test_containers_may_do_little(stack: Stack) -> None:
    """Every container has a read-only root, no capability, no way to more, and limits of memory, time and processes."""
    for service in SERVICES:
        host = inspect(stack.container(service))["HostConfig"]
        assert (host["ReadonlyRootfs"], host["CapDrop"], host["SecurityOpt"]) == (
            True,
            ["ALL"],
            ["no-new-privileges:true"],
        )
        assert min(host["Memory"], host["NanoCpus"], host["PidsLimit"]) > 0


def addresses(stack: Stack, service: str) -> dict[str, str]:
    """A container's address on each of its networks, by the network's name in the compose file."""
    networks = inspect(stack.container(service))["NetworkSettings"]["Networks"]
    return {name.removeprefix(f"{stack.project}_"): network["IPAddress"] for name, network in networks.items()}


def reached_from(network: str, image: str, targets: list[Target]) -> set[Target]:
    """Which of these somebody on this network reaches."""
    how = ("--rm", "--interactive", f"--network={network}", "--entrypoint=python")
    return {
        (host, port) for host, port in json.loads(docker("run", *how, image, "-c", PROBE, text=json.dumps(targets)))
    }


def everything(stack: Stack) -> dict[Target, set[str]]:
    """Every name and address that anything in the stack has, and the networks on which it is one."""
    known: dict[Target, set[str]] = {}
    for service in SERVICES:
        names = (service, *DATABASE_ALIASES) if service == "mongodb" else (service,)
        for network, address in addresses(stack, service).items():
            for host in (address, *names):
                known.setdefault((host, PORTS[service]), set()).add(network)
    return known


def test_who_reaches_whom(stack: Stack, images: dict[str, str]) -> None:
    """Each container reaches those it shares a network with, by name and by address there, and nobody else."""
    known = everything(stack)
    for service in SERVICES:
        assert set(addresses(stack, service)) == NETWORKS[service]
        shared = {target for target, networks in known.items() if networks & NETWORKS[service]}
        reached = reached_from(f"container:{stack.container(service)}", images["ui"], list(known))
        assert (service, reached) == (service, shared)


def test_nobody_outside_reaches_a_service(stack: Stack, images: dict[str, str]) -> None:
    """A container of somebody else reaches nothing of the stack, and only the website's port is published."""
    assert reached_from("bridge", images["ui"], list(everything(stack))) == set()
    published = {service: docker("port", stack.container(service)) for service in SERVICES}
    assert [service for service, ports in published.items() if ports] == ["ui"]


def test_the_database_lets_nobody_in_without_a_password(stack: Stack) -> None:
    """Who reaches the database and has no password reads nothing there."""
    script = "import pymongo; pymongo.MongoClient('post_db', directConnection=True).posts.posts.find_one()"
    asked = f"try:\n    {script}\nexcept pymongo.errors.OperationFailure as error:\n    print(error.code)"
    assert docker("exec", stack.container("post"), "python", "-c", f"import pymongo\n{asked}") == "13"


@pytest.mark.parametrize("service", ["post", "comment", "account", "ui"])
def test_a_killed_service_comes_back(stack: Stack, ann: str, service: str) -> None:
    """When a service is killed the others go on, it is started again, and the site is whole without any help."""
    others = [other for other in SERVICES if other != service]
    before = {other: inspect(stack.container(other))["State"]["StartedAt"] for other in others}
    stack.kill(service)
    stack.whole()
    assert {other: inspect(stack.container(other))["State"]["StartedAt"] for other in others} == before
    assert "A wren" in httpx.get(f"{stack.url}{ann}").text


class Writer(threading.Thread):
    """A guest who posts, and comments there until told to stop; notes what was answered."""

    def __init__(self, stack: Stack, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._visitor = stack.visitor()
        self._guest = {"name": name, "email": f"{name}@example.org"}
        form = {"community": "birds", "title": f"Seen by {name}", "text": ".", **self._guest}
        self.post = str(self._visitor.post("/new", data=form).headers["location"])
        self.answered: list[str] = []
        self._stopped = threading.Event()

    def run(self) -> None:
        """Go on until the end; what is refused while the database is away is not repeated."""
        for number in itertools.count():
            if self._stopped.is_set() or len(self.answered) == MOST_COMMENTS:
                return
            body = f"{self.name} says {number}."
            answer = self._visitor.post(f"{self.post}/comment", data={"body": body, **self._guest})
            if answer.status_code == 303:
                self.answered.append(body)

    def stop(self) -> None:
        """Let them finish what they are at."""
        self._stopped.set()
        self.join(PATIENCE)
        assert not self.is_alive()
        self._visitor.close()


def test_a_killed_database_loses_nothing(stack: Stack, ann: str) -> None:  # noqa: ARG001 - founds the community
    """A database killed while people write comes back, and every comment that was answered is there, and once."""
    writers = [Writer(stack, f"guest{number}") for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        eventually(lambda writer=writer: len(writer.answered) >= AFTERWARDS, within=PATIENCE)  # type: ignore[misc]
    stack.kill("mongodb")
    before = {writer: len(writer.answered) for writer in writers}
    for writer in writers:
        enough = min(before[writer] + AFTERWARDS, MOST_COMMENTS)
        eventually(lambda writer=writer, enough=enough: len(writer.answered) >= enough, within=PATIENCE)  # type: ignore[misc]
    for writer in writers:
        writer.stop()
    stack.whole()
    for writer in writers:
        shown = re.findall(rf"{writer.name} says \d+\.", httpx.get(f"{stack.url}{writer.post}").text)
        assert len(shown) == len(set(shown))
        assert set(writer.answered) <= set(shown)


def restart_everything(stack: Stack) -> None:
    """As after an update of the engine."""
    docker("restart", *(stack.container(service) for service in SERVICES))


def replace_the_database(stack: Stack) -> None:
    """A new container of the database, on the same volume."""
    stack.compose("rm", "--stop", "--force", "mongodb")
    stack.up()


def begin_anew(stack: Stack) -> None:
    """All containers and networks are new, only the volume is the old one."""
    stack.compose("down", "--timeout=5")
    stack.up()


@pytest.mark.parametrize("change", [restart_everything, replace_the_database, begin_anew])
def test_data_stay(stack: Stack, ann: str, change: Callable[[Stack], None]) -> None:
    """What people wrote, and who they are, outlasts a restart of everything, a new database, and new containers."""
    change(stack)
    stack.whole()
    with stack.visitor() as visitor:
        assert "A wren" in visitor.get(ann).text
        logged_in = visitor.post("/login", data={"name": "ann", "password": "correct horse battery"})
        assert logged_in.status_code == 303
