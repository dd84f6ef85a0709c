"""Lists of posts: the front page, communities, domains, and what a person has saved or hidden."""

from starlette.responses import Response

from upthread.comment.model import CommentPage
from upthread.post.model import FeedQuery, FrontPage
from upthread.ui.pages.listing import NO_POSTS, feed, feed_sort, pager, show_feed, tab
from upthread.ui.rows import NO_COMMENT_MARK, places
from upthread.ui.views import View
from upthread.ui.visit import Visit

POPULAR = 8
"""Communities named beside the front page."""
NO_FRONT_PAGE = FrontPage(feed=NO_POSTS, communities=[], is_home=False)


async def home(visit: Visit) -> Response:
    """The front page: the communities that a person follows, or everything."""
    front = await front_page(visit, subscribed_by=visit.me.person.id if visit.me else None)
    if not front.is_home:
        return everything_page(visit, front)
    return show_feed(
        visit,
        "/",
        front.feed,
        sort=feed_sort(visit),
        heading={"title": visit.language.text("Home"), "subtitle": "", "kind": "home"},
        popular=places(front.communities, visit.language),
        scope_tabs=scope_tabs(visit, "/"),
        empty=nothing_yet(visit),
    )


async def everything(visit: Visit) -> Response:
    """Posts of all communities."""
    return everything_page(visit, await front_page(visit, subscribed_by=None))


async def front_page(visit: Visit, subscribed_by: int | None) -> FrontPage:
    """The posts of all communities, or of those that somebody follows."""
    query = FeedQuery(
        subscribed_by=subscribed_by,
        sort=feed_sort(visit),
        viewer_id=visit.viewer_id or None,
        after=visit.query("after") or None,
    )
    return await visit.part("post", visit.services.post.front_page(query, POPULAR), NO_FRONT_PAGE)


def everything_page(visit: Visit, front: FrontPage) -> Response:
    """The page of all communities' posts."""
    path = visit.request.url.path
    title = visit.language.text("All communities") if path == "/all" else ""
    return show_feed(
        visit,
        path,
        front.feed,
        sort=feed_sort(visit),
        syndication="/",
        heading={"title": title, "subtitle": "", "kind": "all"},
        popular=places(front.communities, visit.language),
        scope_tabs=scope_tabs(visit, "/all") if visit.me else [],
        empty=nothing_yet(visit),
    )


async def community(visit: Visit) -> Response:
    """Posts of one community, with what it is about beside them."""
    name = visit.request.path_params["name"]
    found = await visit.services.post.community(name)
    sort = feed_sort(visit)
    after = visit.query("after") or None
    query = FeedQuery(community=found.name, sort=sort, viewer_id=visit.viewer_id or None, after=after)
    text = visit.language.text
    return show_feed(
        visit,
        f"/c/{found.name}",
        await feed(visit, query),
        sort=sort,
        heading={"title": found.title, "subtitle": f"c/{found.name}", "kind": "community"},
        community=found,
        subscribed=await visit.follows(found),
        empty={
            "title": text("Nothing here yet"),
            "text": text("Be the first to post in this community."),
            "action": {"label": text("New post"), "href": f"/new?community={found.name}"},
        },
    )


async def domain(visit: Visit) -> Response:
    """Posts that link to one domain."""
    name = visit.request.path_params["domain"].lower()
    sort = feed_sort(visit)
    query = FeedQuery(domain=name, sort=sort, viewer_id=visit.viewer_id or None, after=visit.query("after") or None)
    text = visit.language.text
    return show_feed(
        visit,
        f"/d/{name}",
        await feed(visit, query),
        sort=sort,
        heading={"title": name, "subtitle": text("Posts that link to this site"), "kind": "domain"},
        empty={"title": text("Nothing here yet"), "text": text("Nobody has posted a link to it."), "action": None},
    )


async def saved(visit: Visit) -> Response:
    """What the person has saved: posts, or comments."""
    person = visit.person().person
    text = visit.language.text
    tabs = saved_tabs(visit)
    if visit.query("type") == "comments":
        found = await visit.part(
            "comment",
            visit.services.comment.saved(person.id, visit.query("after") or None),
            CommentPage(comments=[], after=None),
        )
        marks = await visit.comment_marks([comment.id for comment in found.comments])
        return visit.render(
            "saved_comments.html",
            title=text("Saved"),
            comments=[visit.views.flat_comment(c, marks.get(c.id, NO_COMMENT_MARK)) for c in found.comments],
            tabs=tabs,
            pager=pager(visit, "/saved", found.after, type="comments"),
        )
    return show_feed(
        visit,
        "/saved",
        await feed(visit, FeedQuery(saved_by=person.id, after=visit.query("after") or None)),
        heading={"title": text("Saved"), "subtitle": text("Only you can see this list."), "kind": "saved"},
        scope_tabs=tabs,
        empty={
            "title": text("Nothing saved yet"),
            "text": text("Save a post or a comment and it waits for you here."),
            "action": None,
        },
        private=True,
    )


async def hidden(visit: Visit) -> Response:
    """What the person has hidden, to bring it back."""
    person = visit.person().person
    text = visit.language.text
    return show_feed(
        visit,
        "/hidden",
        await feed(visit, FeedQuery(hidden_by=person.id, after=visit.query("after") or None)),
        heading={"title": text("Hidden"), "subtitle": text("Only you can see this list."), "kind": "hidden"},
        scope_tabs=saved_tabs(visit),
        empty={
            "title": text("Nothing hidden"),
            "text": text("Posts that you hide leave your feeds and can be found here."),
            "action": None,
        },
        private=True,
    )


def scope_tabs(visit: Visit, here: str) -> list[View]:
    """Subscribed or all."""
    text = visit.language.text
    return [tab(text("Subscribed"), "/", current=here == "/"), tab(text("All"), "/all", current=here == "/all")]


def saved_tabs(visit: Visit) -> list[View]:
    """Between the lists that only their owner sees."""
    text = visit.language.text
    comments = visit.query("type") == "comments"
    path = visit.request.url.path
    return [
        tab(text("Posts"), "/saved", current=path == "/saved" and not comments),
        tab(text("Comments"), "/saved?type=comments", current=comments),
        tab(text("Hidden"), "/hidden", current=path == "/hidden"),
    ]


def nothing_yet(visit: Visit) -> View:
    """What an empty front page says."""
    text = visit.language.text
    return {
        "title": text("Nothing here yet"),
        "text": text("Found a community, post a link, and the rest follows."),
        "action": {"label": text("Found a community"), "href": "/communities/new"},
    }
