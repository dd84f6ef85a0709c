"""Full-text search over comments with FTS5: keeping the index, and asking it.

What people type never reaches FTS5 as syntax: each word is a quoted phrase. A community's or author's name is looked
for as a phrase in a column of its own, which narrows the search down within the index; because a phrase also matches a
part of a longer name, the names themselves are compared as well.
"""

from typing import Any

import apsw
import msgspec

from upthread.comment.model import CommentHit, CommentHits, SearchQuery
from upthread.comment.sqlite_rows import LISTED_BY_IDS, listed_of
from upthread.storage.fulltext import best_of_newest, newest_between, phrase, phrases, with_hits, without_marks


def index_comment(connection: apsw.Connection, comment_id: int, plain: str, community: str, author: str) -> None:
    """Make a new comment findable."""
    connection.execute(
        "INSERT INTO comment_search (rowid, text, community, author) VALUES (?, ?, ?, ?)",
        (comment_id, without_marks(plain), community, author),
    )


def reindex_comment(connection: apsw.Connection, comment_id: int, plain: str) -> None:
    """Find a comment by its new words, no longer by the old ones."""
    connection.execute("UPDATE comment_search SET text = ? WHERE rowid = ?", (without_marks(plain), comment_id))


def search(connection: apsw.Connection, query: SearchQuery) -> CommentHits:
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
        "offset": query.offset,
        "limit": query.limit + 1,
    }
    if match:
        ids = _matching(connection, query, parameters, by_words=bool(words))
    elif query.before is not None or query.after is not None:
        ids = newest_between(connection, "comment", "comment_by_time", parameters)
    else:
        ids = []
    return _hits(connection, ids, match, query.limit)


def _matching(
    connection: apsw.Connection, query: SearchQuery, parameters: dict[str, Any], *, by_words: bool
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
    best_first = "bm25(comment_search, 1.0, 0.0, 0.0)" if by_words else "created_at DESC"
    return best_of_newest(connection, "comment", matching, best_first, parameters)


def _hits(connection: apsw.Connection, ids: list[int], match: str, limit: int) -> CommentHits:
    shown = ids[:limit]
    columns = "snippet(comment_search, 0, :begins, :ends, '…', :words)"
    snippets: dict[int, str] = dict(with_hits(connection, "comment", columns, match, shown))
    found = connection.execute(LISTED_BY_IDS, (msgspec.json.encode(shown).decode(),))
    return CommentHits(
        hits=[CommentHit(comment, snippets.get(comment.id, "")) for comment in map(listed_of, found)],
        more=len(ids) > limit,
    )
