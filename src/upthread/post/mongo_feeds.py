"""Which posts a feed shows, on MongoDB: every query reads pieces of indexes that the page's length bounds.

A feed of the whole site or of one community is a piece of one index. What no index holds in order is merged from
pieces of several: "top of the week" from its days, a home feed from the communities that a person follows. Given a list
of values for the first fields of an index and an order by those that follow, MongoDB walks along the pieces side by
side (it calls this SORT_MERGE), but only along 200; where there are more they are asked for by several queries.

Each query names its index, so that neither statistics nor a cached plan can ever make MongoDB read anything else.
"""

import asyncio

from pymongo import DESCENDING

from upthread.cursor import Position
from upthread.links import as_domain
from upthread.post.model import FeedQuery, FeedSort
from upthread.post.mongo_layout import COMMUNITY, MARK, POST, SUBSCRIPTION
from upthread.post.names import folded
from upthread.ranking import SCOPE_WINDOW, utc_day, window_start
from upthread.storage.mongo import Document, MongoDatabase

KEYS: dict[FeedSort, str] = {
    "hot": "hot",
    "active": "active",
    "new": "created_at",
    "hour": "score",
    "day": "score",
    "week": "score",
    "month": "score",
    "year": "score",
    "all": "score",
    "controversial": "controversy",
}
"""The field that each sort orders by, highest first; equals by id, newest first."""

PIECES = 100
"""Pieces of an index that one query merges: behind a cursor there are two of each."""
QUERIES = 8
"""Queries of one page that run at once. Where days of communities would need more, the days are left out."""
SCAN = 500
"""Entries of a whole order that are looked through before more pieces are merged. It changes the cost only."""

Pipeline = list[Document]
Entry = tuple[float, Document]
"""A post and the key by which it has its place in a feed."""


class Feeds:
    """Finds the posts of feeds in a database."""

    def __init__(self, database: MongoDatabase) -> None:
        self._database = database

    async def entries(self, query: FeedQuery, after: Position | None, now: int) -> list[Entry] | None:
        """The next posts in their order, one more than the page takes if there are more.

        Returns None if the community does not exist.
        """
        scope: Document = {}
        if query.community is not None:
            named = {"name_folded": folded(query.community)}
            community = await self._database.read(self._database.collection(COMMUNITY).find_one(named, ["_id"]))
            if community is None:
                return None
            scope = {"community_id": community["_id"]}
        if query.saved_by is not None or query.hidden_by is not None:
            return await self._listed(query, after)
        start = window_start(query.sort, now)
        if query.author_id is not None or query.domain is not None:
            pipeline, index = _of_one(query, after, start)
        elif query.subscribed_by is not None or start is not None:
            return await self._merged(query, after, scope, start, now)
        else:
            pipeline, index = _walk(query, after, scope), f"{_first(scope)}_{KEYS[query.sort]}"
        return await self._read(query, pipeline, index)

    async def _merged(
        self, query: FeedQuery, after: Position | None, scope: Document, start: int | None, now: int
    ) -> list[Entry]:
        """The best of several pieces of an index: one for each day, followed community, or both."""
        index = f"{_first(scope)}_{KEYS[query.sort]}"
        pieces: dict[str, list[int]] = {}
        if start is not None:
            pieces["day"] = list(range(utc_day(start), utc_day(now) + 1))
        if query.subscribed_by is not None:
            pieces["community_id"] = await self._followed(query.subscribed_by)
        parts = _parts(pieces)
        if len(parts) > 1:
            # Often there is no need: enough of the whole order's beginning is in the feed.
            pipeline = _scanned(query, after, scope, start, pieces.get("community_id"))
            found = await self._read(query, pipeline, index)
            if len(found) > query.limit:
                return found
        if len(parts) > QUERIES and "community_id" in pieces:
            # Along all posts of the followed communities, passing over those that are too old.
            del pieces["day"]
            parts = _parts(pieces)
        return await self._best_of(query, after, start, [scope | part for part in parts], by_day="day" in pieces)

    async def _best_of(
        self, query: FeedQuery, after: Position | None, start: int | None, scopes: list[Document], *, by_day: bool
    ) -> list[Entry]:
        best: list[Entry] = []
        for first in range(0, len(scopes), QUERIES):
            walks = []
            for scope in scopes[first : first + QUERIES]:
                index = f"{_first(scope)}_{'day_' * by_day}{KEYS[query.sort]}"
                walks.append(self._read(query, _walk(query, after, scope, start), index))
            found = [entry for walked in await asyncio.gather(*walks) for entry in walked]
            best = sorted([*best, *found], key=_place, reverse=True)[: query.limit + 1]
        return best

    async def _followed(self, person_id: int) -> list[int]:
        subscriptions = self._database.collection(SUBSCRIPTION).find({"person_id": person_id}, ["community_id"])
        return [each["community_id"] for each in await self._database.read(subscriptions.to_list())]

    async def _listed(self, query: FeedQuery, after: Position | None) -> list[Entry]:
        """The live posts of a person's own list, marked last first."""
        person, mark = (query.saved_by, "saved") if query.saved_by is not None else (query.hidden_by, "hidden")
        marked = {"person_id": person, "mark": mark}
        marks = await self._aggregate(
            MARK,
            [
                {"$match": behind(marked, "marked_at", "post_id", after)},
                {"$sort": {"marked_at": DESCENDING, "post_id": DESCENDING}},
                {"$lookup": {"from": POST, "localField": "post_id", "foreignField": "_id", "as": "posts"}},
                {"$match": {"posts.state": "live"}},
                {"$limit": query.limit + 1},
            ],
            "by_time",
        )
        return [(mark["marked_at"], mark["posts"][0]) for mark in marks]

    async def _read(self, query: FeedQuery, pipeline: Pipeline, index: str) -> list[Entry]:
        return [(post[KEYS[query.sort]], post) for post in await self._aggregate(POST, pipeline, index)]

    async def _aggregate(self, collection: str, pipeline: Pipeline, index: str) -> list[Document]:
        async def aggregate() -> list[Document]:
            cursor = await self._database.collection(collection).aggregate(pipeline, hint=index)
            return await cursor.to_list()

        return await self._database.read(aggregate())


