"""Signing in and out, sessions, changing the password, and the limits on guessing."""

import asyncio
from collections.abc import Awaitable

import pytest

from upthread.account.limits import CHECKS_BY_PERSON, LOG_INS_BY_ADDRESS, LOG_INS_BY_NAME
from upthread.account.model import Device, NewSession
from upthread.account.service import SEEN_STEP, SESSION_LIFE, SESSIONS_AT_MOST, USER_AGENT_LIMIT, AccountService
from upthread.assembly import Services
from upthread.errors import Invalid, RateLimited, SignInNeeded, UpthreadError
from upthread.runtime.clock import ManualClock

pytestmark = pytest.mark.anyio

PASSWORD = "correct horse"
HOME = Device("192.0.2.1", "Firefox")
WORK = Device("192.0.2.2", "Chromium")


@pytest.fixture
def account(services: Services) -> AccountService:
    """The door of the account room."""
    return services.account


@pytest.fixture
async def ann(account: AccountService) -> NewSession:
    """Ann, who signed up at home."""
    return await account.sign_up("Ann", PASSWORD, HOME)


async def error_of(call: Awaitable[object]) -> UpthreadError:
    """How this call fails."""
    with pytest.raises(UpthreadError) as failed:
        await call
    return failed.value


# signing in


async def test_signing_in_opens_a_session_of_its_own(account: AccountService, ann: NewSession) -> None:
    """Name (in any case) and password open another session; each token leads to the same person."""
    again = await account.log_in("aNN", PASSWORD, WORK)
    assert again.token != ann.token
    assert again.signed_in.person == ann.signed_in.person
    for new in (ann, again):
        assert await account.signed_in(new.token) == new.signed_in


@pytest.mark.usefixtures("ann")
async def test_failures_look_alike(account: AccountService) -> None:
    """A wrong password and a name that nobody has are refused in the same words."""
    wrong = await error_of(account.log_in("Ann", "wrong horse", WORK))
    nobody = await error_of(account.log_in("nobody-here", "wrong horse", WORK))
    assert isinstance(wrong, SignInNeeded)
    assert wrong.problem() == nobody.problem()


@pytest.mark.parametrize("token", ["", "x", "а" * 5000])
async def test_made_up_tokens_open_nothing(account: AccountService, token: str) -> None:
    """A token that was never given out signs nobody in, and signing it out does nothing."""
    assert await account.signed_in(token) is None
    await account.log_out(token)


async def test_signing_out_ends_this_session_only(account: AccountService, ann: NewSession) -> None:
    """After signing out the token is worthless, and other sessions go on."""
    work = await account.log_in("Ann", PASSWORD, WORK)
    await account.log_out(ann.token)
    await account.log_out(ann.token)
    assert await account.signed_in(ann.token) is None
    assert await account.signed_in(work.token)


# sessions


async def test_sessions_are_listed_used_last_first(
    account: AccountService, ann: NewSession, clock: ManualClock
) -> None:
    """People see where they are signed in, since when, and when each session was last used."""
    start = clock.now()
    clock.advance(60)
    await account.log_in("Ann", PASSWORD, WORK)
    clock.advance(SEEN_STEP)
    await account.signed_in(ann.token)
    home, work = await account.sessions(ann.signed_in.person.id)
    assert (home.id, home.ip, home.user_agent) == (ann.signed_in.session_id, "192.0.2.1", "Firefox")
    assert (home.created_at, home.last_seen_at) == (start, clock.now())
    assert home.expires_at == clock.now() + SESSION_LIFE
    assert (work.ip, work.user_agent, work.created_at) == ("192.0.2.2", "Chromium", start + 60)


async def test_a_session_lives_while_it_is_used(account: AccountService, ann: NewSession, clock: ManualClock) -> None:
    """A session goes on for ever if it is used now and then, and ends when it was not used for its whole life."""
    for _ in range(3):
        clock.advance(SESSION_LIFE - 1)
        assert await account.signed_in(ann.token)
    clock.advance(SESSION_LIFE)
    assert await account.signed_in(ann.token) is None
    assert await account.sessions(ann.signed_in.person.id) == []
    assert await account.end_sessions(ann.signed_in.person.id) == 0


