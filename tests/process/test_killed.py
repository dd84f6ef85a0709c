"""Processes killed at random points while people post, comment and vote: what was answered is there, and counts once.

People whose vote was not answered vote again, as one does, so in the end every vote is known. A comment that was not
answered may be there or not, but not twice, and whatever is there has been counted, told and rewarded exactly once.
"""

import asyncio
import itertools
import random
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pymongo
import pytest

from tests.mongo_server import MongoServer
from tests.process.conftest import HANGING, Start
from tests.process.fleet import SECRET, SERVICES, Fleet, eventually, sign_up
from upthread.account.model import Notice
from upthread.account.service import AccountService
from upthread.assembly import Doors
from upthread.comment.model import Comment
from upthread.comment.service import CommentService
from upthread.post.model import FeedQuery, Post
from upthread.post.service import PostService
from upthread.runtime.calls.client import far

pytestmark = pytest.mark.anyio

KILLS = {"sqlite": 100, "mongodb": 40}
PEOPLE = 5
SEED = 20_231_114
MOST_BETWEEN = 10
"""Writes answered between one kill and the next, at most."""
BEFORE_TRYING_AGAIN = 0.1
"""Seconds."""

Thing = tuple[str, int]
"""What can be voted on: "post" or "comment", and its number."""


@dataclass
class Known:
    """What the site has answered so far, to anyone."""

    posts: set[int] = field(default_factory=set)
    comments: dict[int, tuple[int, int | None, str]] = field(default_factory=dict)
    """Post, parent and text of each comment."""
    votes: dict[Thing, dict[str, int]] = field(default_factory=dict)
    """Each voter's last vote on each thing."""
    answered: int = 0
    """Writes."""
    changed: threading.Condition = field(default_factory=threading.Condition)

    def note(self, change: Callable[[], Any]) -> None:
        """Take down an answered write."""
        with self.changed:
            change()
            self.answered += 1
            self.changed.notify_all()

    def wait_for_more(self, count: int) -> None:
        """Return after that many further writes."""
        with self.changed:
            goal = self.answered + count
            assert self.changed.wait_for(lambda: self.answered >= goal, HANGING), "no write is answered any more"

    def tally(self, thing: Thing) -> tuple[int, int]:
        """Ups and downs that a thing must have."""
        votes = Counter(self.votes.get(thing, {}).values())
        return votes[1], votes[-1]

    def earned(self, thing: Thing, author: str) -> int:
        """What a thing has brought its author: everybody's votes but their own."""
        return sum(vote for voter, vote in self.votes.get(thing, {}).items() if voter != author)


@dataclass(frozen=True)
class Killable:
    """A site, with all that can be killed."""

    fleet: Fleet
    server: MongoServer | None

    def names(self) -> list[str]:
        """Who can be killed."""
        return [*self.fleet.processes, *(["mongodb"] if self.server else [])]

    def kill(self, name: str) -> None:
        """Kill one of them, wherever it is at the moment, and start it again."""
        if name == "mongodb" and self.server:
            self.server.kill()
            self.server.start()
        else:
            self.fleet.kill(name)
            if self.server:
                self._forget_what_it_had_begun(self.server)

    def _forget_what_it_had_begun(self, server: MongoServer) -> None:
        """MongoDB keeps a transaction whose client is gone for a minute (transactionLifetimeLimitSeconds)."""
        with pymongo.MongoClient[dict[str, object]](server.url) as operator:
            operator.admin.command("killAllSessions", [])


