"""What is done with posts, votes on them and marks, inside a write."""

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from upthread import links
from upthread.post import facts
from upthread.post.facts import Fact
from upthread.post.model import ImportedIds, Post, State, Tally, ThreadChanged, Vote
from upthread.post.names import folded
from upthread.post.sqlite_communities import add_activity, add_community
from upthread.post.sqlite_rows import read_post
from upthread.post.sqlite_search import index_post, reindex_post
from upthread.post.store import CommunityTexts, Mark, NewPost, Writing
from upthread.ranking import active, earns_karma, post_ranks, utc_day, vote_change
from upthread.storage import outbox
from upthread.storage.sqlite import inserted_id

IMPORTED = """
    SELECT import_key, post.id FROM json_each(?) CROSS JOIN post INDEXED BY post_by_import_key ON import_key = value
"""
"""The posts with these import keys, given as a JSON list."""
MARK_TABLES: dict[Mark, str] = {"saved": "saved_post", "hidden": "hidden_post"}


def add_post(connection: sqlite3.Connection, new: NewPost) -> Post | None:
    """Add a post and tell those it mentions; None if its community does not exist."""
    community = _community(connection, new.community)
    if community is None:
        return None
    post = read_post(connection, _insert(connection, community, new))
    index_post(connection, post.id, new.writing, post.community, post.author.name, post.domain)
    _tell_mentioned(connection, post, new.writing, new.created_at)
    return post


def import_posts(connection: sqlite3.Connection, posts: Mapping[str, NewPost]) -> ImportedIds:
    """Add posts from elsewhere whose key is not known, the communities they need, and their authors' karma."""
    ids = imported_ids(connection.execute(IMPORTED, (msgspec.json.encode(list(posts)).decode(),)))
    # In order of time, so that a community is as old as its first post, and later posts have higher ids.
    fresh = sorted(((key, new) for key, new in posts.items() if key not in ids), key=lambda item: item[1].created_at)
    for key, new in fresh:
        ids[key] = _import(connection, key, new)
    # At the end, because SQLite writes the search index out whenever another table is written in between.
    for key, new in fresh:
        if new.state == "live":
            index_post(connection, ids[key], new.writing, new.community, new.author.name, links.domain(new.url))
    return ImportedIds(ids=ids, added=len(fresh))


def imported_ids(rows: Iterable[sqlite3.Row]) -> dict[str, int]:
    """The answer of IMPORTED as ids by key."""
    return {row["import_key"]: row["id"] for row in rows}


def _import(connection: sqlite3.Connection, key: str, new: NewPost) -> int:
    community = _community(connection, new.community)
    if community is None:
        texts = CommunityTexts(title=new.community, description="", description_html="", rules="", rules_html="")
        add_community(connection, new.community, texts, new.created_at)
        community = _community(connection, new.community)
    post_id = _insert(connection, community, new, key)
    if earns_karma(new.author.id, voter_id=0):
        _add_karma(connection, new.author.id, new.ups - new.downs)
    if new.state != "live":
        bury(connection, post_id, new.state)
    return post_id


def _community(connection: sqlite3.Connection, name: str) -> Any:
    return connection.execute("SELECT id, name FROM community WHERE name_folded = ?", (folded(name),)).fetchone()


def _insert(connection: sqlite3.Connection, community: sqlite3.Row, new: NewPost, import_key: str | None = None) -> int:
    writing = new.writing
    ranks = post_ranks(new.ups, new.downs, new.created_at, last_comment_at=0)
    columns = {
        "community_id": community["id"],
        "title": writing.title,
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
        **ranks._asdict(),
        "flair": new.flair,
        "nsfw": new.nsfw,
        "locked": new.locked,
        "has_text": bool(writing.html),
        "import_key": import_key,
    }
    inserted = connection.execute(
        f"INSERT INTO post ({', '.join(columns)}) VALUES ({', '.join(f':{name}' for name in columns)})",  # noqa: S608 - names from above
        columns,
    )
    post_id = inserted_id(inserted)
    _add_revision(connection, post_id, 1, writing, new.created_at)
    add_activity(connection, community["id"], new.created_at, 1, posts=1)
    return post_id


