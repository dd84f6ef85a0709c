"""How a process begins, ends and shares its work, seen from outside, with an application that does next to nothing."""

import os
import signal
import socket
import threading
from concurrent.futures import Future
from urllib.parse import urlsplit

import httpx
import pytest

from tests.process.conftest import HANGING, Start

TINY = "tests.process.tiny"
ONE_OR_TWO_WORKERS = pytest.mark.parametrize("workers", [1, 2])


def get_in_background(url: str) -> Future[httpx.Response]:
    """Begin a request that the test waits for later."""
    with_answer: Future[httpx.Response] = Future()

    def ask() -> None:
        try:
            with_answer.set_result(httpx.get(url, timeout=HANGING))
        except httpx.HTTPError as error:
            with_answer.set_exception(error)

    threading.Thread(target=ask, daemon=True).start()
    return with_answer


def connected(url: str) -> socket.socket:
    """A bare connection to a program."""
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname, parts.port), timeout=HANGING)


@ONE_OR_TWO_WORKERS
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_running_requests_get_their_answer(start: Start, workers: int, number: int) -> None:
    """A request that takes a second gets its answer though the process is asked to stop meanwhile."""
    program = start("--workers", str(workers), module=TINY)
    answer = get_in_background(program.listening() + "/wait?seconds=1")
    program.wait_for("waiting")
    program.send(number)
    assert answer.result().text == "waited"
    assert program.end() == 0
    assert program.events().count("application ended") == workers


@ONE_OR_TWO_WORKERS
def test_hanging_requests_are_cut(start: Start, workers: int) -> None:
    """A request that would take an hour is told that the site is stopping, and the process ends well."""
    program = start("--workers", str(workers), module=TINY)
    answer = get_in_background(program.listening() + "/wait?seconds=3600")
    program.wait_for("waiting")
    program.send(signal.SIGTERM)
    assert answer.result().status_code == 503
    assert program.end() == 0
    assert "application ended" in program.events()


def test_work_after_the_answer_is_done(start: Start) -> None:
    """What a request does after its answer is finished before the application ends."""
    program = start(module=TINY)
    assert httpx.get(program.listening() + "/afterwards").text == "answered"
    program.wait_for("working after the answer")
    program.send(signal.SIGTERM)
    assert program.end() == 0
    events = program.events()
    assert events.index("worked after the answer") < events.index("application ended")


def test_idle_connections_hold_up_nothing(start: Start) -> None:
    """A browser's open connection is closed as soon as the process is asked to stop."""
    program = start(module=TINY)
    with httpx.Client() as client:
        client.get(program.listening() + "/pid")
        program.send(signal.SIGTERM)
        assert program.end() == 0
    assert "connections were cut, as they took too long to end" not in program.events()


def test_slow_senders_hold_up_nothing(start: Start) -> None:
    """A client that never ends its request does not keep the process from ending well."""
    program = start(module=TINY)
    with connected(program.listening()) as connection:
        connection.sendall(b"GET /pid HTTP/1.1\r\nHost: here\r\n")
        program.send(signal.SIGTERM)
        assert program.end() == 0
    assert "application ended" in program.events()


def test_hanging_threads_hold_up_nothing(start: Start) -> None:
    """A thread that can't be stopped does not keep the process from ending well."""
    program = start(module=TINY)
    get_in_background(program.listening() + "/thread")
    program.wait_for("waiting")
    program.send(signal.SIGTERM)
    assert program.end() == 0
    assert "application ended" in program.events()


@pytest.mark.parametrize("workers", [1, 4])
def test_stops_while_starting(start: Start, workers: int) -> None:
    """A process that is still starting ends well when it is asked to, and so do the workers that it has so far."""
    program = start("--start", "never", "--workers", str(workers), module=TINY)
    program.wait_for("opening")
    program.send(signal.SIGTERM)
    assert program.end() == 0
    assert set(program.events()) <= {"opening", "stopping", "ended"}


@ONE_OR_TWO_WORKERS
def test_says_why_it_can_not_start(start: Start, workers: int) -> None:
    """An application that can't start ends its process with a message and a status that is not 0."""
    program = start("--start", "fails", "--workers", str(workers), module=TINY)
    assert program.end() == 1
    assert "There is no room here." in str(program.records)
    assert "Traceback" not in str(program.records)


@ONE_OR_TWO_WORKERS
def test_port_is_not_shared_with_strangers(start: Start, workers: int) -> None:
    """A second start on the same port is refused, whether the first has one worker or several."""
    first = start("--workers", str(workers), module=TINY)
    port = str(urlsplit(first.listening()).port)
    for more in ("1", "2"):
        second = start("--port", port, "--workers", more, module=TINY)
        assert second.end() == 1
        assert second.events() == [f"Port {port} on 127.0.0.1 is taken by another program; choose another with --port."]


def test_dead_workers_are_replaced(start: Start) -> None:
    """When a worker is killed another takes its place, and the site goes on."""
    program = start("--workers", "2", module=TINY)
    url = program.listening() + "/pid"
    killed = int(httpx.get(url).text)
    os.kill(killed, signal.SIGKILL)
    assert program.wait_for("a worker died and is replaced")["pid"] == killed
    # Each connection goes to either worker; both have to be there for all to be answered.
    assert str(killed) not in {httpx.get(url, timeout=HANGING).text for _ in range(20)}
    program.send(signal.SIGTERM)
    assert program.end() == 0


def test_workers_end_with_their_supervisor(start: Start) -> None:
    """When the process that watches over the workers is killed, they end in good order instead of staying behind."""
    program = start("--workers", "2", module=TINY)
    program.listening()
    os.kill(program.pid, signal.SIGKILL)
    program.all_ended()
    assert program.events().count("application ended") == 2


def test_requests_are_spread(start: Start) -> None:
    """Connections opened one after the other are shared among the workers."""
    program = start("--workers", "2", module=TINY)
    url = program.listening() + "/pid"
    assert len({httpx.get(url).text for _ in range(40)}) == 2  # all to one of two: less than once in 10^11 times


def test_metrics_are_summed_over_workers(start: Start) -> None:
    """Whichever worker is asked for the metrics tells what all have done."""
    program = start("--workers", "2", module=TINY)
    url = program.listening()
    for _ in range(40):
        httpx.get(url + "/pid")
        program.wait_for("request")  # it is counted just before it is logged, which is after its answer
    counted = 'ui_request_count{http_status="200",method="GET",path="/pid"} 40.0'
    assert counted in httpx.get(url + "/metrics").text


def test_crashes_are_logged_with_their_request(start: Start) -> None:
    """A bug answers 500, and the log has its traceback and the id that the client was told."""
    program = start(module=TINY)
    answer = httpx.get(program.listening() + "/crash/7?token=secret", headers={"Request-Id": "from-outside"})
    assert answer.status_code == 500
    assert answer.headers["request-id"] == "from-outside"
    crash = program.wait_for("request failed")
    assert crash["request_id"] == "from-outside"
    assert "RuntimeError: a bug" in crash["exception"]
    request = program.wait_for("request")
    assert (request["path"], request["status"]) == ("/crash/7", 500)
    assert "secret" not in str(program.records)
