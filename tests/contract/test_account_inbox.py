"""The inbox: replies and mentions as they arrive, once each."""

import pytest

from upthread import cursor
from upthread.account.model import Author, Device, NewSession, Notice, NoticeArrived, NoticeKind
from upthread.account.service import AccountService
from upthread.assembly import Services
from upthread.errors import Invalid
from upthread.runtime.clock import ManualClock

pytestmark = pytest.mark.anyio

PASSWORD = "correct horse"


@pytest.fixture
def account(services: Services) -> AccountService:
    """The door of the account room."""
    return services.account


@pytest.fixture
async def ann(account: AccountService) -> NewSession:
    """Ann, whose inbox it is."""
    return await account.sign_up("Ann", PASSWORD, Device("192.0.2.1"))


@pytest.fixture
async def bob(account: AccountService) -> Author:
    """Bob, who writes."""
    person = (await account.sign_up("Bob", PASSWORD, Device("192.0.2.2"))).signed_in.person
    return Author(person.id, person.name)


def notice(
    author: Author,
    comment_id: int | None,
    *,
    kind: NoticeKind = "reply",
    person_id: int = 0,
    name: str = "",
    created_at: int = 1000,
) -> NoticeArrived:
    """News of what ``author`` wrote, for a person by id or by name."""
    return NoticeArrived(
        kind=kind,
        person_id=person_id,
        person_name=name,
        author=author,
        post_id=1,
        comment_id=comment_id,
        title="A title",
        community="birds",
        excerpt="What was written",
        created_at=created_at,
    )


async def inbox_of(account: AccountService, new: NewSession) -> list[Notice]:
    """The first page of somebody's inbox."""
    return (await account.inbox(new.signed_in.person.id)).notices


async def unread_of(account: AccountService, new: NewSession) -> int:
    """How many unread entries the pages of this person show."""
    signed_in = await account.signed_in(new.token)
    assert signed_in
    return signed_in.unread


async def test_a_reply_arrives(account: AccountService, ann: NewSession, bob: Author) -> None:
    """A reply is in the inbox, unread, with who wrote what and where."""
    person_id = ann.signed_in.person.id
    await account.notices_arrived([notice(bob, 7, person_id=person_id)])
    (entry,) = await inbox_of(account, ann)
    assert (entry.kind, entry.author, entry.post_id, entry.comment_id) == ("reply", bob, 1, 7)
    assert (entry.title, entry.community, entry.excerpt) == ("A title", "birds", "What was written")
    assert (entry.created_at, entry.read) == (1000, False)
    assert await unread_of(account, ann) == 1


async def test_a_mention_finds_its_person(account: AccountService, ann: NewSession, bob: Author) -> None:
    """A mention in any case reaches the person, in a comment or in a post, and a name that nobody has, no one."""
    await account.notices_arrived(
        [
            notice(bob, 7, kind="mention", name="aNN"),
            notice(bob, None, kind="mention", name="Ann"),
            notice(bob, 7, kind="mention", name="nobody-here"),
        ]
    )
    assert {(entry.kind, entry.comment_id) for entry in await inbox_of(account, ann)} == {
        ("mention", 7),
        ("mention", None),
    }


async def test_what_is_brought_twice_arrives_once(account: AccountService, ann: NewSession, bob: Author) -> None:
    """News delivered again make no second entry and don't mark the first as unread."""
    news = [notice(bob, 7, person_id=ann.signed_in.person.id), notice(bob, None, kind="mention", name="ann")]
    await account.notices_arrived(news)
    await account.mark_all_read(ann.signed_in.person.id)
    await account.notices_arrived(news + news)
    assert [entry.read for entry in await inbox_of(account, ann)] == [True, True]


@pytest.mark.parametrize("reply_first", [True, False])
async def test_a_reply_with_a_mention_is_one_reply(
    account: AccountService, ann: NewSession, bob: Author, *, reply_first: bool
) -> None:
    """A reply that also mentions the person is one entry, a reply, whichever news comes first."""
    reply = notice(bob, 7, person_id=ann.signed_in.person.id)
    mention = notice(bob, 7, kind="mention", name="ann")
    for news in (reply, mention) if reply_first else (mention, reply):
        await account.notices_arrived([news])
    assert [entry.kind for entry in await inbox_of(account, ann)] == ["reply"]


async def test_nobody_hears_of_themselves(account: AccountService, ann: NewSession) -> None:
    """Answering or mentioning oneself puts nothing into the inbox."""
    person = ann.signed_in.person
    oneself = Author(person.id, person.name)
    await account.notices_arrived(
        [notice(oneself, 7, person_id=person.id), notice(oneself, 8, kind="mention", name="ann")]
    )
    assert await inbox_of(account, ann) == []


