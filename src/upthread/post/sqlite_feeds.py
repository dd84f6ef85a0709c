"""Which posts a feed shows, in SQL: every statement reads pieces of indexes that the page's length bounds.

A feed of the whole site or of one community is a piece of one index. What no index holds in order is merged from
pieces of several: "top of the week" from its days, a home feed from the communities that a person follows. Each of
them gives at most a page, and the best of those make the page. Merges run in a thread, because their cost grows with
the number of days and communities.

The index of each statement is named in it, so that no statistics can ever talk SQLite into reading the whole table.
"""

# ruff: noqa: S608 - what is put into the statements are names from this file; values are always parameters

import math
from typing import Any

from upthread.cursor import LARGEST_ID, Position
from upthread.links import as_domain
from upthread.post.model import FeedQuery, FeedSort
from upthread.post.names import folded
from upthread.ranking import SCOPE_WINDOW, utc_day, window_start
from upthread.storage.sqlite import Database, Row

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
"""The column that each sort orders by, highest first; equals by id, newest first."""
WINDOWS = frozenset({"hour", "day", "week", "month", "year"})

SCANS = (60, 500)
"""Entries of a whole order that are looked through before many pieces are merged: few first, as that is often enough.
They change the cost only."""
BEFORE_ALL: Position = (math.inf, LARGEST_ID)
"""The place before the first post of any feed."""
DAYS = "WITH RECURSIVE days (day) AS (SELECT :first_day UNION ALL SELECT day + 1 FROM days WHERE day < :last_day)"


