"""The comment room's SQLite file as records of a backup, and back."""

from collections.abc import Iterator, Sequence

import apsw
from msgspec.structs import asdict

from upthread.comment.records import (
    CommentKarma,
    CommentKey,
    CommentRecord,
    CommentRoomRecord,
    CommentSaved,
    CommentVote,
    ThreadRecord,
)
from upthread.comment.sqlite_search import index_comment
from upthread.storage.records import Counter, WaitingFact
from upthread.storage.sqlite_records import add, add_facts, read, read_counters, read_facts, set_counters

THREADS = """
SELECT post_id, author_id, title, community, comments, roots, last_comment_at, revision, post_revision
FROM thread ORDER BY post_id
"""
COMMENTS = """
SELECT id, comment.post_id, community, '[' || replace(above, '.', ',') || ']' AS above,
    comment.author_id, author_name, author_email, created_at, sent_created_at, edited_at, ups, downs, replies, state,
    (SELECT json_group_array(json_object('number', number, 'text', text, 'created_at', created_at))
     FROM (SELECT * FROM comment_revision WHERE comment_id = id ORDER BY number)) AS versions
FROM comment CROSS JOIN thread ON thread.post_id = comment.post_id ORDER BY id
"""
KEYS = (
    "SELECT import_key AS key, id AS comment_id, post_id FROM comment WHERE import_key IS NOT NULL ORDER BY import_key"
)
VOTES = "SELECT comment_id, voter_id, vote FROM comment_vote ORDER BY comment_id, voter_id"
SAVED = "SELECT person_id, comment_id, saved_at FROM saved_comment ORDER BY person_id, comment_id"
KARMA = "SELECT author_id, karma, revision FROM author_karma ORDER BY author_id"
NOT_COLUMNS = ("community", "versions")


def read_all(connection: apsw.Connection) -> Iterator[CommentRoomRecord]:
    """Everything that the room keeps."""
    yield from read(connection, ThreadRecord, THREADS)
    yield from read(connection, CommentRecord, COMMENTS)
    yield from read(connection, CommentKey, KEYS)
    yield from read(connection, CommentVote, VOTES)
    yield from read(connection, CommentSaved, SAVED)
    yield from read(connection, CommentKarma, KARMA)
    yield from read_facts(connection)
    yield from read_counters(connection)


def add_all(connection: apsw.Connection, records: Sequence[CommentRoomRecord]) -> None:
    """Add records to a file that had none, in the order in which they were read."""
    add(connection, "thread", [asdict(record) for record in records if isinstance(record, ThreadRecord)])
    _add_comments(connection, [record for record in records if isinstance(record, CommentRecord)])
    keys = [asdict(record) for record in records if isinstance(record, CommentKey)]
    connection.executemany("UPDATE comment SET import_key = :key WHERE id = :comment_id", keys)
    add(connection, "comment_vote", [asdict(record) for record in records if isinstance(record, CommentVote)])
    add(connection, "saved_comment", [asdict(record) for record in records if isinstance(record, CommentSaved)])
    add(connection, "author_karma", [asdict(record) for record in records if isinstance(record, CommentKarma)])
    add_facts(connection, [record for record in records if isinstance(record, WaitingFact)])
    set_counters(connection, [record for record in records if isinstance(record, Counter)])


def _add_comments(connection: apsw.Connection, comments: Sequence[CommentRecord]) -> None:
    written = [(comment, comment.writing()) for comment in comments]
    add(
        connection,
        "comment",
        [
            {
                **{name: value for name, value in asdict(comment).items() if name not in NOT_COLUMNS},
                **comment.ranks._asdict(),
                "above": ".".join(map(str, comment.above)),
                "parent_id": comment.above[-1] if comment.above else 0,
                "html": writing.html,
                "revisions": comment.revisions,
            }
            for comment, writing in written
        ],
    )
    versions = [{"comment_id": comment.id, **asdict(version)} for comment in comments for version in comment.versions]
    add(connection, "comment_revision", versions)
    # At the end, because SQLite writes the search index out whenever another table is written in between.
    for comment, writing in written:
        if comment.state == "live":
            index_comment(connection, comment.id, writing.plain, comment.community, comment.author_name)