async def test_guests_write_and_have_no_inbox(account: AccountService, ann: NewSession) -> None:
    """A guest's reply arrives, and news for guests, unknown or deleted people are passed over."""
    guest = Author(-5, "Guest")
    bob = (await account.sign_up("bob", PASSWORD, Device("192.0.2.2"))).signed_in.person
    await account.delete_account(bob.id, PASSWORD, "keep")
    await account.notices_arrived(
        [
            notice(guest, 7, person_id=-6),
            notice(guest, 7, person_id=1234),
            notice(guest, 7, person_id=bob.id),
            notice(guest, 8, kind="mention", name="bob"),
            notice(guest, 7, person_id=ann.signed_in.person.id),
        ]
    )
    assert [entry.author for entry in await inbox_of(account, ann)] == [guest]
    assert (await account.inbox(bob.id)).notices == []


async def test_entries_are_marked(account: AccountService, ann: NewSession, bob: Author) -> None:
    """Entries are marked read and unread, one's own only, and the count on every page follows."""
    person_id = ann.signed_in.person.id
    await account.notices_arrived([notice(bob, number, person_id=person_id) for number in (7, 8, 9)])
    first, second, _ = await inbox_of(account, ann)
    await account.mark_read(person_id, [first.id, second.id, 999, 0, -1, 2**70])
    await account.mark_read(person_id, [second.id], read=False)
    await account.mark_read(bob.id, [second.id])
    assert await unread_of(account, ann) == 2
    unread = (await account.inbox(person_id, unread_only=True)).notices
    assert first.id not in [entry.id for entry in unread]
    assert len(unread) == 2
    await account.mark_all_read(person_id)
    assert await unread_of(account, ann) == 0
    assert (await account.inbox(person_id, unread_only=True)).notices == []
    assert len(await inbox_of(account, ann)) == 3


@pytest.mark.parametrize("unread_only", [True, False])
async def test_pages_of_the_inbox_go_on(
    account: AccountService, ann: NewSession, bob: Author, *, unread_only: bool
) -> None:
    """Following the pages shows every entry once, newest first, though more arrive meanwhile."""
    person_id = ann.signed_in.person.id
    times = [1000 + number // 3 for number in range(20)]
    await account.notices_arrived(
        [notice(bob, number + 1, person_id=person_id, created_at=time) for number, time in enumerate(times)]
    )
    seen: list[Notice] = []
    after = None
    while True:
        page = await account.inbox(person_id, unread_only=unread_only, after=after, limit=6)
        seen += page.notices
        await account.notices_arrived([notice(bob, 100 + len(seen), person_id=person_id, created_at=2000)])
        if page.after is None:
            break
        after = page.after
    assert [entry.created_at for entry in seen] == sorted(times, reverse=True)
    assert {entry.comment_id for entry in seen} == set(range(1, 21))


@pytest.mark.parametrize("after", ["!", "AAAA", cursor.encode((1.0, 2**64 - 1))])
async def test_a_damaged_cursor_is_refused(account: AccountService, ann: NewSession, after: str) -> None:
    """A page link that was tampered with is named as such."""
    with pytest.raises(Invalid) as refused:
        await account.inbox(ann.signed_in.person.id, after=after)
    assert refused.value.field == "after"


async def test_a_deleted_authors_name_leaves_inboxes(account: AccountService, ann: NewSession, bob: Author) -> None:
    """When someone deletes their account, their name leaves the inboxes of others, and late news from them are lost."""
    await account.notices_arrived([notice(bob, 7, person_id=ann.signed_in.person.id)])
    await account.delete_account(bob.id, PASSWORD, "keep")
    await account.notices_arrived([notice(bob, 8, person_id=ann.signed_in.person.id)])
    assert [entry.author for entry in await inbox_of(account, ann)] == [Author(0, "")]


async def test_an_erased_authors_words_leave_inboxes(account: AccountService, ann: NewSession, bob: Author) -> None:
    """When someone deletes their account with all they wrote, their entries leave the inboxes of others."""
    await account.notices_arrived([notice(bob, 7, person_id=ann.signed_in.person.id)])
    await account.delete_account(bob.id, PASSWORD, "erase")
    assert await inbox_of(account, ann) == []


async def test_late_news_take_their_place(
    account: AccountService, ann: NewSession, bob: Author, clock: ManualClock
) -> None:
    """News that were held up stand where their time puts them."""
    person_id = ann.signed_in.person.id
    await account.notices_arrived([notice(bob, 8, person_id=person_id, created_at=clock.now())])
    await account.notices_arrived([notice(bob, 7, person_id=person_id, created_at=clock.now() - 60)])
    assert [entry.comment_id for entry in await inbox_of(account, ann)] == [8, 7]