class Person(threading.Thread):
    """Somebody who posts, comments and votes until they are told to stop; a vote they repeat until it is answered."""

    def __init__(self, visitor: httpx.Client, name: str, known: Known) -> None:
        super().__init__(name=name, daemon=True)
        self._visitor = visitor
        self._known = known
        self._chance = random.Random(f"{SEED} {name}")
        self._stopped = threading.Event()
        self._failure: Exception | None = None

    def run(self) -> None:
        """Go on until the end."""
        try:
            for number in itertools.count():
                if self._stopped.is_set():
                    return
                self._act(number)
        except Exception as failure:  # noqa: BLE001 - the test raises it
            self._failure = failure

    def stop(self) -> None:
        """Let them finish what they are at."""
        self._stopped.set()
        self.join(HANGING)
        if self._failure:
            raise self._failure
        assert not self.is_alive(), f"{self.name} waits for an answer"

    def _act(self, number: int) -> None:
        with self._known.changed:
            posts, comments = list(self._known.posts), list(self._known.comments.items())
        choice = self._chance.random()
        if choice < 0.1:
            self._post(f"{self.name} posts {number}")
        elif choice < 0.4 or not comments:
            self._comment(self._chance.choice(posts), None, f"{self.name} comments {number}")
        elif choice < 0.6:
            parent, (post, *_) = self._chance.choice(comments)
            self._comment(post, parent, f"{self.name} answers {number}")
        elif choice < 0.8:
            self._vote(("post", self._chance.choice(posts)))
        else:
            self._vote(("comment", self._chance.choice(comments)[0]))

    def _sent(self, path: str, **fields: str) -> str | None:
        """Where the answer to a form leads; None if it was not taken, or nobody knows."""
        try:
            answer = self._visitor.post(path, data=fields)
        except httpx.TransportError:
            return None
        if answer.status_code == 303:
            return str(answer.headers["location"])
        assert answer.status_code == 503, (path, answer.status_code, answer.text)
        return None

    def _post(self, title: str) -> None:
        if at := self._sent("/new", community="birds", title=title, text="Seen today."):
            self._known.note(lambda: self._known.posts.add(int(at.rpartition("/")[2])))

    def _comment(self, post: int, parent: int | None, body: str) -> None:
        if at := self._sent(f"/post/{post}/comment", parent=str(parent or ""), body=body):
            number = int(at.rpartition("#c")[2])
            self._known.note(lambda: self._known.comments.update({number: (post, parent, body)}))

    def _vote(self, thing: Thing) -> None:
        kind, number = thing
        vote = self._chance.choice((-1, 0, 1))
        while not self._sent(f"/{kind}/{number}/vote/{vote}"):
            self._stopped.wait(BEFORE_TRYING_AGAIN)
        self._known.note(lambda: self._known.votes.setdefault(thing, {}).update({self.name: vote}))


@pytest.fixture(params=KILLS)
def engine(request: pytest.FixtureRequest) -> str:
    """What the services keep their data in."""
    return str(request.param)


@pytest.fixture
def killable(engine: str, start: Start, tmp_path: Path) -> Iterator[Killable]:
    """All four processes, and the database's if it has one."""
    with ExitStack() as stack:
        server = (
            stack.enter_context(MongoServer(tmp_path / "mongodb", "--sync-on-commit")) if engine == "mongodb" else None
        )
        fleet = Fleet(start, tmp_path / "data", **({"DATABASE_URL": server.url} if server else {}))
        fleet.begin("ui", *SERVICES)
        fleet.whole()
        yield Killable(fleet, server)


@pytest.fixture
def fleet(killable: Killable) -> Fleet:
    """The site's own processes."""
    return killable.fleet


@pytest.fixture
async def doors(fleet: Fleet) -> AsyncIterator[Doors]:
    """The services, asked without the website."""
    async with AsyncExitStack() as stack:
        yield Doors(
            post=await stack.enter_async_context(far(PostService, fleet.where("post"), SECRET)),
            comment=await stack.enter_async_context(far(CommentService, fleet.where("comment"), SECRET)),
            account=await stack.enter_async_context(far(AccountService, fleet.where("account"), SECRET)),
        )


@pytest.fixture
def people(fleet: Fleet) -> Iterator[dict[str, httpx.Client]]:
    """Some who have signed up; the first has founded a community and posted there."""
    with ExitStack() as stack:
        people = {f"person{number}": stack.enter_context(fleet.visitor()) for number in range(PEOPLE)}
        for name, visitor in people.items():
            sign_up(visitor, name)
        founder = next(iter(people.values()))
        assert founder.post("/communities/new", data={"name": "birds", "title": "Birds"}).status_code == 303
        assert founder.post("/new", data={"community": "birds", "title": "A wren"}).headers["location"] == "/post/1"
        yield people


