"""How rows of the post room's tables become its types: the columns to read, and what to make of them."""

import sqlite3

import msgspec

from upthread.account.model import Author
from upthread.post.model import Community, Post
from upthread.post.names import folded

POST = """
    post.id, (SELECT name FROM community WHERE community.id = post.community_id) AS community, title, url, domain,
    has_text, author_id, author_name, created_at, edited_at, ups, downs, comments, flair, nsfw, locked, state,
    revisions, sent_created_at
"""

POST_BY_ID = (
    f"SELECT {POST}, coalesce(html, '') AS html FROM post LEFT JOIN post_text ON post_id = post.id WHERE post.id = ?"  # noqa: S608 - no input in it
)
POSTS_BY_ID = f"SELECT {POST}, '' AS html FROM json_each(?) AS wanted CROSS JOIN post ON post.id = wanted.value"  # noqa: S608 - no input in it
"""Takes a JSON array of ids; the rows come in its order."""

COMMUNITY = "community.id, community.name, community.title, created_at, subscribers, posts"
COMMUNITY_BY_NAME = f"""
    SELECT {COMMUNITY}, description, description_html, rules, rules_html,
        (SELECT json_group_array(json_array(person_id, moderator.name)) FROM moderator WHERE community_id = id)
            AS moderators
    FROM community JOIN community_text ON community_id = id WHERE name_folded = ?
"""  # noqa: S608 - no input in it


def post_of(row: sqlite3.Row) -> Post:
    """The post in a row of the columns above."""
    return Post(
        id=row["id"],
        community=row["community"],
        title=row["title"],
        url=row["url"],
        domain=row["domain"],
        html=row["html"],
        has_text=bool(row["has_text"]),
        author=Author(row["author_id"], row["author_name"]),
        created_at=row["created_at"],
        edited_at=row["edited_at"],
        ups=row["ups"],
        downs=row["downs"],
        comments=row["comments"],
        flair=row["flair"],
        nsfw=bool(row["nsfw"]),
        locked=bool(row["locked"]),
        state=row["state"],
        revisions=row["revisions"],
        sent_created_at=row["sent_created_at"],
    )


def community_of(row: sqlite3.Row) -> Community:
    """The community in a row; texts and moderators as far as they were read."""
    read = dict(row)
    if "moderators" in read:
        read["moderators"] = [Author(*moderator) for moderator in msgspec.json.decode(read["moderators"])]
    return Community(**{name: read[name] for name in Community.__struct_fields__ if name in read})


def read_post(connection: sqlite3.Connection, post_id: int) -> Post:
    """A post that is there, with its HTML, as the running transaction sees it."""
    return post_of(connection.execute(POST_BY_ID, (post_id,)).fetchone())


def find_community(connection: sqlite3.Connection, name: str) -> Community | None:
    """One community with all of its texts, as the running transaction sees it."""
    row = connection.execute(COMMUNITY_BY_NAME, (folded(name),)).fetchone()
    return community_of(row) if row else None
