"""A real browser and real sites for it, each started once for all tests of this folder.

Everything shared is of package scope: Playwright's loop must have ended before asynchronous tests of other folders run.
"""

import ipaddress
import itertools
import os
import shutil
import signal
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pymongo
import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.furnishing import Furnished, furnish
from tests.browser.visitor import Site, Visitor
from tests.process.conftest import HANGING, Program, Start
from tests.process.fleet import SERVICES, Fleet
from upthread.ui.pages.posts import SHOWN_COMMENTS

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
"""What the browser may be called."""
LONG = SHOWN_COMMENTS + 30
"""Comments of a thread that does not fit on a page."""
FILLED = 180.0
"""Seconds within which a slow machine has written the demo to a MongoDB that is made for tests."""
ARTIFACTS = Path(__file__).parents[2] / "artifacts"

NewVisitor = Callable[..., Visitor]
Running = Callable[..., AbstractContextManager[Site]]

expect.set_options(timeout=HANGING * 1000)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell the figures that tests have measured."""
    for report in terminalreporter.getreports("passed"):
        for name, figure in report.user_properties:
            terminalreporter.write_line(f"{name} {figure}")


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The Chromium of this machine; where there is none, all tests here are skipped."""
    executable = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if executable is None:
        pytest.skip(f"There is no Chromium here ({', '.join(CHROMIUM)}), so nothing was tried in a browser.")
    # Chromium refuses to run as root with its sandbox, which is how containers run tests.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=executable, args=arguments) as chromium,
    ):
        yield chromium


@pytest.fixture(scope="package", params=["sqlite", "mongodb"])
def running(request: pytest.FixtureRequest) -> Running:
    """How a site is run: as one process on SQLite, and for the same tests once more, as four on MongoDB."""
    if request.param == "sqlite":
        return one_process
    return partial(four_processes, request.getfixturevalue("mongodb_url"))


@contextmanager
def one_process(folder: Path, *, demo: bool = False, **settings: str) -> Iterator[Site]:
    """A site in this folder."""
    with starting() as start:
        options = ["--demo"] if demo else []
        program = start("serve", "--data", folder, "--port", "0", *options, environment=environment_of(settings))
        yield Site(program.listening(), behind_proxy="trusted_proxies" in settings)


@contextmanager
def four_processes(url: str, folder: Path, *, demo: bool = False, **settings: str) -> Iterator[Site]:
    """A site on MongoDB, with databases of its own."""
    databases = {f"{name.upper()}_DATABASE": f"test_{uuid.uuid4().hex}_{name}" for name in SERVICES}
    places = {"DATABASE_URL": url, **databases}
    if demo:
        with starting() as start:
            filling = start("serve", "--data", folder, "--port", "0", "--demo", environment=dict(os.environ) | places)
            filling.listening(within=FILLED)
    with starting() as start:
        fleet = Fleet(start, folder, **{"UPTHREAD_GUESTS": "off"} | environment_of(settings) | places)
        fleet.begin(*SERVICES, "ui")
        fleet.whole()
        yield Site(fleet.url, behind_proxy="trusted_proxies" in settings)
    with pymongo.MongoClient[dict[str, object]](url) as client:
        for database in databases.values():
            client.drop_database(database)


@contextmanager
def starting() -> Iterator[Start]:
    """Starts processes, which have to end well and without errors, those last that were started first."""
    started: list[Program] = []

    def start(*arguments: str | Path, **options: Any) -> Program:
        started.append(Program([str(argument) for argument in arguments], **options))
        return started[-1]

    try:
        yield start
        for program in reversed(started):
            program.send(signal.SIGTERM)
            assert program.end() == 0
        assert not [
            record for program in started for record in program.records if record.get("level") in ("error", "critical")
        ]
    finally:
        for program in started:
            program.clean_up()


def environment_of(settings: dict[str, str]) -> dict[str, str]:
    """The environment with these settings in it."""
    return dict(os.environ) | {f"UPTHREAD_{name.upper()}": value for name, value in settings.items()}


@pytest.fixture(scope="package")
def site(running: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with the demo in it, behind a proxy, as one has it on the web."""
    with running(tmp_path_factory.mktemp("site"), demo=True, trusted_proxies="127.0.0.1") as site:
        yield site


@pytest.fixture(scope="package")
def guest_site(running: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An empty site where guests may do what people with an account may. It trusts no proxy."""
    with running(tmp_path_factory.mktemp("guests"), guests="all") as site:
        yield site


@pytest.fixture(scope="package")
def numbers() -> Iterator[int]:
    """Numbers that no two visitors share."""
    return itertools.count(1)


def address(number: int) -> str:
    """The address that a visitor comes from."""
    return str(ipaddress.ip_address("10.0.0.0") + number)


@contextmanager
def welcoming(browser: Browser, site: Site, numbers: Iterator[int]) -> Iterator[NewVisitor]:
    """Brings visitors, who come from different addresses; at the end nothing may have gone wrong for any of them."""
    visitors: list[Visitor] = []

    def bring(*, to: Site = site, **how: Any) -> Visitor:
        visitors.append(Visitor(browser, to, address(next(numbers)), **how))
        return visitors[-1]

    yield bring
    for one in visitors:
        one.leave()
    assert not [trouble for one in visitors for trouble in one.unforgiven()]


@pytest.fixture(scope="package")
def furnished(browser: Browser, site: Site, numbers: Iterator[int]) -> Furnished:
    """What is on the site besides the demo: one of everything."""
    with welcoming(browser, site, numbers) as bring:
        return furnish(bring().sign_up("arachne"), bring().sign_up("penelope"))


@pytest.fixture(scope="package")
def long_thread(browser: Browser, site: Site, numbers: Iterator[int]) -> str:
    """A post with more comments than a page shows, "Comment number 0." and so on; its path."""
    with welcoming(browser, site, numbers) as bring:
        writer = bring().sign_up("homer")
        writer.send("/communities/new", name="epics", title="Epics")
        post = writer.send("/new", community="epics", title="A long thread", text="Go on.")
        for count in range(LONG):
            writer.send(f"{post}/comment", body=f"Comment number {count}.")
        return post


@pytest.fixture
def visitor(browser: Browser, site: Site, numbers: Iterator[int]) -> Iterator[NewVisitor]:
    """Brings visitors for one test."""
    with welcoming(browser, site, numbers) as bring:
        yield bring


@pytest.fixture
def person(visitor: NewVisitor, numbers: Iterator[int]) -> NewVisitor:
    """Brings visitors who have just signed up."""

    def bring(**how: Any) -> Visitor:
        return visitor(**how).sign_up(f"reader{next(numbers)}")

    return bring
