"""What is done with posts, votes on them and marks, inside a write."""

from collections.abc import Mapping
from typing import Any

import apsw

from upthread import links
from upthread.post import facts
from upthread.post.facts import Fact
from upthread.post.model import Post, State, Tally, ThreadChanged, Vote
from upthread.post.names import folded
from upthread.post.sqlite_communities import add_activity, add_posts
from upthread.post.sqlite_rows import read_post
from upthread.post.sqlite_search import index_post, reindex_post
from upthread.post.store import Mark, NewPost, Writing
from upthread.ranking import active, earns_karma, post_ranks, utc_day, vote_change
from upthread.storage import outbox
from upthread.storage.sqlite import inserted_id

ADD_REVISION = "INSERT INTO post_revision (post_id, number, title, text, created_at) VALUES (?, ?, ?, ?, ?)"
MARK_TABLES: dict[Mark, str] = {"saved": "saved_post", "hidden": "hidden_post"}


def add_post(connection: apsw.Connection, new: NewPost) -> Post | None:
    """Add a post and tell those it mentions; None if its community does not exist."""
    community_id: int | None = connection.execute(
        "SELECT id FROM community WHERE name_folded = ?", (folded(new.community),)
    ).get
    if community_id is None:
        return None
    post = read_post(connection, _insert(connection, community_id, new))
    index_post(connection, post.id, new.writing, post.community, post.author.name, post.domain)
    _tell_mentioned(connection, post, new.writing, new.created_at)
    return post


def _insert(connection: apsw.Connection, community_id: int, new: NewPost) -> int:
    columns = post_columns(community_id, new)
    connection.execute(
        f"INSERT INTO post ({', '.join(columns)}) VALUES ({', '.join(f':{name}' for name in columns)})",  # noqa: S608 - our own names
        columns,
    )
    post_id = inserted_id(connection)
    add_writings(connection, {post_id: new})
    add_posts(connection, community_id, [new.created_at], 1)
    return post_id


def post_columns(community_id: int, new: NewPost) -> dict[str, Any]:
    """The row of a new post; what is not said here is as it is for every new one."""
    ranks = post_ranks(new.ups, new.downs, new.created_at, last_comment_at=0)
    return {
        "community_id": community_id,
        "title": new.writing.title,
        "url": new.url,
        "domain": links.domain(new.url),
        "link_key": links.key(new.url),
        "author_id": new.author.id,
        "author_name": new.author.name,
        "author_email": new.author_email,
        "created_at": new.created_at,
        "sent_created_at": new.sent_created_at,
        "day": utc_day(new.created_at),
        "edited_at": new.edited_at,
        "ups": new.ups,
        "downs": new.downs,
        "score": ranks.score,
        "hot": ranks.hot,
        "active": ranks.active,
        "controversy": ranks.controversy,
        "flair": new.flair,
        "nsfw": new.nsfw,
        "locked": new.locked,
        "has_text": bool(new.writing.html),
    }


def add_writings(connection: apsw.Connection, posts: Mapping[int, NewPost]) -> None:
    """What new posts say, by their ids."""
    revisions = [(post_id, 1, new.writing.title, new.writing.text, new.created_at) for post_id, new in posts.items()]
    connection.executemany(ADD_REVISION, revisions)
    # Not OR REPLACE: it would make SQLite copy each page first, which takes twenty times as long.
    texts = [(post_id, new.writing.html) for post_id, new in posts.items() if new.writing.html]
    connection.executemany("INSERT INTO post_text (post_id, html) VALUES (?, ?)", texts)


def _add_revision(connection: apsw.Connection, post_id: int, number: int, writing: Writing, at: int) -> None:
    connection.execute(ADD_REVISION, (post_id, number, writing.title, writing.text, at))
    if writing.html:
        connection.execute("INSERT OR REPLACE INTO post_text (post_id, html) VALUES (?, ?)", (post_id, writing.html))
    else:
        connection.execute("DELETE FROM post_text WHERE post_id = ?", (post_id,))


