"""When a service counts as down, and when it is tried again."""

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from upthread.runtime.calls.circuit import FAILURES, PAUSE, Circuit


class Still:
    """A clock in seconds that stands still."""

    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        """The time it was set to."""
        return self.time


@pytest.fixture
def now() -> Still:
    """A clock that stands still."""
    return Still()


@pytest.fixture
def circuit(now: Still) -> Circuit:
    """A circuit to a service that has not been called yet."""
    return Circuit("toy", now)


def fail(circuit: Circuit, times: int) -> None:
    """Let so many calls that are admitted fail."""
    for _ in range(times):
        assert circuit.admits()
        circuit.failed()


def gauge() -> float | None:
    """What operators see."""
    return REGISTRY.get_sample_value("upthread_circuit_open", {"service": "toy"})


def test_opens_after_failures_in_a_row(circuit: Circuit) -> None:
    """A service that fails several times in a row is not called any more."""
    fail(circuit, FAILURES - 1)
    assert circuit.admits()
    assert gauge() == 0
    circuit.failed()
    assert not circuit.admits()
    assert gauge() == 1


def test_success_starts_the_count_again(circuit: Circuit) -> None:
    """Failures with successes in between never keep anyone from calling."""
    for _ in range(3):
        fail(circuit, FAILURES - 1)
        circuit.succeeded()
    assert circuit.admits()


def test_one_call_in_each_pause_tries(circuit: Circuit, now: Still) -> None:
    """A service that is down is tried by one call after each pause, and by no other."""
    fail(circuit, FAILURES)
    for _ in range(3):
        assert not circuit.admits()
        now.time += PAUSE
        assert circuit.admits()
        assert not circuit.admits()
        circuit.failed()


def test_closes_when_the_service_answers(circuit: Circuit, now: Still) -> None:
    """One answer, and everybody calls again."""
    fail(circuit, FAILURES)
    now.time += PAUSE
    assert circuit.admits()
    circuit.succeeded()
    assert circuit.admits()
    assert circuit.admits()
    assert gauge() == 0


def test_who_gives_up_blocks_nobody(circuit: Circuit, now: Still) -> None:
    """When the call that tries is cancelled, another one tries after the next pause."""
    fail(circuit, FAILURES)
    now.time += PAUSE
    assert circuit.admits()
    now.time += PAUSE
    assert circuit.admits()


def test_late_failures_change_nothing(circuit: Circuit, now: Still) -> None:
    """Calls that began before the circuit opened and fail after it don't put off the next try."""
    fail(circuit, FAILURES)
    now.time += PAUSE / 2
    circuit.failed()
    now.time += PAUSE / 2
    assert circuit.admits()


def test_says_so_once(circuit: Circuit) -> None:
    """The log has one line when a service goes down and one when it is back."""
    with capture_logs() as logs:
        fail(circuit, FAILURES)
        circuit.failed()
        circuit.succeeded()
        circuit.succeeded()
    assert [entry["event"] for entry in logs] == ["a service is down", "a service answers again"]
