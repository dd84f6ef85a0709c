"""The rule of how often something may be tried."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upthread.account.limits import Limit, Try, network_of, recent, wait

LIMIT = Limit("test", 3, 60)
arrivals = st.lists(st.integers(0, 400), max_size=60).map(sorted)


def admitted(times: list[int]) -> list[int]:
    """Those of the tries at these times that the rule lets through."""
    through: list[int] = []
    for now in times:
        if not wait(through, LIMIT, now):
            through.append(now)
    return through


@given(arrivals)
def test_no_window_holds_more_than_the_limit(times: list[int]) -> None:
    """However the tries are spread, no stretch of the limit's length lets more of them through than it says."""
    through = admitted(times)
    assert all(len([time for time in through if start <= time < start + 60]) <= 3 for start in through)


@given(arrivals, st.integers(0, 400))
def test_the_wait_is_exact(times: list[int], now: int) -> None:
    """A try after the seconds one is told to wait goes through, and one a second earlier does not."""
    through = [time for time in admitted(times) if time <= now]
    seconds = wait(through, LIMIT, now)
    assert wait(through, LIMIT, now + seconds) == 0
    if seconds:
        assert wait(through, LIMIT, now + seconds - 1) == 1


@given(arrivals, st.integers(0, 400))
def test_what_is_kept_decides_alike(times: list[int], now: int) -> None:
    """Forgetting the tries that no longer count changes no answer, and at most the limit's number is kept."""
    through = [time for time in admitted(times) if time <= now]
    kept = recent(through, LIMIT, now)
    assert len(kept) <= LIMIT.tries
    assert wait(kept, LIMIT, now) == wait(through, LIMIT, now)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::9", True),
        ("2001:db8:1:2::9", "2001:db8:1:3::9", False),
        ("unix", "unix", True),
        ("", "unix", False),
    ],
)
def test_what_counts_as_one_address(one: str, other: str, *, same: bool) -> None:
    """IPv4 addresses count one by one, in either notation, and IPv6 addresses by the network a customer gets."""
    assert (network_of(one) == network_of(other)) is same


def test_counts_are_kept_apart() -> None:
    """The same text counts apart for each kind of limit, and is not kept as it was typed."""
    tries = {Try(Limit(kind, 1, 1), key).digest for kind in ("a", "b") for key in ("hunter2", "c")}
    assert len(tries) == 4
    assert not any(b"hunter2" in digest for digest in tries)