def revise(connection: apsw.Connection, post_id: int, writing: Writing, at: int) -> Post | None:
    """Make this the newest revision unless it says the same; None if there is no such live post."""
    newest = connection.execute(
        "SELECT number, post_revision.title, text FROM post_revision JOIN post ON id = post_id"
        " WHERE post_id = ? AND state = 'live' ORDER BY number DESC LIMIT 1",
        (post_id,),
    ).fetchone()
    if newest is None:
        return None
    last_number, title, text = newest
    if (title, text) == (writing.title, writing.text):
        return read_post(connection, post_id)
    number = last_number + 1
    _add_revision(connection, post_id, number, writing, at)
    connection.execute(
        "UPDATE post SET title = ?, has_text = ?, edited_at = ?, revisions = ? WHERE id = ?",
        (writing.title, bool(writing.html), at, number, post_id),
    )
    reindex_post(connection, post_id, writing)
    if title != writing.title:
        _tell_changed(connection, post_id)
    post = read_post(connection, post_id)
    _tell_mentioned(connection, post, writing, at)
    return post


def bury(connection: apsw.Connection, post_id: int, state: State) -> None:
    """Destroy what a live post says and who wrote it; id, time, votes and comment count stay."""
    community_id: int | None = connection.execute(
        "UPDATE post SET state = ?, title = '', url = '', domain = '', link_key = NULL, flair = '', author_id = 0,"
        " author_name = '', author_email = '', has_text = 0, edited_at = NULL, revisions = 1"
        " WHERE id = ? AND state = 'live' RETURNING community_id",
        (state, post_id),
    ).get
    if community_id is None:
        return
    connection.execute("DELETE FROM post_text WHERE post_id = ?", (post_id,))
    connection.execute("DELETE FROM post_revision WHERE post_id = ?", (post_id,))
    connection.execute("DELETE FROM post_search WHERE rowid = ?", (post_id,))
    connection.execute("UPDATE community SET posts = posts - 1 WHERE id = ?", (community_id,))
    _tell_changed(connection, post_id)


def lock(connection: apsw.Connection, post_id: int, *, locked: bool) -> Post | None:
    """Set whether a live post takes comments; None if there is no such."""
    found = connection.execute(
        "UPDATE post SET locked = ? WHERE id = ? AND state = 'live' RETURNING id", (locked, post_id)
    ).fetchone()
    return read_post(connection, post_id) if found else None


def vote(connection: apsw.Connection, post_id: int, voter_id: int, chosen: Vote) -> Tally | None:
    """Set a vote on a live post, and whatever follows from it; None if there is no such post."""
    post = connection.execute(
        """
        SELECT ups, downs, created_at, last_comment_at, author_id, coalesce(vote, 0)
        FROM post LEFT JOIN post_vote ON post_id = id AND voter_id = ? WHERE id = ? AND state = 'live'
        """,
        (voter_id, post_id),
    ).fetchone()
    if post is None:
        return None
    ups, downs, created_at, last_comment_at, author_id, before = post
    change = vote_change(before, chosen)
    tally = Tally(ups + change.ups, downs + change.downs, chosen)
    if chosen == before:
        return tally
    if chosen:
        connection.execute("INSERT OR REPLACE INTO post_vote VALUES (?, ?, ?)", (post_id, voter_id, chosen))
    else:
        connection.execute("DELETE FROM post_vote WHERE post_id = ? AND voter_id = ?", (post_id, voter_id))
    connection.execute(
        "UPDATE post SET ups = ?, downs = ?, score = ?, hot = ?, active = ?, controversy = ? WHERE id = ?",
        (tally.ups, tally.downs, *post_ranks(tally.ups, tally.downs, created_at, last_comment_at), post_id),
    )
    if earns_karma(author_id, voter_id):
        add_karma(connection, author_id, change.score)
    return tally