async def test_a_person_ends_sessions_of_their_own(account: AccountService, ann: NewSession) -> None:
    """One ends single sessions or all others of one's own, and never those of somebody else."""
    person_id = ann.signed_in.person.id
    bob = await account.sign_up("bob", PASSWORD, WORK)
    first, second, third = [await account.log_in("Ann", PASSWORD, WORK) for _ in range(3)]

    await account.end_session(person_id, first.signed_in.session_id)
    for session_id in (bob.signed_in.session_id, 0, 2**70):
        await account.end_session(person_id, session_id)
    assert await account.signed_in(first.token) is None
    assert await account.signed_in(bob.token)

    assert await account.end_sessions(person_id, keep=second.signed_in.session_id) == 2
    assert await account.signed_in(third.token) is None
    assert await account.signed_in(second.token)
    assert await account.end_sessions(person_id) == 1
    assert await account.signed_in(second.token) is None
    assert await account.signed_in(bob.token)


async def test_sessions_do_not_pile_up(account: AccountService, ann: NewSession, clock: ManualClock) -> None:
    """A program that signs in for every request ends the sessions that were used longest ago, not the site."""
    for _ in range(SESSIONS_AT_MOST):
        clock.advance(1)
        await account.log_in("Ann", PASSWORD, WORK)
    assert await account.signed_in(ann.token) is None
    assert len(await account.sessions(ann.signed_in.person.id)) == SESSIONS_AT_MOST


async def test_long_user_agents_are_cut(account: AccountService) -> None:
    """What a browser says of itself is kept up to a length."""
    new = await account.sign_up("ann", PASSWORD, Device("192.0.2.1", "x" * 10_000))
    (session,) = await account.sessions(new.signed_in.person.id)
    assert session.user_agent == "x" * USER_AGENT_LIMIT


# changing the password


async def test_a_new_password_ends_the_other_sessions(account: AccountService, ann: NewSession) -> None:
    """After changing the password only the session where it was changed goes on, and only the new one signs in."""
    work = await account.log_in("Ann", PASSWORD, WORK)
    signed_in = ann.signed_in
    await account.change_password(signed_in.person.id, PASSWORD, "another horse", signed_in.session_id)
    assert await account.signed_in(ann.token)
    assert await account.signed_in(work.token) is None
    assert isinstance(await error_of(account.log_in("Ann", PASSWORD, WORK)), SignInNeeded)
    await account.log_in("Ann", "another horse", WORK)


@pytest.mark.parametrize(
    ("current", "new", "field"),
    [("wrong horse", "another horse", "current"), (PASSWORD, "short", "new"), (PASSWORD, "x" * 201, "new")],
)
async def test_a_password_change_says_what_is_wrong(
    account: AccountService, ann: NewSession, current: str, new: str, field: str
) -> None:
    """A wrong current password and a new one that won't do are told at their fields, and nothing changes."""
    signed_in = ann.signed_in
    error = await error_of(account.change_password(signed_in.person.id, current, new, signed_in.session_id))
    assert isinstance(error, Invalid)
    assert error.field == field
    await account.log_in("Ann", PASSWORD, WORK)


async def test_an_old_password_opens_nothing_however_close_the_race(account: AccountService, ann: NewSession) -> None:
    """Of two password changes at once one wins, and no session survives that the losing password opened."""
    signed_in = ann.signed_in
    results = await asyncio.gather(
        account.change_password(signed_in.person.id, PASSWORD, "horse number one", signed_in.session_id),
        account.change_password(signed_in.person.id, PASSWORD, "horse number two", signed_in.session_id),
        *(account.log_in("Ann", PASSWORD, WORK) for _ in range(4)),
        return_exceptions=True,
    )
    assert [result is None for result in results[:2]].count(True) == 1
    assert len(await account.sessions(signed_in.person.id)) == 1


