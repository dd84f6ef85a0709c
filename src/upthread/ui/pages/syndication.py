"""Every feed as Atom and RSS, for feed readers."""

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import cast

from starlette.responses import Response

from upthread.comment.model import Comment
from upthread.post.model import FeedQuery, FeedSort, Post
from upthread.ui.pages.listing import FEED_SORTS
from upthread.ui.templates import templates
from upthread.ui.views import View
from upthread.ui.visit import Page, Visit

ENTRIES = 50
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")

Channel = tuple[str, str, list[View]]
"""Title, path of the page, entries."""


async def all_posts(visit: Visit) -> Channel:
    """The whole site."""
    return visit.site.settings.site_name, "/", await _posts(visit, FeedQuery(sort=_sort(visit, "hot"), limit=ENTRIES))


async def community(visit: Visit) -> Channel:
    """One community."""
    found = await visit.services.post.community(visit.request.path_params["name"])
    query = FeedQuery(community=found.name, sort=_sort(visit, "new"), limit=ENTRIES)
    return f"{found.title} (c/{found.name})", f"/c/{found.name}", await _posts(visit, query)


async def person(visit: Visit) -> Channel:
    """One person's posts."""
    found = await visit.services.account.person(visit.request.path_params["name"])
    query = FeedQuery(author_id=found.id, sort=_sort(visit, "new"), limit=ENTRIES)
    return found.name, f"/u/{found.name}", await _posts(visit, query)


async def domain(visit: Visit) -> Channel:
    """Posts that link to one domain."""
    name = visit.request.path_params["domain"].lower()
    return name, f"/d/{name}", await _posts(visit, FeedQuery(domain=name, sort=_sort(visit, "new"), limit=ENTRIES))


async def thread(visit: Visit) -> Channel:
    """The newest comments on one post."""
    post = await visit.services.post.post(visit.number("id"))
    found = await visit.services.comment.newest(post.id, limit=ENTRIES)
    return post.title, f"/post/{post.id}", [_comment_entry(visit, comment, post) for comment in found.comments]


def _sort(visit: Visit, default: FeedSort) -> FeedSort:
    return cast("FeedSort", visit.choice("sort", FEED_SORTS, default))


async def _posts(visit: Visit, query: FeedQuery) -> list[View]:
    found = await visit.services.post.feed(query)
    return [_post_entry(visit, post) for post in found.posts]


def _post_entry(visit: Visit, post: Post) -> View:
    page = visit.absolute(f"/post/{post.id}")
    return {
        "id": page,
        "title": _xml(post.title),
        "link": page,
        "about": post.url,
        "author": _xml(post.author.name) or "[deleted]",
        "category": post.community,
        "comments": post.comments,
        **_times(post.created_at, post.edited_at),
        "html": "",
    }


def _comment_entry(visit: Visit, comment: Comment, post: Post) -> View:
    page = visit.absolute(f"/post/{post.id}/comment/{comment.id}")
    return {
        "id": page,
        "title": visit.language.text("{name} on “{title}”", name=_xml(comment.author.name), title=_xml(post.title)),
        "link": page,
        "about": "",
        "author": _xml(comment.author.name) or "[deleted]",
        "category": post.community,
        "comments": 0,
        **_times(comment.created_at, comment.edited_at),
        "html": _xml(comment.html),
    }


def _times(created_at: int, edited_at: int | None) -> View:
    created = datetime.fromtimestamp(created_at, UTC)
    changed = datetime.fromtimestamp(edited_at or created_at, UTC)
    return {"published": created.isoformat(), "updated": changed.isoformat(), "rfc822": format_datetime(created)}


def _xml(text: str) -> str:
    """XML 1.0 has no way at all to write most control characters."""
    return _NOT_IN_XML.sub("", text)


def syndicated(channel: Callable[[Visit], Awaitable[Channel]]) -> Page:
    """The page that gives a channel as Atom or RSS, as the address ends."""

    async def answer(visit: Visit) -> Response:
        ending = visit.request.path_params["format"]
        title, path, entries = await channel(visit)
        xml = templates(visit.language).render(
            f"feed.{ending}.xml",
            {
                "title": _xml(title),
                "page": visit.absolute(path),
                "self": visit.absolute(visit.path),
                "entries": entries,
                "updated": max((entry["updated"] for entry in entries), default="1970-01-01T00:00:00+00:00"),
                "lang": visit.language.code,
            },
        )
        return visit.shareable(Response(xml, media_type=f"application/{ending}+xml"))

    answer.__name__ = f"{channel.__name__}_feed"
    return answer
