"""Search over posts, comments, communities and people."""

import msgspec
from starlette.responses import Response

from upthread.errors import Invalid, Unavailable
from upthread.search import parse
from upthread.ui.language import message
from upthread.ui.pages.listing import address, tab
from upthread.ui.rows import NO_COMMENT_MARK, marked
from upthread.ui.views import View
from upthread.ui.visit import Visit

KINDS = {
    "posts": message("Posts"),
    "comments": message("Comments"),
    "communities": message("Communities"),
    "people": message("People"),
}
PAGE = 25
DEEPEST = 20
"""Pages of hits that can be looked at: who needs more had better ask more exactly."""
NOTHING: View = {"posts": [], "comments": [], "communities": [], "people": []}


async def search(visit: Visit) -> Response:
    """The search page: the form, and what it found."""
    typed = visit.query("q")[:500]
    kind = visit.choice("type", tuple(KINDS), "posts")
    status, error = 200, ""
    shown: View = {}
    more = False
    number = max(min(int(visit.query("page")), DEEPEST), 1) if visit.query("page").isdecimal() else 1
    if typed:
        try:
            shown, more = await find(visit, kind, typed, number)
        except Invalid as invalid:
            error = visit.language.text(invalid.message, **invalid.parameters)
        except Unavailable as missing:
            status, error = missing.status, visit.language.text(missing.message, **missing.parameters)
    text = visit.language.text
    return visit.render(
        "search.html",
        title=text("Search"),
        status=status,
        query=typed,
        kind=kind,
        tabs=[
            tab(text(label), address("/search", q=typed, type=name), current=name == kind)
            for name, label in KINDS.items()
        ],
        error=error,
        pager={
            "next_href": address("/search", q=typed, type=kind, page=str(number + 1))
            if more and number < DEEPEST
            else None,
            "first_href": address("/search", q=typed, type=kind) if number > 1 else None,
        },
        noindex=True,
        **(NOTHING | shown),
    )


async def find(visit: Visit, kind: str, typed: str, number: int) -> tuple[View, bool]:
    """What a search finds, as the template takes it, and whether there is more.

    Raises:
        Invalid: field q; a filter makes no sense.
    """
    services = visit.services
    if kind == "communities":
        communities = await services.post.find_communities(typed, PAGE)
        return {"communities": [visit.views.community(one) for one in communities]}, False
    if kind == "people":
        found = await services.account.find_people(typed, limit=PAGE)
        people = [
            {"name": one.name, "href": f"/u/{one.name}", "time": visit.views.time(one.created_at),
             "karma": one.post_karma + one.comment_karma}
            for one in found.people
        ]  # fmt: skip
        return {"people": people}, False
    query = msgspec.structs.replace(parse(typed), offset=(number - 1) * PAGE, limit=PAGE)
    if kind == "comments":
        comment_hits = await services.comment.search(query)
        comment_marks = await visit.comment_marks([hit.comment.id for hit in comment_hits.hits])
        return {
            "comments": [
                {
                    "comment": visit.views.flat_comment(
                        hit.comment, comment_marks.get(hit.comment.id, NO_COMMENT_MARK)
                    ),
                    "snippet_html": marked(hit.snippet),
                }
                for hit in comment_hits.hits
            ]
        }, comment_hits.more
    post_hits = await services.post.search(query)
    post_marks = await visit.post_marks([hit.post.id for hit in post_hits.hits])
    return {"posts": visit.views.hits(post_hits.hits, post_marks)}, post_hits.more
