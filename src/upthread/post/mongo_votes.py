"""Votes on posts and what authors earn by them, in a transaction."""

from collections import Counter
from typing import NamedTuple

from pymongo import DeleteOne, UpdateOne

from upthread.post import facts
from upthread.post.model import Tally, Vote
from upthread.post.mongo_layout import AUTHOR_KARMA, POST, VOTE
from upthread.ranking import earns_karma, post_ranks, vote_change
from upthread.storage import mongo_outbox
from upthread.storage.mongo import Document, MongoDatabase, Session


class Ballot(NamedTuple):
    """How somebody wants to vote."""

    post_id: int
    voter_id: int
    vote: Vote


def vote_id(post_id: int, voter_id: int) -> str:
    """Under which id somebody's vote on a post is kept."""
    return f"{post_id}:{voter_id}"


async def cast(database: MongoDatabase, session: Session, ballots: list[Ballot]) -> list[Tally | None]:
    """Set votes on live posts one after the other, and whatever follows from them; None where there is no such post."""
    posts, votes = database.collection(POST), database.collection(VOTE)
    ids = list({ballot.post_id for ballot in ballots})
    found = await posts.find({"_id": {"$in": ids}, "state": "live"}, session=session).to_list()
    live = {post["_id"]: post for post in found}
    asked = list({vote_id(ballot.post_id, ballot.voter_id) for ballot in ballots})
    kept = await votes.find({"_id": {"$in": asked}}, session=session).to_list()
    before: dict[str, Vote] = {vote["_id"]: vote["vote"] for vote in kept}

    after = dict(before)
    earned: Counter[int] = Counter()
    tallies: list[Tally | None] = []
    for post_id, voter_id, vote in ballots:
        post, this_one = live.get(post_id), vote_id(post_id, voter_id)
        if post is None:
            tallies.append(None)
            continue
        change = vote_change(after.get(this_one, 0), vote)
        after[this_one] = vote
        post["ups"] += change.ups
        post["downs"] += change.downs
        if earns_karma(post["author_id"], voter_id):
            earned[post["author_id"]] += change.score
        tallies.append(Tally(post["ups"], post["downs"], vote))

    changed = {this_one: vote for this_one, vote in after.items() if vote != before.get(this_one, 0)}
    if changed:
        # The posts first: there votes of another process on the same post are noticed, and these begin anew.
        await posts.bulk_write([_recounted(post) for post in live.values()], session=session)
        settings = [_setting(this_one, vote) for this_one, vote in changed.items()]
        await votes.bulk_write(settings, ordered=False, session=session)  # one query for those set, one for those taken
        await add_karma(database, session, earned)
    return tallies


async def add_karma(database: MongoDatabase, session: Session, earned: Counter[int]) -> None:
    """Count what authors have earned, and tell of it."""
    earned = Counter({author_id: karma for author_id, karma in earned.items() if karma})
    if not earned:
        return
    authors = database.collection(AUTHOR_KARMA)
    known: dict[int, Document] = {}
    for author in await authors.find({"_id": {"$in": list(earned)}}, session=session).to_list():
        known[author["_id"]] = author
    changes, told = [], []
    for author_id, more in earned.items():
        changes.append(UpdateOne({"_id": author_id}, {"$inc": {"karma": more, "revision": 1}}, upsert=True))
        author = known.get(author_id, {"karma": 0, "revision": 0})
        told.append(facts.karma(author_id, author["karma"] + more, author["revision"] + 1))
    await authors.bulk_write(changes, session=session)
    await mongo_outbox.put(database, session, told)


def _recounted(post: Document) -> UpdateOne:
    ranks = post_ranks(post["ups"], post["downs"], post["created_at"], post["last_comment_at"])
    counts = {"ups": post["ups"], "downs": post["downs"], **ranks._asdict()}
    return UpdateOne({"_id": post["_id"]}, {"$set": counts})


def _setting(this_one: str, vote: Vote) -> UpdateOne | DeleteOne:
    if not vote:
        return DeleteOne({"_id": this_one})
    return UpdateOne({"_id": this_one}, {"$set": {"vote": vote}}, upsert=True)
