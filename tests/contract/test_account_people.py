"""People: signing up, profiles, finding them, deleting an account, importing."""

import asyncio
from typing import Literal

import pytest

from upthread.account.limits import SIGN_UPS_BY_ADDRESS
from upthread.account.model import BIO_LIMIT, Device, KarmaChanged, NewSession, Settings, WrittenContent
from upthread.account.service import AccountService
from upthread.assembly import Services
from upthread.errors import Gone, Invalid, NotFound, RateLimited, SignInNeeded
from upthread.runtime.clock import ManualClock

pytestmark = pytest.mark.anyio

PASSWORD = "correct horse"
HOME = Device("192.0.2.1", "Firefox")


@pytest.fixture
def account(services: Services) -> AccountService:
    """The door of the account room."""
    return services.account


async def sign_up(account: AccountService, name: str) -> NewSession:
    """An account for ``name``, made from an address of its own."""
    return await account.sign_up(name, PASSWORD, Device(f"of {name}"))


# signing up


async def test_signing_up_signs_in(account: AccountService, clock: ManualClock) -> None:
    """A new account has the name as typed, no karma, no powers, nothing unread, and is signed in."""
    new = await account.sign_up("Ann", PASSWORD, HOME)
    person = new.signed_in.person
    assert (person.name, person.created_at, person.is_admin) == ("Ann", clock.now(), False)
    assert (person.post_karma, person.comment_karma, new.signed_in.unread) == (0, 0, 0)
    assert await account.signed_in(new.token) == new.signed_in
    assert await account.person("ANN") == person


@pytest.mark.parametrize("name", ["", "ab", "a" * 21, "a b c", "анна", "ann!", "ann\n", "Admin", "moderator", "GUEST"])
async def test_names_that_nobody_can_have(account: AccountService, name: str) -> None:
    """Misshapen names and those that would pass for the site's own are refused at the name field."""
    with pytest.raises(Invalid) as refused:
        await account.sign_up(name, PASSWORD, HOME)
    assert refused.value.field == "name"


@pytest.mark.parametrize("password", ["short", "x" * 201, "ANNETTE-B"])
async def test_passwords_that_nobody_can_have(account: AccountService, password: str) -> None:
    """Too short or long a password, or the name itself, is refused at the password field."""
    with pytest.raises(Invalid) as refused:
        await account.sign_up("annette-b", password, HOME)
    assert refused.value.field == "password"


async def test_a_name_is_taken_in_any_case(account: AccountService) -> None:
    """Nobody can have a name that differs from another's by capitals only."""
    await sign_up(account, "Ann")
    with pytest.raises(Invalid) as refused:
        await account.sign_up("aNN", PASSWORD, HOME)
    assert refused.value.field == "name"


async def test_one_of_many_gets_the_name(account: AccountService) -> None:
    """Of several who want the same name at the same moment one gets it, and the others are told it is taken."""
    results = await asyncio.gather(
        *(account.sign_up(name, PASSWORD, Device(name)) for name in ("ann", "Ann", "aNn", "anN")),
        return_exceptions=True,
    )
    assert sum(isinstance(result, NewSession) for result in results) == 1
    assert [result.field for result in results if isinstance(result, Invalid)] == ["name"] * 3


async def test_sign_ups_from_one_address_are_limited(account: AccountService, clock: ManualClock) -> None:
    """After the published number of new accounts an address waits for just as long as it is told."""
    for number in range(SIGN_UPS_BY_ADDRESS.tries):
        await account.sign_up(f"ann{number}", PASSWORD, HOME)
    with pytest.raises(RateLimited) as refused:
        await account.sign_up("eve", PASSWORD, HOME)
    await account.sign_up("bob", PASSWORD, Device("192.0.2.2"))
    clock.advance(refused.value.retry_after)
    await account.sign_up("eve", PASSWORD, HOME)


async def test_refused_sign_ups_do_not_count(account: AccountService) -> None:
    """Someone who looks for a free name is not locked out by the ones that were taken."""
    await sign_up(account, "ann")
    for _ in range(2 * SIGN_UPS_BY_ADDRESS.tries):
        with pytest.raises(Invalid):
            await account.sign_up("ann", PASSWORD, HOME)
    await account.sign_up("bob", PASSWORD, HOME)


# profiles


async def test_a_profile_is_shown_as_it_was_written(account: AccountService) -> None:
    """What one says about oneself is kept as typed and shown as HTML."""
    ann = await sign_up(account, "ann")
    edited = await account.edit_profile(ann.signed_in.person.id, "I *like* birds.")
    assert edited.bio == "I *like* birds."
    assert "<em>like</em>" in edited.bio_html
    assert await account.person("ann") == edited