def _place(entry: Entry) -> Position:
    key, post = entry
    return key, post["_id"]


def _first(scope: Document) -> str:
    """How the names of the indexes begin that serve this scope."""
    return "by_community" if "community_id" in scope else "by"


def behind(wanted: Document, key: str, tie: str, after: Position | None, more: Document | None = None) -> Document:
    """What is wanted and stands behind a place in the order by ``key`` and ``tie``; ``more`` is asked of the key.

    Two seeks in the index rather than a condition on both, with which it would walk through all entries of equal key.
    """
    more = more or {}
    if after is None:
        return {**wanted, **({key: more} if more else {})}
    return {
        "$or": [
            {**wanted, key: {"$eq": after[0], **more}, tie: {"$lt": after[1]}},
            {**wanted, key: {"$lt": after[0], **more}},
        ]
    }


def _next(query: FeedQuery, after: Position | None, scope: Document, start: int | None = None) -> Document:
    """Live posts of a scope behind the cursor, and among what the sort looks at."""
    wanted: Document = {"state": "live", **scope}
    if start is not None:
        wanted["created_at"] = {"$gte": start}
    return behind(wanted, KEYS[query.sort], "_id", after, {"$gt": 0} if query.sort == "controversial" else None)


def _best_first(query: FeedQuery) -> Document:
    return {"$sort": {KEYS[query.sort]: DESCENDING, "_id": DESCENDING}}


def _shown(query: FeedQuery) -> Pipeline:
    """As many as the page takes and one more, but nothing that the viewer has hidden.

    That is asked while walking, so that pages stay full.
    """
    limit = {"$limit": query.limit + 1}
    if query.viewer_id is None:
        return [limit]
    by_viewer = {"$match": {"person_id": query.viewer_id, "mark": "hidden"}}
    marks = {"from": MARK, "localField": "_id", "foreignField": "post_id", "pipeline": [by_viewer], "as": "hidden"}
    return [{"$lookup": marks}, {"$match": {"hidden": []}}, limit]


def _walk(query: FeedQuery, after: Position | None, scope: Document, start: int | None = None) -> Pipeline:
    """A piece of one index that is in the order of the feed, or several merged."""
    return [{"$match": _next(query, after, scope, start)}, _best_first(query), *_shown(query)]


def _scanned(
    query: FeedQuery, after: Position | None, scope: Document, start: int | None, followed: list[int] | None
) -> Pipeline:
    """What of a feed stands among the first entries of the order of the whole site or of its community."""
    in_feed: Document = {}
    if followed is not None:
        in_feed["community_id"] = {"$in": followed}
    if start is not None:
        in_feed["created_at"] = {"$gte": start}
    return [
        {"$match": _next(query, after, scope)},
        _best_first(query),
        {"$limit": SCAN},
        {"$match": in_feed},
        *_shown(query),
    ]


def _of_one(query: FeedQuery, after: Position | None, start: int | None) -> tuple[Pipeline, str]:
    """The posts of one author or domain and their index: exactly if by time, else the newest of them ranked.

    Indexes for every order of every author would make each vote dearer than these short lists are worth.
    """
    scope: Document = {"author_id": query.author_id}
    index = "by_author_created_at"
    if query.author_id is None:
        scope = {"domain": {"$eq": query.domain and as_domain(query.domain), "$gt": ""}}
        index = "by_domain_created_at"
    if query.sort == "new":
        return _walk(query, after, scope), index
    newest: Pipeline = [
        {"$match": {"state": "live", **scope}},
        {"$sort": {"created_at": DESCENDING, "_id": DESCENDING}},
        {"$limit": SCOPE_WINDOW},
    ]
    return [*newest, *_walk(query, after, {}, start)], index


def _parts(pieces: dict[str, list[int]]) -> list[Document]:
    """Conditions that together ask for all combinations of these values, each for at most :data:`PIECES` of them."""
    parts: list[Document] = [{}]
    size = PIECES
    for field, values in pieces.items():
        batches = [values[first : first + size] for first in range(0, len(values), size)]
        parts = [part | {field: {"$in": batch}} for part in parts for batch in batches]
        size //= max(1, min(size, len(values)))
    return parts
