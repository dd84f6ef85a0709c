"""Passwords: which will do, and how they are hashed."""

import asyncio
import threading
from types import SimpleNamespace

import argon2
import pytest

from upthread.account import passwords
from upthread.account.passwords import Passwords, check_password
from upthread.errors import Invalid, RateLimited

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("password", ["a" * 8, "пароль-из-букв", "a" * 200, "🐘" * 200, "        "])
def test_passwords_that_will_do(password: str) -> None:
    """Any 8 to 200 characters make a password, whatever the script."""
    check_password(password, "ann")


@pytest.mark.parametrize("password", ["", "a" * 7, "a" * 201, "Ann-of-Green", "ANN-OF-GREEN"])
def test_passwords_that_will_not_do(password: str) -> None:
    """A password that is too short, too long, or the name itself is refused at its field."""
    with pytest.raises(Invalid) as refused:
        check_password(password, "ann-of-green", field="new")
    assert refused.value.field == "new"


async def test_a_hash_matches_its_password_only(cheap_passwords: Passwords) -> None:
    """The right password matches, another does not, and the hash is not the password."""
    kept = await cheap_passwords.hash("correct horse")
    assert "correct" not in kept
    assert await cheap_passwords.verify("correct horse", kept)
    assert not await cheap_passwords.verify("battery staple", kept)


async def test_the_same_password_is_never_hashed_alike(cheap_passwords: Passwords) -> None:
    """Two people with the same password have different hashes."""
    assert await cheap_passwords.hash("correct horse") != await cheap_passwords.hash("correct horse")


async def test_accents_match_however_they_are_typed(cheap_passwords: Passwords) -> None:
    """A letter with an accent matches whether the keyboard sends it as one character or as two."""
    assert await cheap_passwords.verify("cafe\u0301 au lait", await cheap_passwords.hash("caf\u00e9 au lait"))


@pytest.mark.parametrize("kept", [None, "", "not a hash"])
async def test_nothing_matches_without_a_hash(cheap_passwords: Passwords, kept: str | None) -> None:
    """Where there is no usable hash, no password is right."""
    assert not await cheap_passwords.verify("correct horse", kept)


async def test_a_megabyte_is_never_hashed(cheap_passwords: Passwords) -> None:
    """A password longer than any that can be set is wrong, even where its beginning is right."""
    kept = await cheap_passwords.hash("a" * 200)
    assert not await cheap_passwords.verify("a" * 1_000_000, kept)


async def test_a_missing_person_costs_what_a_wrong_password_costs() -> None:
    """Without a hash, one with the very same parameters is checked, so that the time taken tells nothing."""
    parameters = argon2.Parameters(argon2.Type.ID, 19, 16, 32, time_cost=1, memory_cost=64, parallelism=2)
    stand_in = Passwords(parameters)._nobodys
    assert argon2.extract_parameters(stand_in) == parameters
    assert not await Passwords(parameters).verify("correct horse", stand_in)


async def test_the_cost_is_the_recommended_one() -> None:
    """Unless told otherwise, hashes are argon2id with the parameters that RFC 9106 recommends where memory is short."""
    found = argon2.extract_parameters(Passwords()._nobodys)
    assert (found.type, found.memory_cost, found.time_cost, found.parallelism) == (argon2.Type.ID, 65536, 3, 4)


async def test_old_hashes_are_told_from_new_ones(cheap_passwords: Passwords) -> None:
    """A hash made with other parameters is known to be outdated, and still matches."""
    kept = await Passwords(argon2.Parameters(argon2.Type.ID, 19, 8, 8, 1, 16, 1)).hash("correct horse")
    assert cheap_passwords.outdated(kept)
    assert await cheap_passwords.verify("correct horse", kept)
    assert not cheap_passwords.outdated(await cheap_passwords.hash("correct horse"))


async def test_a_crowd_is_sent_away_not_queued(cheap_passwords: Passwords, monkeypatch: pytest.MonkeyPatch) -> None:
    """When as many hashes wait as may, a further one is refused at once, and all goes on when they are done."""
    go, running, most = threading.Event(), 0, 0
    counting = threading.Lock()

    def slow_hash(password: bytes) -> str:
        nonlocal running, most
        with counting:
            running += 1
            most = max(most, running)
        go.wait()
        with counting:
            running -= 1
        return password.decode()

    monkeypatch.setattr(cheap_passwords, "_hasher", SimpleNamespace(hash=slow_hash))
    crowd = [
        asyncio.create_task(cheap_passwords.hash("correct horse")) for _ in range(passwords.AT_ONCE + passwords.WAITING)
    ]
    await asyncio.sleep(0)
    try:
        with pytest.raises(RateLimited) as refused:
            await cheap_passwords.hash("correct horse")
    finally:
        go.set()
    assert refused.value.retry_after == passwords.BUSY_PAUSE
    await asyncio.gather(*crowd)
    assert most <= passwords.AT_ONCE
    assert await cheap_passwords.hash("correct horse")
