"""What is done with comments, votes on them and saved lists, inside a write."""

from collections.abc import Sequence
from typing import NamedTuple

import apsw

from upthread.comment import facts
from upthread.comment.facts import Fact
from upthread.comment.model import Comment, PostChanged, State, Tally, ThreadRef, Vote
from upthread.comment.sqlite_rows import read_comment
from upthread.comment.sqlite_search import index_comment, reindex_comment
from upthread.comment.store import NewComment, Writing
from upthread.ranking import comment_ranks, earns_karma, vote_change
from upthread.storage import outbox
from upthread.storage.sqlite import inserted_id


class Place(NamedTuple):
    """Where a comment hangs: the id of its parent, and that one's path from the top of the thread."""

    parent_id: int
    path: str


TOP = Place(0, "")


def place_below(comment_id: int, above: str) -> Place:
    """The place of a reply to a comment that has this path."""
    return Place(comment_id, f"{above}.{comment_id}" if above else str(comment_id))


def add_comment(
    connection: apsw.Connection, thread: ThreadRef, parent_id: int | None, new: NewComment
) -> Comment | None:
    """Add a comment to its thread, and tell those it answers and mentions; None if its parent is not live there."""
    place = TOP
    if parent_id is not None:
        parent = connection.execute(
            "SELECT id, above FROM comment WHERE id = ? AND post_id = ? AND state = 'live'", (parent_id, new.post_id)
        ).fetchone()
        if parent is None:
            return None
        place = place_below(*parent)
    keep_threads(connection, [thread])
    comment_id = insert_comment(connection, new, place)
    index_comment(connection, comment_id, new.writing.plain, thread.community, new.author.name)
    grow_branches(connection, {place.parent_id: 1} if parent_id else {})
    grow_thread(connection, new.post_id, comments=1, roots=int(place == TOP), last_comment_at=new.created_at)
    comment = read_comment(connection, comment_id)
    answered_id, answered_name = _answered(connection, comment)
    if answered_id > 0 and answered_id != new.author.id:
        tell(connection, facts.reply(comment, answered_id, new.writing.plain))
    _tell_mentioned(connection, comment, new.writing, answered_name, new.created_at)
    return comment


def keep_threads(connection: apsw.Connection, threads: Sequence[ThreadRef]) -> None:
    """Keep what is said of these threads, unless something is kept already: that is as new or newer."""
    connection.executemany(
        "INSERT INTO thread (post_id, author_id, title, community) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [(thread.post_id, thread.author_id, thread.title, thread.community) for thread in threads],
    )


