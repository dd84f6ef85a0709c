"""Votes on comments and what authors earn by them, in a transaction."""

from collections import Counter
from typing import NamedTuple

from pymongo import DeleteOne, UpdateOne

from upthread.comment import facts
from upthread.comment.facts import Fact
from upthread.comment.model import Tally, Vote
from upthread.comment.mongo_layout import AUTHOR_KARMA, COMMENT, VOTE
from upthread.ranking import comment_ranks, earns_karma, vote_change
from upthread.storage import mongo_outbox
from upthread.storage.mongo import Document, MongoDatabase, Session


class Ballot(NamedTuple):
    """How somebody wants to vote."""

    comment_id: int
    voter_id: int
    vote: Vote


def vote_id(comment_id: int, voter_id: int) -> str:
    """Under which id somebody's vote on a comment is kept."""
    return f"{comment_id}:{voter_id}"


async def cast(database: MongoDatabase, session: Session, ballots: list[Ballot]) -> list[Tally | None]:
    """Set votes on live comments one after the other, and whatever follows; None where there is no such comment."""
    comments, votes = database.collection(COMMENT), database.collection(VOTE)
    ids = list({ballot.comment_id for ballot in ballots})
    found = await comments.find({"_id": {"$in": ids}, "state": "live"}, session=session).to_list()
    live = {comment["_id"]: comment for comment in found}
    asked = list({vote_id(ballot.comment_id, ballot.voter_id) for ballot in ballots})
    kept = await votes.find({"_id": {"$in": asked}}, session=session).to_list()
    before: dict[str, Vote] = {vote["_id"]: vote["vote"] for vote in kept}

    after = dict(before)
    earned: Counter[int] = Counter()
    tallies: list[Tally | None] = []
    for comment_id, voter_id, vote in ballots:
        comment, this_one = live.get(comment_id), vote_id(comment_id, voter_id)
        if comment is None:
            tallies.append(None)
            continue
        change = vote_change(after.get(this_one, 0), vote)
        after[this_one] = vote
        comment["ups"] += change.ups
        comment["downs"] += change.downs
        if earns_karma(comment["author_id"], voter_id):
            earned[comment["author_id"]] += change.score
        tallies.append(Tally(comment["ups"], comment["downs"], vote))

    changed = {this_one: vote for this_one, vote in after.items() if vote != before.get(this_one, 0)}
    if changed:
        # The comments first: there votes of another process on the same one are noticed, and these begin anew.
        await comments.bulk_write([_recounted(comment) for comment in live.values()], session=session)
        settings = [_setting(this_one, vote) for this_one, vote in changed.items()]
        await votes.bulk_write(settings, ordered=False, session=session)  # one query for those set, one for those taken
        await mongo_outbox.put(database, session, await add_karma(database, session, earned))
    return tallies


async def add_karma(database: MongoDatabase, session: Session, earned: Counter[int]) -> list[Fact]:
    """Count what authors have earned; what the account room is to be told of it."""
    gained = {author_id: more for author_id, more in earned.items() if more}
    if not gained:
        return []
    authors = database.collection(AUTHOR_KARMA)
    await authors.bulk_write(
        [
            UpdateOne({"_id": author_id}, {"$inc": {"karma": more, "revision": 1}}, upsert=True)
            for author_id, more in gained.items()
        ],
        session=session,
    )
    changed = await authors.find({"_id": {"$in": list(gained)}}, session=session).to_list()
    return [facts.karma(author["_id"], author["karma"], author["revision"]) for author in changed]


def ranks(ups: int, downs: int) -> Document:
    """The fields of a comment that votes decide."""
    return {"ups": ups, "downs": downs, "score": ups - downs, **comment_ranks(ups, downs)._asdict()}


def _recounted(comment: Document) -> UpdateOne:
    # With the post, by which comments are sharded.
    this_one = {"_id": comment["_id"], "post_id": comment["post_id"]}
    return UpdateOne(this_one, {"$set": ranks(comment["ups"], comment["downs"])})


def _setting(this_one: str, vote: Vote) -> UpdateOne | DeleteOne:
    return UpdateOne({"_id": this_one}, {"$set": {"vote": vote}}, upsert=True) if vote else DeleteOne({"_id": this_one})
