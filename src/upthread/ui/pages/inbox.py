"""Replies to a person and mentions of them."""

from starlette.responses import Response

from upthread.ui.pages.listing import pager, tab
from upthread.ui.pages.posts import done
from upthread.ui.visit import Visit


async def show(visit: Visit) -> Response:
    """The inbox, newest first: what is unread, or everything."""
    me = visit.person()
    unread_only = visit.query("show") == "unread"
    found = await visit.services.account.inbox(
        me.person.id, unread_only=unread_only, after=visit.query("after") or None
    )
    text = visit.language.text
    return visit.render(
        "inbox.html",
        title=text("Inbox"),
        notices=[
            {
                "id": notice.id,
                "kind": notice.kind,
                "author": visit.views.author(notice.author),
                "time": visit.views.time(notice.created_at),
                "post_title": notice.title,
                "href": f"/post/{notice.post_id}"
                + (f"/comment/{notice.comment_id}#c{notice.comment_id}" if notice.comment_id else ""),
                "excerpt": notice.excerpt,
                "community": notice.community,
                "community_href": f"/c/{notice.community}",
                "read": notice.read,
            }
            for notice in found.notices
        ],
        tabs=[
            tab(text("All"), "/inbox", current=not unread_only),
            tab(text("Unread"), "/inbox?show=unread", current=unread_only),
        ],
        pager=pager(visit, "/inbox", found.after, show="unread" if unread_only else ""),
    )


async def mark_read(visit: Visit) -> Response:
    """Mark entries, or all of them, as read; or one as unread again."""
    person_id = visit.person().person.id
    form = visit.form
    if form["all"] == "1":
        await visit.services.account.mark_all_read(person_id)
    else:
        ids = [int(text) for text in form.lists.get("id", []) if text.isascii() and text.isdecimal()]
        await visit.services.account.mark_read(person_id, ids, read=form["read"] != "0")
    return done(visit, form, "/inbox")