def _add_revision(connection: sqlite3.Connection, post_id: int, number: int, writing: Writing, at: int) -> None:
    connection.execute(
        "INSERT INTO post_revision (post_id, number, title, text, created_at) VALUES (?, ?, ?, ?, ?)",
        (post_id, number, writing.title, writing.text, at),
    )
    if writing.html:
        connection.execute("INSERT OR REPLACE INTO post_text (post_id, html) VALUES (?, ?)", (post_id, writing.html))
    else:
        connection.execute("DELETE FROM post_text WHERE post_id = ?", (post_id,))


def revise(connection: sqlite3.Connection, post_id: int, writing: Writing, at: int) -> Post | None:
    """Make this the newest revision unless it says the same; None if there is no such live post."""
    newest = connection.execute(
        "SELECT number, post_revision.title, text FROM post_revision JOIN post ON id = post_id"
        " WHERE post_id = ? AND state = 'live' ORDER BY number DESC LIMIT 1",
        (post_id,),
    ).fetchone()
    if newest is None:
        return None
    if (newest["title"], newest["text"]) == (writing.title, writing.text):
        return read_post(connection, post_id)
    number = newest["number"] + 1
    _add_revision(connection, post_id, number, writing, at)
    connection.execute(
        "UPDATE post SET title = ?, has_text = ?, edited_at = ?, revisions = ? WHERE id = ?",
        (writing.title, bool(writing.html), at, number, post_id),
    )
    reindex_post(connection, post_id, writing)
    if newest["title"] != writing.title:
        _tell_changed(connection, post_id)
    post = read_post(connection, post_id)
    _tell_mentioned(connection, post, writing, at)
    return post


def bury(connection: sqlite3.Connection, post_id: int, state: State) -> None:
    """Destroy what a live post says and who wrote it; id, time, votes and comment count stay."""
    buried = connection.execute(
        "UPDATE post SET state = ?, title = '', url = '', domain = '', link_key = NULL, flair = '', author_id = 0,"
        " author_name = '', author_email = '', has_text = 0, edited_at = NULL, revisions = 1"
        " WHERE id = ? AND state = 'live' RETURNING community_id",
        (state, post_id),
    ).fetchone()
    if buried is None:
        return
    connection.execute("DELETE FROM post_text WHERE post_id = ?", (post_id,))
    connection.execute("DELETE FROM post_revision WHERE post_id = ?", (post_id,))
    connection.execute("DELETE FROM post_search WHERE rowid = ?", (post_id,))
    connection.execute("UPDATE community SET posts = posts - 1 WHERE id = ?", (buried["community_id"],))
    _tell_changed(connection, post_id)


def lock(connection: sqlite3.Connection, post_id: int, *, locked: bool) -> Post | None:
    """Set whether a live post takes comments; None if there is no such."""
    found = connection.execute(
        "UPDATE post SET locked = ? WHERE id = ? AND state = 'live' RETURNING id", (locked, post_id)
    ).fetchone()
    return read_post(connection, post_id) if found else None


def vote(connection: sqlite3.Connection, post_id: int, voter_id: int, chosen: Vote) -> Tally | None:
    """Set a vote on a live post, and whatever follows from it; None if there is no such post."""
    post = connection.execute(
        "SELECT ups, downs, created_at, last_comment_at, author_id FROM post WHERE id = ? AND state = 'live'",
        (post_id,),
    ).fetchone()
    if post is None:
        return None
    found = connection.execute(
        "SELECT vote FROM post_vote WHERE post_id = ? AND voter_id = ?", (post_id, voter_id)
    ).fetchone()
    before = found["vote"] if found else 0
    change = vote_change(before, chosen)
    tally = Tally(post["ups"] + change.ups, post["downs"] + change.downs, chosen)
    if chosen == before:
        return tally
    if chosen:
        connection.execute("INSERT OR REPLACE INTO post_vote VALUES (?, ?, ?)", (post_id, voter_id, chosen))
    else:
        connection.execute("DELETE FROM post_vote WHERE post_id = ? AND voter_id = ?", (post_id, voter_id))
    connection.execute(
        "UPDATE post SET ups = ?, downs = ?, score = ?, hot = ?, active = ?, controversy = ? WHERE id = ?",
        (
            tally.ups,
            tally.downs,
            *post_ranks(tally.ups, tally.downs, post["created_at"], post["last_comment_at"]),
            post_id,
        ),
    )
    if earns_karma(post["author_id"], voter_id):
        _add_karma(connection, post["author_id"], change.score)
    return tally