def waiting(fleet: Fleet) -> float:
    """How many facts the services have still to tell each other."""
    told = "".join(httpx.get(f"{fleet.where(name)}/metrics").text for name in SERVICES)
    return sum(float(line.rpartition(" ")[2]) for line in told.splitlines() if line.startswith("outbox_facts{"))


async def all_posts(doors: Doors) -> dict[int, Post]:
    """Whatever has been posted."""
    posts: dict[int, Post] = {}
    after = None
    while True:
        page = await doors.post.feed(FeedQuery(sort="new", after=after))
        posts |= {post.id: post for post in page.posts}
        if (after := page.after) is None:
            return posts


async def all_comments(doors: Doors) -> dict[int, Comment]:
    """Whatever has been commented."""
    comments: dict[int, Comment] = {}
    after = None
    while True:
        page = await doors.comment.newest(after=after)
        comments |= {comment.id: comment for comment in page.comments}
        if (after := page.after) is None:
            return comments


async def all_notices(doors: Doors, person_id: int) -> list[Notice]:
    """A person's whole inbox."""
    notices: list[Notice] = []
    after = None
    while True:
        page = await doors.account.inbox(person_id, after=after)
        notices += page.notices
        if (after := page.after) is None:
            return notices


def kill_at_random(killable: Killable, kills: int, known: Known) -> None:
    """Kill one after the other while writes are answered, each of them at least once."""
    print(f"seed {SEED}")  # noqa: T201 - shown if the test fails
    chance = random.Random(SEED)
    victims = killable.names()
    for victim in [*victims, *chance.choices(victims, k=kills - len(victims))]:
        known.wait_for_more(chance.randint(1, MOST_BETWEEN))
        killable.kill(victim)


async def test_killed_while_people_write(
    engine: str, killable: Killable, doors: Doors, people: dict[str, httpx.Client]
) -> None:
    """However often and wherever processes are killed, nothing answered is lost, and all is counted exactly once."""
    known = Known(posts={1})
    writers = [Person(visitor, name, known) for name, visitor in people.items()]
    for writer in writers:
        writer.start()
    await asyncio.to_thread(kill_at_random, killable, KILLS[engine], known)
    for writer in writers:
        await asyncio.to_thread(writer.stop)
    await asyncio.to_thread(eventually, lambda: waiting(killable.fleet) == 0)

    posts, comments = await all_posts(doors), await all_comments(doors)
    assert known.posts <= posts.keys()
    assert {number: (post.ups, post.downs) for number, post in posts.items()} == {
        number: known.tally(("post", number)) for number in posts
    }
    assert {number: written_as(comments[number]) for number in known.comments} == {
        number: (post, parent) for number, (post, parent, _) in known.comments.items()
    }
    assert {number: (comment.ups, comment.downs) for number, comment in comments.items()} == {
        number: known.tally(("comment", number)) for number in comments
    }
    texts = Counter(comment.html for comment in comments.values())
    assert max(texts.values()) == 1, "a comment is there twice"
    counted = Counter(comment.post_id for comment in comments.values())
    assert {number: post.comments for number, post in posts.items()} == {number: counted[number] for number in posts}
    for name in people:
        person = await doors.account.person(name)
        posted = [("post", number) for number, post in posts.items() if post.author.id == person.id]
        assert person.post_karma == sum(known.earned(thing, name) for thing in posted)
        said = [("comment", number) for number, comment in comments.items() if comment.author.id == person.id]
        assert person.comment_karma == sum(known.earned(thing, name) for thing in said)
        notices = [notice.comment_id for notice in await all_notices(doors, person.id)]
        assert sorted(filter(None, notices)) == sorted(
            number
            for number, comment in comments.items()
            if comment.author.id != person.id
            and person.id == (comments[comment.parent_id] if comment.parent_id else posts[comment.post_id]).author.id
        )


def written_as(comment: Comment) -> tuple[int, int | None]:
    """Where a comment hangs."""
    return comment.post_id, comment.parent_id
