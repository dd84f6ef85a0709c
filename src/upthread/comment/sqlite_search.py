"""Full-text search over comments with FTS5: keeping the index, and asking it.

What people type never reaches FTS5 as syntax: each word is a quoted phrase. A community's or author's name is looked
for as a phrase in a column of its own, which narrows the search down within the index; because a phrase also matches a
part of a longer name, the names themselves are compared as well.
"""

import sqlite3
from typing import Any

import msgspec

from upthread.comment.model import CommentHit, CommentHits, SearchQuery
from upthread.comment.sqlite_rows import LISTED_BY_IDS, comment_of
from upthread.ranking import SEARCH_WINDOW
from upthread.storage.fulltext import HIT_BEGINS, HIT_ENDS, SNIPPET_WORDS, phrase, phrases, without_marks


def index_comment(connection: sqlite3.Connection, comment_id: int, plain: str, community: str, author: str) -> None:
    """Make a new comment findable."""
    connection.execute(
        "INSERT INTO comment_search (rowid, text, community, author) VALUES (?, ?, ?, ?)",
        (comment_id, without_marks(plain), community, author),
    )


def reindex_comment(connection: sqlite3.Connection, comment_id: int, plain: str) -> None:
    """Find a comment by its new words, no longer by the old ones."""
    connection.execute("UPDATE comment_search SET text = ? WHERE rowid = ?", (without_marks(plain), comment_id))


def search(connection: sqlite3.Connection, query: SearchQuery) -> CommentHits:
    """Live comments that match, best first among the newest; newest first where no words are asked for."""
    words = phrases(query.text)
    match = " AND ".join(
        ([f"text : ({words})"] if words else [])
        + [
            f"{column} : {phrase(name)}"
            for column, name in (("community", query.community), ("author", query.author))
            if name
        ]
    )
    parameters = {
        "match": match,
        "community": query.community,
        "author": query.author,
        "before": query.before,
        "after": query.after,
        "window": SEARCH_WINDOW,
        "offset": query.offset,
        "limit": query.limit + 1,
    }
    if match:
        ids = _matching(connection, query, parameters, by_words=bool(words))
    elif query.before is not None or query.after is not None:
        ids = _between(connection, parameters)
    else:
        ids = []
    return _hits(connection, ids, match, query.limit)


def _matching(
    connection: sqlite3.Connection, query: SearchQuery, parameters: dict[str, Any], *, by_words: bool
) -> list[int]:
    conditions = ["comment_search MATCH :match"]
    if query.community:
        conditions.append("thread.community = :community COLLATE NOCASE")
    if query.author:
        conditions.append("author_name = :author COLLATE NOCASE")
    if query.before is not None:
        conditions.append("created_at < :before")
    if query.after is not None:
        conditions.append("created_at >= :after")
    matching = f"""
        FROM comment_search CROSS JOIN comment ON comment.id = comment_search.rowid JOIN thread USING (post_id)
        WHERE {" AND ".join(conditions)}
    """
    newest = connection.execute(
        f"SELECT comment.id {matching} ORDER BY comment_search.rowid DESC LIMIT :window",
        parameters,
    ).fetchall()
    if not newest:
        return []
    best_first = "bm25(comment_search, 1.0, 0.0, 0.0)" if by_words else "created_at DESC"
    ranked = connection.execute(
        f"SELECT comment.id {matching} AND comment_search.rowid >= :oldest"
        f" ORDER BY {best_first}, comment.id DESC LIMIT :limit OFFSET :offset",
        {**parameters, "oldest": newest[-1]["id"]},
    )
    return [row["id"] for row in ranked]


def _between(connection: sqlite3.Connection, parameters: dict[str, Any]) -> list[int]:
    found = connection.execute(
        """
        SELECT id FROM comment INDEXED BY comment_by_time
        WHERE state = 'live' AND created_at >= coalesce(:after, created_at)
            AND created_at < coalesce(:before, created_at + 1)
        ORDER BY created_at DESC, tie DESC LIMIT :limit OFFSET :offset
        """,
        parameters,
    )
    return [row["id"] for row in found]


def _hits(connection: sqlite3.Connection, ids: list[int], match: str, limit: int) -> CommentHits:
    wanted = msgspec.json.encode(ids[:limit]).decode()
    snippets: dict[int, str] = {}
    if match:
        for row in connection.execute(
            """
            SELECT rowid AS id, snippet(comment_search, 0, :begins, :ends, '…', :words) AS text
            FROM comment_search WHERE comment_search MATCH :match AND rowid IN (SELECT value FROM json_each(:ids))
            """,
            {"begins": HIT_BEGINS, "ends": HIT_ENDS, "words": SNIPPET_WORDS, "match": match, "ids": wanted},
        ):
            snippets[row["id"]] = row["text"]
    comments = [comment_of(row) for row in connection.execute(LISTED_BY_IDS, (wanted,))]
    return CommentHits(
        hits=[CommentHit(comment, snippets.get(comment.id, "")) for comment in comments], more=len(ids) > limit
    )
