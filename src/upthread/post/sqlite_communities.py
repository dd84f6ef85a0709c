"""What is done with communities inside a write."""

from collections.abc import Iterable
from functools import reduce

import apsw
import msgspec

from upthread.account.model import Author
from upthread.post.model import Community
from upthread.post.names import folded
from upthread.post.sqlite_rows import find_community
from upthread.post.sqlite_search import index_community
from upthread.post.store import CommunityTexts
from upthread.ranking import community_activity


def add_community(connection: apsw.Connection, name: str, texts: CommunityTexts, at: int) -> int | None:
    """Add a community; None if the name is taken."""
    community_id: int | None = connection.execute(
        "INSERT INTO community (name, name_folded, title, created_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (name_folded) DO NOTHING RETURNING id",
        (name, folded(name), texts.title, at),
    ).get
    if community_id is None:
        return None
    connection.execute(
        "INSERT INTO community_text (community_id, description, description_html, rules, rules_html)"
        " VALUES (:community_id, :description, :description_html, :rules, :rules_html)",
        {"community_id": community_id, **msgspec.structs.asdict(texts)},
    )
    index_community(connection, community_id, name, texts)
    return community_id


def found_community(
    connection: apsw.Connection, name: str, texts: CommunityTexts, founder: Author | None, at: int
) -> Community | None:
    """Add a community that its founder, if it has one, moderates and follows; None if the name is taken."""
    community_id = add_community(connection, name, texts, at)
    if community_id is None:
        return None
    if founder is None:
        return find_community(connection, name)
    connection.execute("INSERT INTO moderator VALUES (?, ?, ?)", (community_id, founder.id, founder.name))
    return subscribe(connection, founder.id, name, subscribed=True)


def change_community(connection: apsw.Connection, name: str, texts: CommunityTexts) -> Community | None:
    """Change what a community says about itself; None if there is none."""
    changed = connection.execute(
        "UPDATE community SET title = ? WHERE name_folded = ? RETURNING id, name", (texts.title, folded(name))
    ).fetchone()
    if changed is None:
        return None
    community_id, its_name = changed
    connection.execute(
        "UPDATE community_text SET description = :description, description_html = :description_html, rules = :rules,"
        " rules_html = :rules_html WHERE community_id = :community_id",
        {"community_id": community_id, **msgspec.structs.asdict(texts)},
    )
    index_community(connection, community_id, its_name, texts)
    return find_community(connection, name)


def subscribe(connection: apsw.Connection, person_id: int, name: str, *, subscribed: bool) -> Community | None:
    """Follow a community or stop; None if there is none."""
    community = find_community(connection, name)
    if community is None:
        return None
    statement = (
        "INSERT OR IGNORE INTO subscription (person_id, community_id) VALUES (?, ?)"
        if subscribed
        else "DELETE FROM subscription WHERE person_id = ? AND community_id = ?"
    )
    connection.execute(statement, (person_id, community.id))
    if connection.changes():
        connection.execute(
            "UPDATE community SET subscribers = subscribers + ? WHERE id = ?", (1 if subscribed else -1, community.id)
        )
    return find_community(connection, name)


def leave_all(connection: apsw.Connection, person_id: int) -> None:
    """End what somebody follows and moderates."""
    connection.execute(
        "UPDATE community SET subscribers = subscribers - 1"
        " WHERE id IN (SELECT community_id FROM subscription WHERE person_id = ?)",
        (person_id,),
    )
    connection.execute("DELETE FROM subscription WHERE person_id = ?", (person_id,))
    connection.execute("DELETE FROM moderator WHERE person_id = ?", (person_id,))


def add_posts(connection: apsw.Connection, community_id: int, times: Iterable[int], live: int) -> None:
    """Count posts made at these times towards the activity of their community, and the live ones among its posts."""
    activity = reduce(community_activity, times, _activity(connection, community_id))
    connection.execute(
        "UPDATE community SET activity = ?, posts = posts + ? WHERE id = ?", (activity, live, community_id)
    )


def add_activity(connection: apsw.Connection, community_id: int, at: int, comments: int) -> None:
    """Count comments that a community got at one time towards its activity."""
    activity = community_activity(_activity(connection, community_id), at, comments)
    connection.execute("UPDATE community SET activity = ? WHERE id = ?", (activity, community_id))


def _activity(connection: apsw.Connection, community_id: int) -> float:
    return float(connection.execute("SELECT activity FROM community WHERE id = ?", (community_id,)).get)