def set_mark(connection: apsw.Connection, mark: Mark, person_id: int, post_id: int, at: int) -> bool:
    """Put a live post into a person's list unless it is there; False if there is no such post."""
    if not connection.execute("SELECT 1 FROM post WHERE id = ? AND state = 'live'", (post_id,)).fetchone():
        return False
    connection.execute(
        f"INSERT OR IGNORE INTO {MARK_TABLES[mark]} VALUES (?, ?, ?)",  # noqa: S608 - a table's name from above
        (person_id, post_id, at),
    )
    return True


def clear_mark(connection: apsw.Connection, mark: Mark, person_id: int, post_id: int) -> None:
    """Take a post out of a person's list."""
    connection.execute(
        f"DELETE FROM {MARK_TABLES[mark]} WHERE person_id = ? AND post_id = ?",  # noqa: S608 - a table's name from above
        (person_id, post_id),
    )


def threads_changed(connection: apsw.Connection, events: list[ThreadChanged]) -> None:
    """Take over comment counts that are newer than what is known."""
    for event in events:
        _thread_changed(connection, event)


def _thread_changed(connection: apsw.Connection, event: ThreadChanged) -> None:
    post = connection.execute(
        "SELECT community_id, score, created_at, comments FROM post WHERE id = ? AND thread_revision < ?",
        (event.post_id, event.revision),
    ).fetchone()
    if post is None:
        return
    community_id, score, created_at, comments = post
    connection.execute(
        "UPDATE post SET comments = ?, last_comment_at = ?, thread_revision = ?, active = ? WHERE id = ?",
        (
            event.comments,
            event.last_comment_at,
            event.revision,
            active(score, created_at, event.last_comment_at),
            event.post_id,
        ),
    )
    if event.comments > comments:
        add_activity(connection, community_id, event.last_comment_at, event.comments - comments)


def erase_posts(connection: apsw.Connection, person_id: int, limit: int, *, with_content: bool) -> int:
    """Take a person's name off some of their live posts, and their content too if asked; how many that were."""
    ids = [
        post_id
        for (post_id,) in connection.execute(
            "SELECT id FROM post INDEXED BY post_by_author_created_at WHERE author_id = ? AND state = 'live' LIMIT ?",
            (person_id, limit),
        )
    ]
    for post_id in ids:
        if with_content:
            bury(connection, post_id, "deleted")
        else:
            connection.execute("UPDATE post SET author_id = 0, author_name = '' WHERE id = ?", (post_id,))
            connection.execute("UPDATE post_search SET author = '' WHERE rowid = ?", (post_id,))
            _tell_changed(connection, post_id)
    return len(ids)


def forget_person(connection: apsw.Connection, person_id: int) -> None:
    """Remove a person's lists and karma; their votes stay counted."""
    for table in MARK_TABLES.values():
        connection.execute(f"DELETE FROM {table} WHERE person_id = ?", (person_id,))  # noqa: S608 - from above
    connection.execute("DELETE FROM author_karma WHERE author_id = ?", (person_id,))


def add_karma(connection: apsw.Connection, author_id: int, earned: int) -> None:
    """Add to what an author has earned here, and tell the sum."""
    karma, revision = connection.execute(
        "INSERT INTO author_karma (author_id, karma, revision) VALUES (?, ?, 1)"
        " ON CONFLICT DO UPDATE SET karma = karma + excluded.karma, revision = revision + 1 RETURNING karma, revision",
        (author_id, earned),
    ).get
    _tell(connection, facts.karma(author_id, karma, revision))


def _tell_changed(connection: apsw.Connection, post_id: int) -> None:
    revision: int = connection.execute(
        "UPDATE post SET told_revision = told_revision + 1 WHERE id = ? RETURNING told_revision", (post_id,)
    ).get
    _tell(connection, facts.changed(read_post(connection, post_id), revision))


def _tell_mentioned(connection: apsw.Connection, post: Post, writing: Writing, at: int) -> None:
    for name in writing.mentions:
        _tell(connection, facts.mention(post, name, writing.text, at))


def _tell(connection: apsw.Connection, fact: Fact) -> None:
    outbox.put(connection, fact.receiver, fact.key, fact.content)
