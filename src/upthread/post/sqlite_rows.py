"""How rows of the post room's tables become its types: the columns to read, and what to make of them."""

from typing import Any

import apsw
import msgspec

from upthread.account.model import Author
from upthread.post.model import Community, Post
from upthread.post.names import folded
from upthread.storage.sqlite import Row

POST = """
    post.id, (SELECT name FROM community WHERE community.id = post.community_id) AS community, title, url, domain,
    has_text, author_id, author_name, created_at, edited_at, ups, downs, comments, flair, nsfw, locked, state,
    revisions, sent_created_at
"""
"""With the HTML of the text behind them, these are what :func:`post_of` takes."""

POST_BY_ID = (
    f"SELECT {POST}, coalesce(html, '') AS html FROM post LEFT JOIN post_text ON post_id = post.id WHERE post.id = ?"  # noqa: S608 - no input in it
)
POSTS_BY_ID = f"SELECT {POST}, '' AS html FROM json_each(?) AS wanted CROSS JOIN post ON post.id = wanted.value"  # noqa: S608 - no input in it
"""Takes a JSON array of ids; the rows come in its order."""

COMMUNITY = "community.id, community.name, community.title, created_at, subscribers, posts"
TEXTS = ("description", "description_html", "rules", "rules_html", "moderators")
"""What may be read of a community besides."""
COMMUNITY_BY_NAME = f"""
    SELECT {COMMUNITY}, description, description_html, rules, rules_html,
        (SELECT json_group_array(json_array(person_id, moderator.name)) FROM moderator WHERE community_id = id)
            AS moderators
    FROM community JOIN community_text ON community_id = id WHERE name_folded = ?
"""  # noqa: S608 - no input in it


def post_of(row: Row) -> Post:
    """The post in a row of the columns above."""
    (
        post_id, community, title, url, domain, has_text, author_id, author_name, created_at, edited_at, ups, downs,
        comments, flair, nsfw, locked, state, revisions, sent_created_at, html,
    ) = row  # fmt: skip
    return Post(
        id=post_id,
        community=community,
        title=title,
        url=url,
        domain=domain,
        html=html,
        has_text=bool(has_text),
        author=Author(author_id, author_name),
        created_at=created_at,
        edited_at=edited_at,
        ups=ups,
        downs=downs,
        comments=comments,
        flair=flair,
        nsfw=bool(nsfw),
        locked=bool(locked),
        state=state,
        revisions=revisions,
        sent_created_at=sent_created_at,
    )


def community_of(row: Row) -> Community:
    """The community in a row of :data:`COMMUNITY` and, behind that, of as many of :data:`TEXTS` as were read."""
    community_id, name, title, created_at, subscribers, posts, *texts = row
    read: dict[str, Any] = dict(zip(TEXTS, texts, strict=False))
    if "moderators" in read:
        read["moderators"] = [Author(*moderator) for moderator in msgspec.json.decode(read["moderators"])]
    return Community(
        id=community_id,
        name=name,
        title=title,
        created_at=created_at,
        subscribers=subscribers,
        posts=posts,
        **read,
    )


def read_post(connection: apsw.Connection, post_id: int) -> Post:
    """A post that is there, with its HTML, as the running transaction sees it."""
    return post_of(connection.execute(POST_BY_ID, (post_id,)).get)


def find_community(connection: apsw.Connection, name: str) -> Community | None:
    """One community with all of its texts, as the running transaction sees it."""
    row = connection.execute(COMMUNITY_BY_NAME, (folded(name),)).fetchone()
    return community_of(row) if row else None
