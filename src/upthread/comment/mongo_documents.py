"""How documents of the comment room become its types."""

from upthread.account.model import Author
from upthread.comment.model import Comment, WrittenComment
from upthread.comment.mongo_layout import COMMENT, COMMENT_TEXT, THREAD
from upthread.storage.mongo import Document, MongoDatabase

WITH_ITS_THREAD = {"$lookup": {"from": THREAD, "localField": "post_id", "foreignField": "_id", "as": "threads"}}
"""Brings along the title and community of a comment's post."""
WITH_ITS_TEXT = {"$lookup": {"from": COMMENT_TEXT, "localField": "_id", "foreignField": "_id", "as": "texts"}}
"""Brings along what was typed."""


def path_of(comment: Document) -> str:
    """The ids from the top of the thread down to this comment, which replies to it have above them."""
    return f"{comment['above']}.{comment['_id']}" if comment["above"] else str(comment["_id"])


def comment_of(document: Document) -> Comment:
    """The comment in a document, with title and community if its thread was read too."""
    (thread,) = document.get("threads") or [{"title": "", "community": ""}]
    return Comment(
        id=document["_id"],
        post_id=document["post_id"],
        parent_id=document["parent_id"],
        above=document["above"],
        author=Author(document["author_id"], document["author_name"]),
        html=document["html"],
        created_at=document["created_at"],
        edited_at=document["edited_at"],
        ups=document["ups"],
        downs=document["downs"],
        replies=document["replies"],
        state=document["state"],
        revisions=document["revisions"],
        title=thread["title"],
        community=thread["community"],
    )


def written_of(document: Document) -> WrittenComment:
    """The comment in a document that was read with its text."""
    (text,) = document["texts"]
    return WrittenComment(
        id=document["_id"],
        post_id=document["post_id"],
        author=Author(document["author_id"], document["author_name"]),
        email=document["author_email"],
        text=text["text"],
        created_at=document["created_at"],
        sent_created_at=document.get("sent_created_at"),
    )


async def read_comment(database: MongoDatabase, comment_id: int) -> Comment | None:
    """One comment in whatever state, with title and community."""
    found = await database.aggregate(COMMENT, [{"$match": {"_id": comment_id}}, WITH_ITS_THREAD])
    return comment_of(found[0]) if found else None