# limits


async def test_guessing_one_name_is_limited(account: AccountService, ann: NewSession, clock: ManualClock) -> None:
    """After too many wrong passwords even the right one waits, as long as told; open sessions go on."""
    for number in range(LOG_INS_BY_NAME.tries):
        clock.advance(1)
        error = await error_of(account.log_in("Ann", f"wrong horse {number}", Device(f"192.0.2.{number}")))
        assert isinstance(error, SignInNeeded)
    refused = await error_of(account.log_in("aNN", PASSWORD, WORK))
    assert isinstance(refused, RateLimited)
    assert await account.signed_in(ann.token)
    clock.advance(refused.retry_after - 1)
    assert isinstance(await error_of(account.log_in("Ann", PASSWORD, WORK)), RateLimited)
    clock.advance(1)
    await account.log_in("Ann", PASSWORD, WORK)


async def test_a_name_that_nobody_has_is_limited_alike(account: AccountService) -> None:
    """The limit on wrong passwords doesn't tell whether somebody has the name."""
    errors = [
        await error_of(account.log_in("nobody-here", PASSWORD, Device(f"192.0.2.{number}")))
        for number in range(LOG_INS_BY_NAME.tries + 1)
    ]
    assert [type(error) for error in errors] == [SignInNeeded] * LOG_INS_BY_NAME.tries + [RateLimited]


@pytest.mark.usefixtures("ann")
async def test_guessing_from_one_network_is_limited(account: AccountService) -> None:
    """After too many wrong passwords for any names an address waits, with all of its IPv6 network; others don't."""
    for number in range(LOG_INS_BY_ADDRESS.tries):
        error = await error_of(account.log_in(f"name{number}", PASSWORD, Device(f"2001:db8::{number}")))
        assert isinstance(error, SignInNeeded)
    assert isinstance(await error_of(account.log_in("Ann", PASSWORD, Device("2001:db8::ffff"))), RateLimited)
    await account.log_in("Ann", PASSWORD, Device("2001:db8:0:1::1"))


@pytest.mark.usefixtures("ann")
async def test_the_right_password_never_counts(account: AccountService) -> None:
    """Signing in correctly any number of times is not limited."""
    for _ in range(LOG_INS_BY_ADDRESS.tries + 1):
        await account.log_in("Ann", PASSWORD, WORK)


@pytest.mark.usefixtures("ann")
async def test_a_right_password_in_between_gives_no_more_guesses(account: AccountService) -> None:
    """The owner signing in doesn't start the count of a stranger's guesses anew."""
    for number in range(LOG_INS_BY_NAME.tries):
        await error_of(account.log_in("Ann", "wrong horse", Device(f"192.0.2.{number}")))
        if number == 4:
            await account.log_in("Ann", PASSWORD, WORK)
    assert isinstance(await error_of(account.log_in("Ann", "wrong horse", WORK)), RateLimited)


@pytest.mark.usefixtures("ann")
async def test_guesses_at_once_do_not_slip_through(account: AccountService) -> None:
    """Of many guesses sent at the same moment no more are checked than the limit says."""
    guesses = [account.log_in("Ann", "wrong horse", Device(f"192.0.2.{number}")) for number in range(50)]
    errors = await asyncio.gather(*guesses, return_exceptions=True)
    assert sum(isinstance(error, SignInNeeded) for error in errors) == LOG_INS_BY_NAME.tries


async def test_guessing_within_a_session_is_limited(account: AccountService, ann: NewSession) -> None:
    """Someone at another's open session can't guess the password for long, neither to change it nor to delete."""
    signed_in = ann.signed_in
    for _ in range(CHECKS_BY_PERSON.tries):
        error = await error_of(
            account.change_password(signed_in.person.id, "wrong horse", "another horse", signed_in.session_id)
        )
        assert isinstance(error, Invalid)
    assert isinstance(await error_of(account.delete_account(signed_in.person.id, PASSWORD, "erase")), RateLimited)
    await account.log_in("Ann", PASSWORD, WORK)
