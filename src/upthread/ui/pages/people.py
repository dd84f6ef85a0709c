"""People as others see them: their profile, what they posted and commented."""

from typing import Any

from starlette.responses import Response

from upthread.account.model import Person
from upthread.comment.model import CommentPage
from upthread.post.model import FeedQuery
from upthread.ui.pages.listing import feed, feed_sort, pager, sort_tabs, syndication_links, tab
from upthread.ui.pages.posts import COMMENT_SORTS
from upthread.ui.rows import NO_COMMENT_MARK
from upthread.ui.views import View
from upthread.ui.visit import Visit

NOTHING: View = {"posts": None, "comments": None, "windows": []}


async def posts(visit: Visit) -> Response:
    """A person's profile with their posts."""
    person = await visit.services.account.person(visit.request.path_params["name"])
    path = f"/u/{person.name}"
    sort = feed_sort(visit) if visit.query("sort") else "new"
    query = FeedQuery(
        author_id=person.id, sort=sort, viewer_id=visit.viewer_id or None, after=visit.query("after") or None
    )
    found = await feed(visit, query)
    sorts, windows = sort_tabs(visit.language, path, sort)
    return profile_page(
        visit,
        person,
        posts=visit.views.posts(found.posts, found.marks),
        sorts=sorts,
        windows=windows,
        pager=pager(visit, path, found.after, sort=visit.query("sort") and sort),
        feeds=syndication_links(visit, path, person.name, "new"),
    )


async def comments(visit: Visit) -> Response:
    """A person's profile with their comments."""
    person = await visit.services.account.person(visit.request.path_params["name"])
    path = f"/u/{person.name}/comments"
    choices = {name: label for name, label in COMMENT_SORTS.items() if name in {"new", "top", "controversial"}}
    sort = visit.choice("sort", tuple(choices), "new")
    found = await visit.part(
        "comment",
        visit.services.comment.by_author(person.id, sort, visit.query("after") or None),
        CommentPage(comments=[], after=None),
    )
    marks = await visit.comment_marks([comment.id for comment in found.comments])
    text = visit.language.text
    return profile_page(
        visit,
        person,
        comments=[visit.views.flat_comment(one, marks.get(one.id, NO_COMMENT_MARK)) for one in found.comments],
        sorts=[tab(text(label), f"{path}?sort={name}", current=name == sort) for name, label in choices.items()],
        pager=pager(visit, path, found.after, sort=visit.query("sort") and sort),
    )


def profile_page(visit: Visit, person: Person, **shown: Any) -> Response:
    """The page of a person around their posts or their comments."""
    text = visit.language.text
    return visit.render(
        "person.html",
        title=person.name,
        person={
            "name": person.name,
            "time": visit.views.time(person.created_at),
            "bio_html": person.bio_html,
            "post_karma": person.post_karma,
            "comment_karma": person.comment_karma,
            "is_admin": person.is_admin,
            "is_me": person.id == visit.viewer_id,
        },
        tabs=[
            tab(text("Posts"), f"/u/{person.name}", current="posts" in shown),
            tab(text("Comments"), f"/u/{person.name}/comments", current="comments" in shown),
        ],
        **(NOTHING | shown),
    )
