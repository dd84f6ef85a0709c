"""What threads and lists of comments ask MongoDB for: each an aggregation that indexes serve."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from pymongo import ASCENDING, DESCENDING

from upthread.comment.model import CommentSort
from upthread.comment.mongo_documents import WITH_ITS_TEXT, WITH_ITS_THREAD
from upthread.comment.mongo_layout import COMMENT, COMMENT_REVISION
from upthread.comment.tree import Wanted
from upthread.cursor import Position
from upthread.ranking import SCOPE_WINDOW
from upthread.storage.mongo import Document


class Order(NamedTuple):
    """The field that a sort orders by, and in which direction; equals by id, in the same direction."""

    key: str
    direction: int

    def behind(self, wanted: Document, after: Position | None, tie: str = "_id") -> Document:
        """What is wanted and stands behind a place in this order.

        Two seeks in the index rather than a condition on both, with which it would walk through all entries of equal
        key, and most of a thread have no votes.
        """
        if after is None:
            return wanted
        beyond = "$lt" if self.direction == DESCENDING else "$gt"
        key, comment_id = after
        return {"$or": [{**wanted, self.key: key, tie: {beyond: comment_id}}, {**wanted, self.key: {beyond: key}}]}

    def stage(self, tie: str = "_id") -> Document:
        """Puts documents in this order."""
        return {"$sort": {self.key: self.direction, tie: self.direction}}


ORDERS: dict[CommentSort, Order] = {
    "best": Order("best", DESCENDING),
    "top": Order("score", DESCENDING),
    "new": Order("created_at", DESCENDING),
    "old": Order("created_at", ASCENDING),
    "controversial": Order("controversy", DESCENDING),
}
WITH_EARLIER_REVISIONS = {
    "$lookup": {
        "from": COMMENT_REVISION,
        "localField": "_id",
        "foreignField": "comment_id",
        "pipeline": [{"$sort": {"number": DESCENDING}}],
        "as": "earlier",
    }
}
"""Brings along what a comment said before, newest first."""
LAST_SAVED = Order("saved_at", DESCENDING)


def replies(post_id: int, wanted: Sequence[Wanted], order: Order, after: Position | None) -> list[Document]:
    """The first replies below each of these comments of a thread, in one query whose cost is what it reads.

    MongoDB takes a limit for each branch only as a constant of the pipeline, so branches of which about as many are
    wanted are read together, up to 1, up to 2, up to 4 and so on. (A stage for each of 500 branches would have to be
    planned each by itself.)
    """
    branches: defaultdict[int, list[int]] = defaultdict(list)
    parts: list[list[Document]] = []
    for part in wanted:
        if part.parent_id is None:
            top = order.behind({"post_id": post_id, "branch": -post_id}, after)
            parts.append([{"$match": top}, order.stage(), {"$limit": part.count}])
        else:
            branches[1 << (part.count - 1).bit_length()].append(part.parent_id)
    for limit, parent_ids in branches.items():
        lookup = {
            "from": COMMENT,
            "localField": "_id",
            "foreignField": "branch",
            "pipeline": [{"$match": order.behind({"post_id": post_id}, after)}, order.stage(), {"$limit": limit}],
            "as": "reply",
        }
        parts.append(
            [
                {"$match": {"_id": {"$in": parent_ids}, "post_id": post_id}},
                {"$project": {"_id": 1}},
                {"$lookup": lookup},
                {"$unwind": "$reply"},
                {"$replaceRoot": {"newRoot": "$reply"}},
            ]
        )
    first, *others = parts
    return [*first, *({"$unionWith": {"coll": COMMENT, "pipeline": other}} for other in others)]


def listed(wanted: Document, order: Order, after: Position | None, limit: int) -> list[Document]:
    """Comments that meet this, from a place on, with title and community."""
    return [{"$match": order.behind(wanted, after)}, order.stage(), {"$limit": limit}, WITH_ITS_THREAD]


def ranked(author_id: int, order: Order, after: Position | None, limit: int) -> list[Document]:
    """The newest comments of a person, as many as :data:`SCOPE_WINDOW`, in this order."""
    newest = [{"$match": {"author_id": author_id}}, ORDERS["new"].stage(), {"$limit": SCOPE_WINDOW}]
    return [*newest, *listed({}, order, after, limit)]


def saved(person_id: int, after: Position | None, limit: int) -> list[Document]:
    """The live comments that a person has saved, each beside when that was."""
    comment = {
        "from": COMMENT,
        "localField": "comment_id",
        "foreignField": "_id",
        "pipeline": [{"$match": {"state": "live"}}, WITH_ITS_THREAD],
        "as": "comment",
    }
    return [
        {"$match": LAST_SAVED.behind({"person_id": person_id}, after, tie="comment_id")},
        LAST_SAVED.stage(tie="comment_id"),
        {"$lookup": comment},
        {"$unwind": "$comment"},
        {"$limit": limit},
    ]


def written(post_id: int, after: Position | None, limit: int) -> list[Document]:
    """The live comments of a post with what was typed, oldest first."""
    order = ORDERS["old"]
    of_post = order.behind({"post_id": post_id, "state": "live"}, after)
    return [{"$match": of_post}, order.stage(), {"$limit": limit}, WITH_ITS_TEXT]
