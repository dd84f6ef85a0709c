"""What every room's full-text search with FTS5 shares: how words are asked for, how hits are found and marked.

What people type never reaches FTS5 as syntax: each word is a quoted phrase. A room names its tables in the statements
here, never anything that a person typed.
"""

# ruff: noqa: S608 - what is put into the statements are the rooms' own names; values are always parameters

from typing import Any

import apsw
import msgspec

from upthread.ranking import SEARCH_WINDOW
from upthread.storage.sqlite import Row

WORDS_LIMIT = 20
"""Words of a search that are looked for; more of them only make it slow."""
SHORTEST_BEGINNING = 3
"""Letters from which on a last word may be the beginning of a longer one: fewer begin half of all words.

Scripts that write no spaces are not held to it.
"""
HIT_BEGINS, HIT_ENDS = "\ue000", "\ue001"
"""Private-use characters, which are taken out of what is indexed: only a hit can have them."""
SNIPPET_WORDS = 24


def phrases(text: str) -> str:
    """The words of a text, each quoted, the last one also as the beginning of a longer word."""
    words = text.split()[:WORDS_LIMIT]
    if not words:
        return ""
    unfinished = len(words[-1]) >= SHORTEST_BEGINNING or not words[-1].isascii()
    return " ".join(map(phrase, words)) + (" *" if unfinished else "")


def phrase(text: str) -> str:
    """A text quoted, so that nothing in it is syntax."""
    return '"' + text.replace("\0", "").replace('"', '""') + '"'


def without_marks(text: str) -> str:
    """A text as it may be indexed."""
    return text.replace(HIT_BEGINS, "").replace(HIT_ENDS, "")


def best_of_newest(
    connection: apsw.Connection, table: str, matching: str, best_first: str, parameters: dict[str, Any]
) -> list[int]:
    """Ids of matches, best first among the newest :data:`SEARCH_WINDOW` of them, so that a common word stays cheap.

    Args:
        connection: where to ask.
        table: whose rows are found; ``<table>_search`` is its index.
        matching: the statement from FROM on, with its conditions.
        best_first: the expression to order by.
        parameters: what ``matching`` needs, ``limit`` and ``offset``.
    """
    newest = connection.execute(
        f"SELECT {table}.id {matching} ORDER BY {table}_search.rowid DESC LIMIT :window",
        {**parameters, "window": SEARCH_WINDOW},
    ).fetchall()
    if not newest:
        return []
    ranked = connection.execute(
        f"SELECT {table}.id {matching} AND {table}_search.rowid >= :oldest"
        f" ORDER BY {best_first}, {table}.id DESC LIMIT :limit OFFSET :offset",
        {**parameters, "oldest": newest[-1][0]},
    )
    return [row_id for (row_id,) in ranked]


def newest_between(connection: apsw.Connection, table: str, index: str, parameters: dict[str, Any]) -> list[int]:
    """Ids of live rows made ``after`` and ``before`` a time, newest first, through an index by time."""
    found = connection.execute(
        f"""
        SELECT id FROM {table} INDEXED BY {index}
        WHERE state = 'live' AND created_at >= coalesce(:after, created_at)
            AND created_at < coalesce(:before, created_at + 1)
        ORDER BY created_at DESC, tie DESC LIMIT :limit OFFSET :offset
        """,
        parameters,
    )
    return [row_id for (row_id,) in found]


def with_hits(connection: apsw.Connection, table: str, columns: str, match: str, ids: list[int]) -> list[Row]:
    """The ids and ``columns`` of these rows of a search index; they may use ``:begins``, ``:ends`` and ``:words``.

    It is one walk over all matches between the lowest and the highest id, because FTS5 would begin the search anew for
    each of a list of ids.
    """
    if not match or not ids:
        return []
    return connection.execute(
        f"""
        SELECT rowid, {columns} FROM {table}_search WHERE {table}_search MATCH :match
            AND rowid BETWEEN :lowest AND :highest AND +rowid IN (SELECT value FROM json_each(:ids))
        """,
        {
            "begins": HIT_BEGINS,
            "ends": HIT_ENDS,
            "words": SNIPPET_WORDS,
            "match": match,
            "lowest": min(ids),
            "highest": max(ids),
            "ids": msgspec.json.encode(ids).decode(),
        },
    ).fetchall()
