"""Full-text search over posts and communities with FTS5: keeping the index, and asking it.

What people type never reaches FTS5 as syntax: each word is a quoted phrase. A community's, author's or domain's name
is looked for as a phrase in a column of its own, which narrows the search down within the index; because a phrase also
matches a part of a longer name, the names themselves are compared as well.
"""

from collections.abc import Iterable
from typing import Any

import apsw
import msgspec

from upthread.links import as_domain
from upthread.post.model import Community, PostHit, PostHits, SearchQuery
from upthread.post.names import folded, with_its_words
from upthread.post.sqlite_rows import COMMUNITY, POSTS_BY_ID, community_of, post_of
from upthread.post.store import CommunityTexts, Writing
from upthread.storage.fulltext import (
    HIT_BEGINS,
    best_of_newest,
    newest_between,
    phrase,
    phrases,
    with_hits,
    without_marks,
)

SearchRow = tuple[int, str, str, str, str, str]
TITLE_WEIGHT = 8.0
"""How much more a hit in the title counts than one in the text."""


def index_post(
    connection: apsw.Connection, post_id: int, writing: Writing, community: str, author: str, domain: str
) -> None:
    """Make a new post findable."""
    index_posts(connection, [search_row(post_id, writing, community, author, domain)])


def index_posts(connection: apsw.Connection, rows: Iterable[SearchRow]) -> None:
    """Make new posts findable."""
    connection.executemany(
        "INSERT INTO post_search (rowid, title, text, community, author, domain) VALUES (?, ?, ?, ?, ?, ?)", rows
    )


def search_row(post_id: int, writing: Writing, community: str, author: str, domain: str) -> SearchRow:
    """What is indexed of a post."""
    return post_id, without_marks(writing.title), without_marks(writing.plain), community, author, domain


def reindex_post(connection: apsw.Connection, post_id: int, writing: Writing) -> None:
    """Find a post by its new words, no longer by the old ones."""
    connection.execute(
        "UPDATE post_search SET title = ?, text = ? WHERE rowid = ?",
        (without_marks(writing.title), without_marks(writing.plain), post_id),
    )


def index_community(connection: apsw.Connection, community_id: int, name: str, texts: CommunityTexts) -> None:
    """Make a community findable by its name, by the words that capitals show in it, and by what it says."""
    connection.execute("DELETE FROM community_search WHERE rowid = ?", (community_id,))
    connection.execute(
        "INSERT INTO community_search (rowid, name, title, description) VALUES (?, ?, ?, ?)",
        (community_id, with_its_words(name), texts.title, texts.description),
    )


def find_communities(connection: apsw.Connection, text: str, limit: int) -> list[Community]:
    """Communities with these words (the last one may be unfinished), best first."""
    words = phrases(text)
    if not words:
        return []
    found = connection.execute(
        f"""
        SELECT {COMMUNITY}, community_text.description, description_html
        FROM community_search CROSS JOIN community ON community.id = community_search.rowid
        JOIN community_text ON community_id = community.id
        WHERE community_search MATCH ? ORDER BY bm25(community_search, 10.0, 5.0, 1.0), subscribers DESC LIMIT ?
        """,  # noqa: S608 - no input in it
        (words, limit),
    )
    return [community_of(row) for row in found]


def search(connection: apsw.Connection, query: SearchQuery) -> PostHits:
    """Live posts that match, best first among the newest; newest first where no words are asked for."""
    names = {
        "community": query.community,
        "author": query.author,
        "domain": query.domain and as_domain(query.domain),
    }
    words = phrases(query.text)
    match = " AND ".join(
        ([f"{{title text}} : ({words})"] if words else [])
        + [f"{column} : {phrase(name)}" for column, name in names.items() if name]
    )
    parameters: dict[str, Any] = {
        **names,
        "community": query.community and folded(query.community),
        "match": match,
        "before": query.before,
        "after": query.after,
        "offset": query.offset,
        "limit": query.limit + 1,
    }
    if match:
        ids = _matching(connection, query, parameters, by_words=bool(words))
    elif query.before is not None or query.after is not None:
        ids = newest_between(connection, "post", "post_by_created_at", parameters)
    else:
        return PostHits(hits=[], more=False)
    return _hits(connection, ids, match, query.limit)


def _matching(
    connection: apsw.Connection, query: SearchQuery, parameters: dict[str, Any], *, by_words: bool
) -> list[int]:
    conditions = ["post_search MATCH :match"]
    if query.community:
        conditions.append("community_id = (SELECT id FROM community WHERE name_folded = :community)")
    if query.author:
        conditions.append("author_name = :author COLLATE NOCASE")
    if query.domain:
        conditions.append("post.domain = :domain")
    if query.before is not None:
        conditions.append("created_at < :before")
    if query.after is not None:
        conditions.append("created_at >= :after")
    matching = f"FROM post_search CROSS JOIN post ON post.id = post_search.rowid WHERE {' AND '.join(conditions)}"
    best_first = f"bm25(post_search, {TITLE_WEIGHT}, 1.0, 0.0, 0.0, 0.0)" if by_words else "created_at DESC"
    return best_of_newest(connection, "post", matching, best_first, parameters)


def _hits(connection: apsw.Connection, ids: list[int], match: str, limit: int) -> PostHits:
    shown = ids[:limit]
    snippets: dict[int, str] = {}
    snippet = "snippet(post_search, 1, :begins, :ends, '…', :words) AS text"
    columns = f"{snippet}, highlight(post_search, 0, :begins, :ends) AS title"
    for post_id, text, title in with_hits(connection, "post", columns, match, shown):
        in_title_only = HIT_BEGINS in title and HIT_BEGINS not in text
        snippets[post_id] = title if in_title_only else text
    found = connection.execute(POSTS_BY_ID, (msgspec.json.encode(shown).decode(),))
    return PostHits(
        hits=[PostHit(post, snippets.get(post.id, "")) for post in map(post_of, found)], more=len(ids) > limit
    )
