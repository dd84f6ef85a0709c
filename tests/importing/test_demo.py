"""The demo that a new site can begin with."""

from collections.abc import AsyncIterator
from importlib.resources import files
from pathlib import Path

import msgspec
import pytest

from upthread import demo
from upthread.account.model import Actor, Device
from upthread.account.passwords import Passwords
from upthread.assembly import Services, open_services
from upthread.errors import SignInNeeded
from upthread.post.model import FeedQuery
from upthread.runtime.clock import ManualClock

pytestmark = pytest.mark.anyio
HOUR, DAY = 3600, 24 * 3600


@pytest.fixture
async def services(tmp_path: Path, clock: ManualClock, cheap_passwords: Passwords) -> AsyncIterator[Services]:
    """An empty site."""
    async with open_services(tmp_path / "data", clock, cheap_passwords) as opened:
        yield opened


async def test_the_demo_is_all_there(services: Services, clock: ManualClock) -> None:
    """A new site gets every post and comment of the demo, and communities with texts, people and rules."""
    await demo.load(services, clock)
    communities = (await services.post.communities()).communities
    assert len(communities) == 9
    assert all(each.title and each.description_html and each.subscribers and each.posts for each in communities)
    assert all([(await services.post.community(each.name)).rules_html for each in communities])
    assert sum(each.posts for each in communities) == lines("posts.jsonl")
    comments = 0
    after = None
    while True:
        page = await services.post.feed(FeedQuery(sort="new", after=after, limit=100))
        comments += sum(post.comments for post in page.posts)
        after = page.after
        if after is None:
            break
    assert comments == lines("comments.jsonl")


@pytest.mark.parametrize("sort", ["hot", "new", "day", "week", "month", "active"])
async def test_the_demo_is_alive(services: Services, clock: ManualClock, sort: str) -> None:
    """Every way of sorting shows a full page, with the newest post minutes old and nothing from the future."""
    await demo.load(services, clock)
    page = await services.post.feed(msgspec.convert({"sort": sort}, FeedQuery))
    assert len(page.posts) == 25
    ages = [clock.now() - post.created_at for post in page.posts]
    assert min(ages) > 0
    if sort == "new":
        assert min(ages) < HOUR
    if sort == "hot":
        assert len({post.community for post in page.posts}) >= 7
        assert max(ages) < 2 * DAY
        assert all(post.comments for post in page.posts)


async def test_only_an_empty_site_is_filled(services: Services, clock: ManualClock) -> None:
    """A site with a community of its own gets no demo."""
    await services.post.create_community(Actor(1, "ada"), "ours", "Ours")
    await demo.load(services, clock)
    assert [each.name for each in (await services.post.communities()).communities] == ["ours"]


async def test_loading_it_again_changes_nothing(services: Services, clock: ManualClock) -> None:
    """Starting the demo once more, later, leaves what has been done since then."""
    await demo.load(services, clock)
    before = await services.post.edit_community(Actor(1, "ada", is_admin=True), "math", "Sums", "", "")
    clock.advance(DAY)
    await demo.load(services, clock)
    assert await services.post.community("math") == before


async def test_nobody_of_the_demo_can_sign_in(services: Services, clock: ManualClock) -> None:
    """The people of the demo have no password, so no one gets in with theirs."""
    await demo.load(services, clock)
    person = (await services.post.feed(FeedQuery())).posts[0].author
    with pytest.raises(SignInNeeded):
        await services.account.log_in(person.name, "", Device("192.0.2.1"))


def lines(name: str) -> int:
    """How many things a file of the demo has."""
    return len(files(demo).joinpath(name).read_text().splitlines())