def set_mark(connection: sqlite3.Connection, mark: Mark, person_id: int, post_id: int, at: int) -> bool:
    """Put a live post into a person's list unless it is there; False if there is no such post."""
    if not connection.execute("SELECT 1 FROM post WHERE id = ? AND state = 'live'", (post_id,)).fetchone():
        return False
    connection.execute(
        f"INSERT OR IGNORE INTO {MARK_TABLES[mark]} VALUES (?, ?, ?)",  # noqa: S608 - a table's name from above
        (person_id, post_id, at),
    )
    return True


def clear_mark(connection: sqlite3.Connection, mark: Mark, person_id: int, post_id: int) -> None:
    """Take a post out of a person's list."""
    connection.execute(
        f"DELETE FROM {MARK_TABLES[mark]} WHERE person_id = ? AND post_id = ?",  # noqa: S608 - a table's name from above
        (person_id, post_id),
    )


def threads_changed(connection: sqlite3.Connection, events: list[ThreadChanged]) -> None:
    """Take over comment counts that are newer than what is known."""
    for event in events:
        _thread_changed(connection, event)


def _thread_changed(connection: sqlite3.Connection, event: ThreadChanged) -> None:
    post = connection.execute(
        "SELECT community_id, score, created_at, comments FROM post WHERE id = ? AND thread_revision < ?",
        (event.post_id, event.revision),
    ).fetchone()
    if post is None:
        return
    connection.execute(
        "UPDATE post SET comments = ?, last_comment_at = ?, thread_revision = ?, active = ? WHERE id = ?",
        (
            event.comments,
            event.last_comment_at,
            event.revision,
            active(post["score"], post["created_at"], event.last_comment_at),
            event.post_id,
        ),
    )
    if event.comments > post["comments"]:
        added = event.comments - post["comments"]
        add_activity(connection, post["community_id"], event.last_comment_at, added)


def erase_posts(connection: sqlite3.Connection, person_id: int, limit: int, *, with_content: bool) -> int:
    """Take a person's name off some of their live posts, and their content too if asked; how many that were."""
    ids = [
        row["id"]
        for row in connection.execute(
            "SELECT id FROM post INDEXED BY post_by_author_created_at WHERE author_id = ? AND state = 'live' LIMIT ?",
            (person_id, limit),
        ).fetchall()
    ]
    for post_id in ids:
        if with_content:
            bury(connection, post_id, "deleted")
        else:
            connection.execute("UPDATE post SET author_id = 0, author_name = '' WHERE id = ?", (post_id,))
            connection.execute("UPDATE post_search SET author = '' WHERE rowid = ?", (post_id,))
            _tell_changed(connection, post_id)
    return len(ids)


def forget_person(connection: sqlite3.Connection, person_id: int) -> None:
    """Remove a person's lists and karma; their votes stay counted."""
    for table in MARK_TABLES.values():
        connection.execute(f"DELETE FROM {table} WHERE person_id = ?", (person_id,))  # noqa: S608 - from above
    connection.execute("DELETE FROM author_karma WHERE author_id = ?", (person_id,))


def _add_karma(connection: sqlite3.Connection, author_id: int, earned: int) -> None:
    karma, revision = connection.execute(
        "INSERT INTO author_karma (author_id, karma, revision) VALUES (?, ?, 1)"
        " ON CONFLICT DO UPDATE SET karma = karma + excluded.karma, revision = revision + 1 RETURNING karma, revision",
        (author_id, earned),
    ).fetchone()
    _tell(connection, facts.karma(author_id, karma, revision))


def _tell_changed(connection: sqlite3.Connection, post_id: int) -> None:
    (revision,) = connection.execute(
        "UPDATE post SET told_revision = told_revision + 1 WHERE id = ? RETURNING told_revision", (post_id,)
    ).fetchone()
    _tell(connection, facts.changed(read_post(connection, post_id), revision))


def _tell_mentioned(connection: sqlite3.Connection, post: Post, writing: Writing, at: int) -> None:
    for name in writing.mentions:
        _tell(connection, facts.mention(post, name, writing.text, at))


def _tell(connection: sqlite3.Connection, fact: Fact) -> None:
    outbox.put(connection, fact.receiver, fact.key, fact.content)
