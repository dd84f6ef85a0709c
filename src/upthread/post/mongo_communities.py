"""What is done with communities in a transaction."""

from typing import NamedTuple

import msgspec
from pymongo import UpdateOne

from upthread.account.model import Author
from upthread.post.mongo_layout import COMMUNITY, COMMUNITY_TEXT, SUBSCRIPTION
from upthread.post.names import folded, with_its_words
from upthread.post.store import CommunityTexts
from upthread.ranking import community_activity
from upthread.storage.mongo import Document, MongoDatabase, Session
from upthread.words import words_of


class Activity(NamedTuple):
    """Posts or comments that a community got at one time."""

    community_id: int
    at: int
    interactions: int
    posts: int = 0
    """How many live posts it has more."""


async def add_community(
    database: MongoDatabase, session: Session, community_id: int, name: str, texts: CommunityTexts, at: int
) -> None:
    """Add a community.

    Raises:
        DuplicateKeyError: the name is taken.
    """
    community = {
        "_id": community_id,
        "name": name,
        "name_folded": folded(name),
        "title": texts.title,
        "created_at": at,
        "subscribers": 0,
        "posts": 0,
        "activity": 0.0,
        "moderators": [],
    }
    await database.collection(COMMUNITY).insert_one(community, session=session)
    await database.collection(COMMUNITY_TEXT).insert_one(
        {"_id": community_id, **texts_of_community(name, texts)}, session=session
    )


async def appoint(database: MongoDatabase, session: Session, community_id: int, founder: Author) -> None:
    """Make somebody the moderator of a new community that they follow from now on."""
    moderator = {"id": founder.id, "name": founder.name}
    await database.collection(COMMUNITY).update_one(
        {"_id": community_id}, {"$push": {"moderators": moderator}}, session=session
    )
    await subscribe(database, session, founder.id, community_id, subscribed=True)


async def change_community(database: MongoDatabase, session: Session, name: str, texts: CommunityTexts) -> bool:
    """Change what a community says about itself; False if there is none."""
    changed = await database.collection(COMMUNITY).find_one_and_update(
        {"name_folded": folded(name)}, {"$set": {"title": texts.title}}, ["name"], session=session
    )
    if changed is None:
        return False
    await database.collection(COMMUNITY_TEXT).update_one(
        {"_id": changed["_id"]}, {"$set": texts_of_community(changed["name"], texts)}, session=session
    )
    return True


async def subscribe(
    database: MongoDatabase, session: Session, person_id: int, community_id: int, *, subscribed: bool
) -> None:
    """Follow a community or stop, unless it is so."""
    subscriptions = database.collection(SUBSCRIPTION)
    subscription = {"person_id": person_id, "community_id": community_id}
    if (await subscriptions.find_one(subscription, session=session) is not None) == subscribed:
        return
    # The community first: there another request of the same person is noticed, and this one begins anew.
    one_more = {"$inc": {"subscribers": 1 if subscribed else -1}}
    await database.collection(COMMUNITY).update_one({"_id": community_id}, one_more, session=session)
    if subscribed:
        await subscriptions.insert_one(subscription, session=session)
    else:
        await subscriptions.delete_one(subscription, session=session)


async def leave_all(database: MongoDatabase, session: Session, person_id: int) -> None:
    """End what somebody follows and moderates."""
    subscriptions, communities = database.collection(SUBSCRIPTION), database.collection(COMMUNITY)
    followed = await subscriptions.find({"person_id": person_id}, session=session).to_list()
    ids = [subscription["community_id"] for subscription in followed]
    await communities.update_many({"_id": {"$in": ids}}, {"$inc": {"subscribers": -1}}, session=session)
    await subscriptions.delete_many({"person_id": person_id}, session=session)
    await communities.update_many(
        {"moderators.id": person_id}, {"$pull": {"moderators": {"id": person_id}}}, session=session
    )


async def add_activity(database: MongoDatabase, session: Session, gained: list[Activity]) -> None:
    """Count what communities got towards their activity and their number of posts."""
    communities = database.collection(COMMUNITY)
    ids = list({each.community_id for each in gained})
    found = await communities.find({"_id": {"$in": ids}}, ["activity"], session=session).to_list()
    activity: dict[int, float] = {community["_id"]: community["activity"] for community in found}
    posts = dict.fromkeys(activity, 0)
    for community_id, at, interactions, more in gained:
        activity[community_id] = community_activity(activity[community_id], at, interactions)
        posts[community_id] += more
    changes = [
        UpdateOne({"_id": each}, {"$set": {"activity": activity[each]}, "$inc": {"posts": posts[each]}})
        for each in activity
    ]
    if changes:
        await communities.bulk_write(changes, session=session)


async def drop_posts(database: MongoDatabase, session: Session, counts: dict[int, int]) -> None:
    """Count so many posts less in each of these communities."""
    changes = [UpdateOne({"_id": each}, {"$inc": {"posts": -count}}) for each, count in counts.items()]
    if changes:
        await database.collection(COMMUNITY).bulk_write(changes, session=session)


def texts_of_community(name: str, texts: CommunityTexts) -> Document:
    """What a community says, as it is shown and found."""
    named = with_its_words(name)
    return {
        **msgspec.structs.asdict(texts),
        "name_words": words_of(named),
        "title_words": words_of(texts.title),
        "words": words_of(f"{named} {texts.title} {texts.description}"),
    }