async def test_a_profile_has_a_limit(account: AccountService) -> None:
    """A profile of the allowed length is kept, a longer one refused at its field."""
    ann = await sign_up(account, "ann")
    await account.edit_profile(ann.signed_in.person.id, "x" * BIO_LIMIT)
    with pytest.raises(Invalid) as refused:
        await account.edit_profile(ann.signed_in.person.id, "x" * (BIO_LIMIT + 1))
    assert refused.value.field == "bio"


async def test_nobody_is_not_found(account: AccountService) -> None:
    """A name that was never anybody's has no profile and can't be given one."""
    with pytest.raises(NotFound):
        await account.person("nobody-here")
    with pytest.raises(NotFound):
        await account.edit_profile(7, "hello")


async def test_settings_come_with_every_page(account: AccountService) -> None:
    """How the site looks is as the person last chose it."""
    ann = await sign_up(account, "ann")
    chosen = Settings(theme="dark", language="ru", feed_sort="new", comment_sort="top", density="compact")
    await account.change_settings(ann.signed_in.person.id, chosen)
    signed_in = await account.signed_in(ann.token)
    assert signed_in
    assert signed_in.settings == chosen


async def test_settings_keep_no_nonsense(account: AccountService) -> None:
    """An order that can't be one is refused at its field."""
    ann = await sign_up(account, "ann")
    with pytest.raises(Invalid) as refused:
        await account.change_settings(ann.signed_in.person.id, Settings(comment_sort="<script>"))
    assert refused.value.field == "comment_sort"


async def test_karma_is_the_latest_known(account: AccountService) -> None:
    """Karma for posts and comments is told apart, and news that come late or twice change nothing."""
    ann = (await sign_up(account, "ann")).signed_in.person

    def news(source: Literal["post", "comment"], karma: int, revision: int, person_id: int = ann.id) -> KarmaChanged:
        return KarmaChanged(person_id=person_id, source=source, karma=karma, revision=revision)

    await account.karma_changed([news("post", 5, 1), news("comment", -2, 1)])
    await account.karma_changed([news("post", 7, 3), news("post", 6, 2), news("comment", -2, 1)])
    await account.karma_changed([news("post", 99, 1, person_id=-3), news("post", 99, 1, person_id=1234)])
    person = await account.person("ann")
    assert (person.post_karma, person.comment_karma) == (7, -2)


# finding people


async def test_people_are_found_by_the_beginning_of_their_name(account: AccountService) -> None:
    """The beginning of a name finds people in any case, by name, and the signs of SQL patterns mean nothing."""
    await account.import_people(["Bob", "anna", "Ann", "Ann_b", "annxb", "Joann"], 0)

    async def found(text: str) -> list[str]:
        return [person.name for person in (await account.find_people(text)).people]

    assert await found("aNN") == ["Ann", "Ann_b", "anna", "annxb"]
    assert await found("ann_") == ["Ann_b"]
    assert await found("an%") == []
    assert await found('"') == []
    assert await found("zed") == []


async def test_people_are_found_by_the_words_of_their_profile(account: AccountService) -> None:
    """People are found if all the words are in their profile, each person once, and not by words they took out."""
    ann, bob = await sign_up(account, "ann"), await sign_up(account, "bob")
    await account.edit_profile(ann.signed_in.person.id, "Ann: birds & Ёлки")
    await account.edit_profile(bob.signed_in.person.id, "I watch birds. NOT cats.")

    async def found(text: str) -> list[str]:
        return [person.name for person in (await account.find_people(text)).people]

    assert await found("birds") == ["ann", "bob"]
    assert await found("birds watch") == ["bob"]
    assert await found("NOT") == ["bob"]
    assert await found("ёлки") == ["ann"]
    assert await found("ann") == ["ann"]
    await account.edit_profile(bob.signed_in.person.id, "")
    assert await found("birds") == ["ann"]


async def test_pages_of_people_go_on(account: AccountService) -> None:
    """Following the pages shows everybody once, by name, though people join meanwhile."""
    names = [f"bird-{number:02}" for number in range(25)]
    await account.import_people(names, 0)
    seen: list[str] = []
    after = None
    while True:
        page = await account.find_people("bird", after=after, limit=10)
        seen += [person.name for person in page.people]
        await account.import_people([f"bird-{len(seen) - 1:02}a"], 0)
        if page.after is None:
            break
        after = page.after
    assert [name for name in seen if name in names] == names
    assert len(seen) == len(set(seen))


