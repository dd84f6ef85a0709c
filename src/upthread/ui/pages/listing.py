"""What all pages with a list of posts share: tabs for the order, windows of "top", the pager, the page itself."""

from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urlencode

from starlette.responses import Response

from upthread.post.model import Community, FeedPage, FeedQuery, FeedSort
from upthread.ui.language import Language, message
from upthread.ui.views import View
from upthread.ui.visit import Visit

SORTS: Mapping[str, str] = {
    "hot": message("Hot"),
    "active": message("Active"),
    "new": message("New"),
    "day": message("Top"),
    "controversial": message("Controversial"),
}
"""The orders offered as tabs. "Top" opens on the day and then offers the other windows."""
WINDOWS: Mapping[str, str] = {
    "hour": message("Hour"),
    "day": message("Day"),
    "week": message("Week"),
    "month": message("Month"),
    "year": message("Year"),
    "all": message("All time"),
}
FEED_SORTS = (*SORTS, *(window for window in WINDOWS if window not in SORTS))
NO_POSTS = FeedPage(posts=[], after=None)


def feed_sort(visit: Visit) -> FeedSort:
    """The order asked for, or the visitor's own, or hot."""
    own = visit.settings.feed_sort
    default = own if own in FEED_SORTS else "hot"
    return cast("FeedSort", visit.choice("sort", FEED_SORTS, default))


def tab(label: str, href: str, *, current: bool) -> View:
    """One tab of a row."""
    return {"label": label, "href": href, "current": current}


def sort_tabs(language: Language, path: str, sort: FeedSort) -> tuple[list[View], list[View]]:
    """The tabs of a feed, and the windows of "top" if that is open."""
    top_is_open = sort in WINDOWS
    tabs = [
        tab(language.text(label), f"{path}?sort={name}", current=name == sort or (name == "day" and top_is_open))
        for name, label in SORTS.items()
    ]
    if not top_is_open:
        return tabs, []
    windows = [
        tab(language.text(label), f"{path}?sort={name}", current=name == sort) for name, label in WINDOWS.items()
    ]
    return tabs, windows


def address(path: str, **parameters: str) -> str:
    """A path with those parameters that are not empty."""
    query = urlencode({name: value for name, value in parameters.items() if value})
    return f"{path}?{query}" if query else path


def pager(visit: Visit, path: str, after: str | None, **parameters: str) -> View:
    """The link onward, if there is more, and the one back to the beginning, if this is not it."""
    return {
        "next_href": address(path, **parameters, after=after) if after else None,
        "first_href": address(path, **parameters) if visit.query("after") else None,
    }


async def feed(visit: Visit, query: FeedQuery) -> FeedPage:
    """What the query finds; nothing while the post service is missing, which the page then says."""
    return await visit.part("post", visit.services.post.feed(query), NO_POSTS)


def show_feed(
    visit: Visit,
    path: str,
    found: FeedPage,
    *,
    sort: FeedSort = "new",
    heading: View,
    community: Community | None = None,
    subscribed: bool = False,
    empty: View,
    syndication: str | None = None,
    private: bool = False,
    **context: Any,
) -> Response:
    """The page of a feed, as this visitor sees it.

    ``syndication`` is the path of its Atom and RSS where that is not the page's own. A ``private`` list has neither
    those nor other orders.
    """
    sorts, windows = sort_tabs(visit.language, path, sort) if not private else ([], [])
    return visit.render(
        "feed.html",
        title=heading["title"],
        heading=heading,
        posts=visit.views.posts(found.posts, found.marks),
        sorts=sorts,
        windows=windows,
        pager=pager(visit, path, found.after, sort=sort if visit.query("sort") else ""),
        community=visit.views.community(community, subscribed=subscribed) if community else None,
        empty=empty,
        feeds=[] if private else syndication_links(visit, syndication or path, heading["title"], sort),
        **({"popular": [], "scope_tabs": []} | context),
    )


def syndication_links(visit: Visit, path: str, title: str, sort: str) -> list[View]:
    """The Atom and RSS addresses of a feed, for the head of its page."""
    base = path.rstrip("/")
    title = title or visit.site.settings.site_name
    return [
        {
            "title": f"{title} ({name})",
            "href": visit.absolute(f"{base}/feed.{ending}?sort={sort}"),
            "type": f"application/{ending}+xml",
        }
        for name, ending in (("Atom", "atom"), ("RSS", "rss"))
    ]