class Feeds:
    """Finds the posts of feeds in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def positions(self, query: FeedQuery, after: Position | None, now: int) -> list[Position] | None:
        """The places of the next posts in their order, one more than the page takes if there are more.

        Returns None if the community does not exist.
        """
        parameters = _parameters(query, after or BEFORE_ALL, now)
        if query.community is not None:
            found = self._database.row("SELECT id FROM community WHERE name_folded = ?", (folded(query.community),))
            if found is None:
                return None
            (parameters["community"],) = found
        if query.saved_by is not None or query.hidden_by is not None:
            statement = _listed("hidden_post" if query.saved_by is None else "saved_post")
        elif query.author_id is not None or query.domain is not None:
            statement = _of_one(query)
        elif query.subscribed_by is not None or query.sort in WINDOWS:
            return await self._merge(query, parameters)
        else:
            statement = _walk(query)
        return self._read(statement, parameters)

    async def _merge(self, query: FeedQuery, parameters: dict[str, Any]) -> list[Position]:
        if query.subscribed_by is not None or query.sort == "year":
            # These merge most pieces. Often there is no need: enough of the whole order's beginning is in the feed.
            statement = _scanned(query)
            for scan in SCANS:
                found = self._read(statement, {**parameters, "scan": scan})
                if len(found) > query.limit:
                    return found
        statement = _merged(query)
        return _positions(
            await self._database.slow(lambda connection: connection.execute(statement, parameters).fetchall())
        )

    def _read(self, statement: str, parameters: dict[str, Any]) -> list[Position]:
        return _positions(self._database.rows(statement, parameters))


def _positions(rows: list[Row]) -> list[Position]:
    return [(key, post_id) for post_id, key in rows]


def _parameters(query: FeedQuery, place: Position, now: int) -> dict[str, Any]:
    start = window_start(query.sort, now) or 0
    return {
        "key": place[0],
        "tie": place[1],
        "limit": query.limit + 1,
        "start": start,
        "first_day": utc_day(start),
        "last_day": utc_day(now),
        "person": next(filter(None, (query.subscribed_by, query.saved_by, query.hidden_by)), None),
        "author": query.author_id,
        "domain": query.domain and as_domain(query.domain),
        "viewer": query.viewer_id,
        "scope_window": SCOPE_WINDOW,
    }


def _ordered(key: str) -> str:
    """The end of a statement: by this key, as many as the page takes and one more."""
    return f"ORDER BY {key} DESC, tie DESC LIMIT :limit"


def _place(query: FeedQuery) -> list[str]:
    """Behind the cursor, and among what the sort looks at."""
    conditions = [f"({KEYS[query.sort]}, tie) < (:key, :tie)"]
    if query.sort == "controversial":
        conditions.append("controversy > 0")
    if query.sort in WINDOWS:
        conditions.append("created_at >= :start")
    return conditions


def _visible(query: FeedQuery) -> list[str]:
    """Not hidden by the viewer; asked while walking, so that pages stay full."""
    if query.viewer_id is None:
        return []
    return ["NOT EXISTS (SELECT 1 FROM hidden_post WHERE person_id = :viewer AND post_id = id)"]


def _walk(query: FeedQuery, scope: str = "", index: str | None = None) -> str:
    """A piece of one index that is in the order of the feed: of the whole site, of a community, or as told."""
    key = KEYS[query.sort]
    if index is None and query.community is not None:
        scope, index = "community_id = :community AND", f"post_by_community_{key}"
    conditions = " AND ".join(["state = 'live'", *_place(query), *_visible(query)])
    return f"""
        SELECT id, {key} AS key FROM post INDEXED BY {index or f"post_by_{key}"}
        WHERE {scope} {conditions} {_ordered(key)}
    """


def _merged(query: FeedQuery) -> str:
    """The best of what walks over several pieces of an index give: one for each day, followed community, or both."""
    key = KEYS[query.sort]
    days, sources, scope, index = "", [], "", "post_by"
    if query.subscribed_by is not None:
        sources.append("(SELECT community_id FROM subscription WHERE person_id = :person) AS followed")
        scope, index = "community_id = followed.community_id AND", "post_by_community"
    elif query.community is not None:
        scope, index = "community_id = :community AND", "post_by_community"
    if query.sort in WINDOWS:
        days = DAYS
        sources.append("days")
        scope, index = f"{scope} day = days.day AND", f"{index}_day"
    return f"""
        {days} SELECT post.id, {key} AS key FROM {" CROSS JOIN ".join(sources)}
        CROSS JOIN post ON post.id IN (SELECT id FROM ({_walk(query, scope, f"{index}_{key}")})) {_ordered(key)}
    """


def _scanned(query: FeedQuery) -> str:
    """What of a feed stands among the first entries of the order of the whole site or of its community."""
    key = KEYS[query.sort]
    scope, index, followed = "", f"post_by_{key}", []
    if query.subscribed_by is not None:
        followed = ["community_id IN (SELECT community_id FROM subscription WHERE person_id = :person)"]
    elif query.community is not None:
        scope, index = "community_id = :community AND", f"post_by_community_{key}"
    return f"""
        SELECT id, {key} AS key FROM (
            SELECT id, tie, {key}, controversy, created_at, community_id FROM post INDEXED BY {index}
            WHERE {scope} state = 'live' AND ({key}, tie) < (:key, :tie)
                {"AND controversy > 0" if query.sort == "controversial" else ""}
            ORDER BY {key} DESC, tie DESC LIMIT :scan
        ) AS entry WHERE {" AND ".join([*followed, *_place(query), *_visible(query)])} {_ordered(key)}
    """


def _of_one(query: FeedQuery) -> str:
    """The posts of one author or domain: exactly if by time, else the newest of them ranked.

    Indexes for every order of every author would make each vote dearer than these short lists are worth.
    """
    by_domain = query.author_id is None
    scope = "domain = :domain AND domain > '' AND" if by_domain else "author_id = :author AND"
    index = "post_by_domain_created_at" if by_domain else "post_by_author_created_at"
    if query.sort == "new":
        return _walk(query, scope, index)
    key = KEYS[query.sort]
    return f"""
        SELECT id, {key} AS key FROM (
            SELECT id, tie, score, hot, active, controversy, created_at FROM post INDEXED BY {index}
            WHERE {scope} state = 'live' ORDER BY created_at DESC, tie DESC LIMIT :scope_window
        ) AS newest WHERE {" AND ".join([*_place(query), *_visible(query)])} {_ordered(key)}
    """


def _listed(table: str) -> str:
    """The live posts of a person's own list, marked last first."""
    return f"""
        SELECT post_id AS id, marked_at AS key FROM {table} INDEXED BY {table}_by_time
        WHERE person_id = :person AND (marked_at, post_id) < (:key, :tie)
            AND EXISTS (SELECT 1 FROM post WHERE id = post_id AND state = 'live')
        ORDER BY marked_at DESC, post_id DESC LIMIT :limit
    """