def insert_comment(connection: apsw.Connection, new: NewComment, place: Place, import_key: str | None = None) -> int:
    """Add a comment, with its first revision if it is live; its id."""
    connection.execute(
        """
        INSERT INTO comment (post_id, parent_id, above, author_id, author_name, author_email, html,
            created_at, sent_created_at, edited_at, ups, downs, best, controversy, state, import_key)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        (
            new.post_id,
            place.parent_id,
            place.path,
            new.author.id,
            new.author.name,
            new.author_email,
            new.writing.html,
            new.created_at,
            new.sent_created_at,
            new.edited_at,
            new.ups,
            new.downs,
            *comment_ranks(new.ups, new.downs),
            new.state,
            import_key,
        ),
    )
    comment_id = inserted_id(connection)
    if new.state == "live":
        _add_revision(connection, comment_id, 1, new.writing, new.created_at)
    return comment_id


def grow_branches(connection: apsw.Connection, replies: dict[int, int]) -> None:
    """Count new replies: how many below which comment."""
    connection.executemany(
        "UPDATE comment SET replies = replies + ? WHERE id = ?", [(added, above) for above, added in replies.items()]
    )


def grow_thread(connection: apsw.Connection, post_id: int, *, comments: int, roots: int, last_comment_at: int) -> None:
    """Count new comments of a thread, and tell the post room."""
    thread = connection.execute(
        "UPDATE thread SET comments = comments + ?, roots = roots + ?, last_comment_at = max(last_comment_at, ?),"
        " revision = revision + 1 WHERE post_id = ? RETURNING comments, last_comment_at, revision",
        (comments, roots, last_comment_at, post_id),
    ).get
    tell(connection, facts.thread_changed(post_id, *thread))


def _add_revision(connection: apsw.Connection, comment_id: int, number: int, writing: Writing, created_at: int) -> None:
    connection.execute(
        "INSERT INTO comment_revision (comment_id, number, text, created_at) VALUES (?, ?, ?, ?)",
        (comment_id, number, writing.text, created_at),
    )


def revise(connection: apsw.Connection, comment_id: int, writing: Writing, at: int) -> Comment | None:
    """Make this the newest revision unless it says the same; None if there is no such live comment."""
    newest = connection.execute(
        "SELECT number, text FROM comment_revision WHERE comment_id = ? ORDER BY number DESC LIMIT 1", (comment_id,)
    ).fetchone()
    if newest is None:
        return None
    number, text = newest
    if text == writing.text:
        return read_comment(connection, comment_id)
    _add_revision(connection, comment_id, number + 1, writing, at)
    connection.execute(
        "UPDATE comment SET html = ?, edited_at = ?, revisions = ? WHERE id = ?",
        (writing.html, at, number + 1, comment_id),
    )
    reindex_comment(connection, comment_id, writing.plain)
    comment = read_comment(connection, comment_id)
    _, answered_name = _answered(connection, comment)
    _tell_mentioned(connection, comment, writing, answered_name, at)
    return comment


def bury(connection: apsw.Connection, comment_id: int, state: State) -> None:
    """Destroy what a live comment says and who wrote it; place, time and votes stay."""
    connection.execute(
        "UPDATE comment SET state = ?, html = '', author_id = 0, author_name = '', author_email = '', edited_at = NULL,"
        " revisions = 1 WHERE id = ? AND state = 'live'",
        (state, comment_id),
    )
    if connection.changes():
        connection.execute("DELETE FROM comment_revision WHERE comment_id = ?", (comment_id,))
        connection.execute("DELETE FROM comment_search WHERE rowid = ?", (comment_id,))


def vote(connection: apsw.Connection, comment_id: int, voter_id: int, chosen: Vote) -> Tally | None:
    """Set a vote on a live comment, and whatever follows from it; None if there is no such comment."""
    comment = connection.execute(
        """
        SELECT ups, downs, author_id, coalesce(vote, 0) AS before
        FROM comment LEFT JOIN comment_vote ON comment_id = id AND voter_id = ? WHERE id = ? AND state = 'live'
        """,
        (voter_id, comment_id),
    ).fetchone()
    if comment is None:
        return None
    ups, downs, author_id, before = comment
    change = vote_change(before, chosen)
    tally = Tally(ups + change.ups, downs + change.downs, chosen)
    if chosen == before:
        return tally
    if chosen:
        connection.execute("INSERT OR REPLACE INTO comment_vote VALUES (?, ?, ?)", (comment_id, voter_id, chosen))
    else:
        connection.execute("DELETE FROM comment_vote WHERE comment_id = ? AND voter_id = ?", (comment_id, voter_id))
    connection.execute(
        "UPDATE comment SET ups = ?, downs = ?, best = ?, controversy = ? WHERE id = ?",
        (tally.ups, tally.downs, *comment_ranks(tally.ups, tally.downs), comment_id),
    )
    if earns_karma(author_id, voter_id):
        add_karma(connection, author_id, change.score)
    return tally


def save(connection: apsw.Connection, person_id: int, comment_id: int, at: int) -> bool:
    """Put a live comment into a person's list unless it is there; False if there is no such comment."""
    if not connection.execute("SELECT 1 FROM comment WHERE id = ? AND state = 'live'", (comment_id,)).fetchone():
        return False
    connection.execute("INSERT OR IGNORE INTO saved_comment VALUES (?, ?, ?)", (person_id, comment_id, at))
    return True


def unsave(connection: apsw.Connection, person_id: int, comment_id: int) -> None:
    """Take a comment out of a person's list."""
    connection.execute("DELETE FROM saved_comment WHERE person_id = ? AND comment_id = ?", (person_id, comment_id))


def posts_changed(connection: apsw.Connection, events: Sequence[PostChanged]) -> None:
    """Take over titles, communities and authors that are newer than what is kept."""
    connection.executemany(
        "UPDATE thread SET title = ?, community = ?, author_id = ?, post_revision = ?"
        " WHERE post_id = ? AND post_revision < ?",
        [
            (event.title, event.community, event.author_id, event.revision, event.post_id, event.revision)
            for event in events
        ],
    )


def erase_comments(connection: apsw.Connection, person_id: int, limit: int, *, with_content: bool) -> int:
    """Take a person's name off some of their comments, and their content too if asked; how many that were."""
    ids = [
        comment_id
        for (comment_id,) in connection.execute(
            "SELECT id FROM comment INDEXED BY comment_by_author_time WHERE author_id = ? AND author_id > 0 LIMIT ?",
            (person_id, limit),
        )
    ]
    for comment_id in ids:
        if with_content:
            bury(connection, comment_id, "deleted")
        else:
            connection.execute("UPDATE comment SET author_id = 0, author_name = '' WHERE id = ?", (comment_id,))
            connection.execute("UPDATE comment_search SET author = '' WHERE rowid = ?", (comment_id,))
    return len(ids)


def forget_person(connection: apsw.Connection, person_id: int) -> None:
    """Remove a person's list and karma; their votes stay counted."""
    connection.execute("DELETE FROM saved_comment WHERE person_id = ?", (person_id,))
    connection.execute("DELETE FROM author_karma WHERE author_id = ?", (person_id,))


def add_karma(connection: apsw.Connection, author_id: int, earned: int) -> None:
    """Add to what a person's comments have earned, and tell the account room."""
    karma, revision = connection.execute(
        "INSERT INTO author_karma (author_id, karma, revision) VALUES (?, ?, 1)"
        " ON CONFLICT DO UPDATE SET karma = karma + excluded.karma, revision = revision + 1 RETURNING karma, revision",
        (author_id, earned),
    ).get
    tell(connection, facts.karma(author_id, karma, revision))


def tell(connection: apsw.Connection, fact: Fact) -> None:
    """Leave a fact for another service."""
    outbox.put(connection, fact.receiver, fact.key, fact.content)


def _answered(connection: apsw.Connection, comment: Comment) -> tuple[int, str]:
    """Who wrote what this comment answers. Of the author of a post only the id is known here, not the name."""
    if comment.parent_id:
        statement = "SELECT author_id, author_name FROM comment WHERE id = ?"
    else:
        statement = "SELECT author_id, '' FROM thread WHERE post_id = ?"
    author_id, author_name = connection.execute(statement, (comment.parent_id or comment.post_id,)).get
    return author_id, author_name


def _tell_mentioned(
    connection: apsw.Connection, comment: Comment, writing: Writing, answered_name: str, at: int
) -> None:
    for name in writing.mentions:
        if name.lower() != answered_name.lower():  # who is answered has been told already
            tell(connection, facts.mention(comment, name, writing.plain, at))
