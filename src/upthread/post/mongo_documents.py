"""How documents of the post room become its types."""

from typing import Any

from upthread.account.model import Author
from upthread.post.model import Community, Post
from upthread.post.mongo_layout import COMMUNITY, COMMUNITY_TEXT, POST, POST_TEXT
from upthread.post.names import folded
from upthread.storage.mongo import Document, MongoDatabase

WITH_ITS_TEXT = {"$lookup": {"from": COMMUNITY_TEXT, "localField": "_id", "foreignField": "_id", "as": "texts"}}
"""Brings along what communities say about themselves."""
WITH_ITS_HTML = {"$lookup": {"from": POST_TEXT, "localField": "_id", "foreignField": "_id", "as": "texts"}}
"""Brings along the HTML of posts."""
TEXTS_IN_LISTS = ("description", "description_html")


def post_of(document: Document) -> Post:
    """The post in a document, with its HTML if that was read."""
    texts = document.get("texts")
    return Post(
        id=document["_id"],
        community=document["community"],
        title=document["title"],
        url=document["url"],
        domain=document["domain"],
        html=texts[0]["html"] if texts else "",
        has_text=document["has_text"],
        author=Author(document["author_id"], document["author_name"]),
        created_at=document["created_at"],
        edited_at=document["edited_at"],
        ups=document["ups"],
        downs=document["downs"],
        comments=document["comments"],
        flair=document["flair"],
        nsfw=document["nsfw"],
        locked=document["locked"],
        state=document["state"],
        revisions=document["revisions"],
        sent_created_at=document.get("sent_created_at"),
    )


def community_of(document: Document, *, whole: bool = False) -> Community:
    """The community in a document, with its texts if they were read; rules and moderators if it is the whole."""
    (texts,) = document.get("texts") or [{}]
    shown: dict[str, Any] = {name: texts[name] for name in TEXTS_IN_LISTS if name in texts}
    if whole:
        shown |= {
            "rules": texts["rules"],
            "rules_html": texts["rules_html"],
            "moderators": [Author(each["id"], each["name"]) for each in document["moderators"]],
        }
    return Community(
        id=document["_id"],
        name=document["name"],
        title=document["title"],
        created_at=document["created_at"],
        subscribers=document["subscribers"],
        posts=document["posts"],
        **shown,
    )


async def read_post(database: MongoDatabase, post_id: int) -> Post | None:
    """One post with its HTML, in whatever state."""
    found = await database.aggregate(POST, [{"$match": {"_id": post_id}}, WITH_ITS_HTML])
    return post_of(found[0]) if found else None


async def read_community(database: MongoDatabase, name: str) -> Community | None:
    """One community with all of its texts, and its moderators."""
    found = await database.aggregate(COMMUNITY, [{"$match": {"name_folded": folded(name)}}, WITH_ITS_TEXT])
    return community_of(found[0], whole=True) if found else None
