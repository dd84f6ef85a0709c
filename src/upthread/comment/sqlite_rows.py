"""How rows of the comment room's tables become its types: the columns to read, and what to make of them."""

from collections.abc import Iterable
from typing import Any

import apsw

from upthread.account.model import Author
from upthread.comment.model import Comment, WrittenComment
from upthread.storage.sqlite import Row

COMMENT = """
    comment.id, comment.post_id, parent_id, above, comment.author_id, author_name, html, created_at, edited_at,
    ups, downs, replies, state, revisions
"""
"""As threads show it."""
LISTED = f"{COMMENT}, title, community"
"""As lists show it, which join its thread."""

LISTED_BY_ID = f"SELECT {LISTED} FROM comment JOIN thread USING (post_id) WHERE comment.id = ?"  # noqa: S608 - no input in it
LISTED_BY_IDS = f"""
    SELECT {LISTED} FROM json_each(?) AS wanted CROSS JOIN comment ON comment.id = wanted.value
    JOIN thread USING (post_id)
"""  # noqa: S608 - no input in it
"""Takes a JSON array of ids; the rows come in its order."""
COMMENTS_BY_IDS = f"SELECT {COMMENT} FROM json_each(?) AS wanted CROSS JOIN comment ON comment.id = wanted.value"  # noqa: S608 - no input in it
"""The same."""

WRITTEN = """
    SELECT comment.id, post_id, author_id, author_name, author_email, text, comment.created_at, sent_created_at
    FROM comment INDEXED BY comment_by_post_time
    CROSS JOIN comment_revision ON comment_id = comment.id AND number = revisions
    WHERE post_id = ? AND state = 'live' AND (comment.created_at, tie) > (?, ?)
    ORDER BY comment.created_at, tie LIMIT ?
"""
"""Takes a post, a place among its comments, and how many to read."""


def comment_of(row: Iterable[Any], title: str = "", community: str = "") -> Comment:
    """The comment in a row of the columns :data:`COMMENT`."""
    (
        comment_id, post_id, parent_id, above, author_id, author_name, html, created_at, edited_at,
        ups, downs, replies, state, revisions,
    ) = row  # fmt: skip
    return Comment(
        id=comment_id,
        post_id=post_id,
        parent_id=parent_id or None,
        above=above,
        author=Author(author_id, author_name),
        html=html,
        created_at=created_at,
        edited_at=edited_at,
        ups=ups,
        downs=downs,
        replies=replies,
        state=state,
        revisions=revisions,
        title=title,
        community=community,
    )


def listed_of(row: Iterable[Any]) -> Comment:
    """The comment in a row of the columns :data:`LISTED`."""
    *columns, title, community = row
    return comment_of(columns, title, community)


def written_of(row: Row) -> WrittenComment:
    """The comment in a row of :data:`WRITTEN`."""
    comment_id, post_id, author_id, author_name, email, text, created_at, sent_created_at = row
    return WrittenComment(
        id=comment_id,
        post_id=post_id,
        author=Author(author_id, author_name),
        email=email,
        text=text,
        created_at=created_at,
        sent_created_at=sent_created_at,
    )


def read_comment(connection: apsw.Connection, comment_id: int) -> Comment:
    """A comment that is there, as the running transaction sees it."""
    return listed_of(connection.execute(LISTED_BY_ID, (comment_id,)).get)