async def test_a_damaged_cursor_is_refused(account: AccountService) -> None:
    """A page link that was tampered with is named as such."""
    with pytest.raises(Invalid) as refused:
        await account.find_people("ann", after="%%%")
    assert refused.value.field == "after"


# deleting an account


@pytest.mark.parametrize("content", ["keep", "erase"])
async def test_a_deleted_account_is_gone(account: AccountService, content: WrittenContent) -> None:
    """After deleting the account its profile, sessions and password are gone, and the name stays taken."""
    ann = await sign_up(account, "Ann")
    person_id = ann.signed_in.person.id
    await account.edit_profile(person_id, "birds")
    await account.delete_account(person_id, PASSWORD, content)

    with pytest.raises(Gone):
        await account.person("ann")
    assert await account.signed_in(ann.token) is None
    assert await account.sessions(person_id) == []
    with pytest.raises(SignInNeeded):
        await account.log_in("ann", PASSWORD, HOME)
    with pytest.raises(Invalid) as refused:
        await account.sign_up("ANN", PASSWORD, HOME)
    assert refused.value.field == "name"
    for text in ("ann", "birds"):
        assert (await account.find_people(text)).people == []
    with pytest.raises(NotFound):
        await account.edit_profile(person_id, "still here")
    with pytest.raises(Gone):
        await account.set_admin("ann", is_admin=True)
    with pytest.raises(Gone):
        await account.reset_password("ann", PASSWORD)


async def test_a_wrong_password_deletes_nothing(account: AccountService) -> None:
    """Without the right password the account stays as it is."""
    ann = await sign_up(account, "ann")
    with pytest.raises(Invalid) as refused:
        await account.delete_account(ann.signed_in.person.id, "wrong horse", "erase")
    assert refused.value.field == "password"
    assert await account.signed_in(ann.token) == ann.signed_in


# from elsewhere, and for operators


async def test_importing_twice_changes_nothing(account: AccountService) -> None:
    """Imported names get people with the time of the import, the same ones the second time and in any case."""
    ann = (await sign_up(account, "Ann")).signed_in.person
    first = await account.import_people(["bob", "ann", "Zoë Z.", "BOB"], 123)
    assert first["ann"] == ann.id
    assert first["bob"] == first["BOB"]
    assert len(set(first.values())) == 3
    assert await account.import_people(["Bob", "Zoë Z."], 456) == {"Bob": first["bob"], "Zoë Z.": first["Zoë Z."]}
    bob = await account.person("bob")
    assert (bob.name, bob.created_at) == ("bob", 123)
    assert await account.import_people([], 0) == {}


async def test_imported_people_have_no_way_in(account: AccountService) -> None:
    """No password opens an imported account, and nobody can sign up for its name, until an operator sets one."""
    await account.import_people(["bob"], 0)
    with pytest.raises(SignInNeeded):
        await account.log_in("bob", "", HOME)
    with pytest.raises(Invalid):
        await account.sign_up("bob", PASSWORD, HOME)
    await account.reset_password("bob", PASSWORD)
    assert (await account.log_in("bob", PASSWORD, HOME)).signed_in.person.name == "bob"


async def test_a_deleted_persons_name_imports_as_nobody(account: AccountService) -> None:
    """What was written under the name of someone who deleted the account here is nobody's."""
    ann = await sign_up(account, "ann")
    await account.delete_account(ann.signed_in.person.id, PASSWORD, "keep")
    assert await account.import_people(["ann"], 0) == {"ann": 0}


async def test_operators_make_administrators(account: AccountService) -> None:
    """Somebody is an administrator from the next request on, until that is taken back."""
    ann = await sign_up(account, "ann")
    assert (await account.set_admin("Ann", is_admin=True)).is_admin
    signed_in = await account.signed_in(ann.token)
    assert signed_in
    assert signed_in.actor.is_admin
    assert not (await account.set_admin("ann", is_admin=False)).is_admin
    with pytest.raises(NotFound):
        await account.set_admin("nobody-here", is_admin=True)


async def test_operators_reset_passwords(account: AccountService) -> None:
    """A new password set by an operator replaces the old one and ends every session."""
    ann = await sign_up(account, "ann")
    await account.reset_password("Ann", "another horse")
    assert await account.signed_in(ann.token) is None
    with pytest.raises(SignInNeeded):
        await account.log_in("ann", PASSWORD, HOME)
    await account.log_in("ann", "another horse", HOME)
    with pytest.raises(NotFound):
        await account.reset_password("nobody-here", "another horse")
    with pytest.raises(Invalid):
        await account.reset_password("ann", "short")


async def test_the_room_answers(account: AccountService) -> None:
    """A healthy room says so."""
    await account.check()
