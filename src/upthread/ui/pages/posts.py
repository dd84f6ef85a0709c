"""One post: reading it with its thread, making, editing and deleting it, and what one can do with it."""

from http import HTTPStatus
from typing import cast

from starlette.responses import JSONResponse, RedirectResponse, Response

from upthread import markdown
from upthread.comment.model import CommentSort, ThreadPage, ThreadQuery
from upthread.errors import Conflict, Invalid, NotFound, SignInNeeded
from upthread.post.model import Community, Post, PostDraft, Tally, Vote
from upthread.post.seed import found
from upthread.seed import is_object_id
from upthread.ui.diff import versions_with_changes
from upthread.ui.forms import Form
from upthread.ui.language import message
from upthread.ui.pages.listing import syndication_links, tab
from upthread.ui.rows import NO_POST_MARK
from upthread.ui.templates import Pieces
from upthread.ui.views import View
from upthread.ui.visit import Visit

COMMENT_SORTS = {
    "best": message("Best"),
    "top": message("Top"),
    "new": message("New"),
    "old": message("Old"),
    "controversial": message("Controversial"),
}
SHOWN_COMMENTS = 200
"""Comments on a page; the rest comes by "load more"."""
CONTEXT = 3
"""Comments shown above the one that a permalink points to."""
COMMUNITY_CHOICES = 200
"""Communities offered by name when posting; others can be typed."""


async def show(visit: Visit) -> Response:
    """A post with its thread. Addresses with the original's ids lead to ours."""
    address = visit.request.path_params["id"]
    if is_object_id(address):
        known = await found(visit.services.post, address)
        if known is None:
            raise NotFound("There is no such post.")
        return RedirectResponse(f"/post/{known.id}", 301)
    post = await visit.services.post.post(visit.number("id"))
    return await post_page(visit, post, ThreadQuery(post_id=post.id, sort=comment_sort(visit), limit=SHOWN_COMMENTS))


async def permalink(visit: Visit) -> Response:
    """One comment in its place: what is above it, and what is below."""
    post = await visit.services.post.post(visit.number("id"))
    query = ThreadQuery(
        post_id=post.id,
        sort=comment_sort(visit),
        focus=visit.number("comment"),
        context=CONTEXT if visit.query("context") != "0" else 0,
        limit=SHOWN_COMMENTS,
    )
    return await post_page(visit, post, query)


async def more(visit: Visit) -> Response:
    """Where a thread goes on: as a piece for the script, or as a page of its own."""
    post = await visit.services.post.post(visit.number("id"))
    parent = visit.query("parent")
    query = ThreadQuery(
        post_id=post.id,
        sort=comment_sort(visit),
        parent_id=int(parent) if parent.isascii() and parent.isdecimal() else None,
        after=visit.query("after") or None,
        limit=SHOWN_COMMENTS,
    )
    if not visit.wants_fragment:
        return await post_page(visit, post, query)
    thread = await visit.services.comment.thread(query)
    return visit.fragment(await thread_html(visit, post, query, thread))


def comment_sort(visit: Visit) -> CommentSort:
    """The order asked for, or the visitor's own, or best."""
    own = visit.settings.comment_sort
    default = own if own in COMMENT_SORTS else "best"
    return cast("CommentSort", visit.choice("sort", tuple(COMMENT_SORTS), default))


async def post_page(
    visit: Visit, post: Post, query: ThreadQuery, form: Form | None = None, preview_html: str = ""
) -> Response:
    """The page of a post, with the part of its thread that the query asks for."""
    thread = await visit.part("comment", visit.services.comment.thread(query), None)
    community = await visit.part("post", visit.services.post.community(post.community), None)
    marks = await visit.post_marks([post.id])
    moderates = moderated(visit, community)
    view = visit.views.post(post, marks.get(post.id, NO_POST_MARK), moderates=moderates)
    form = form or Form()
    status = 410 if post.state != "live" and form.status == HTTPStatus.OK else form.status
    return visit.render(
        "post.html",
        title=post.title or visit.language.text("[deleted]"),
        status=status,
        post=view,
        community=visit.views.community(community, subscribed=await visit.follows(community)) if community else None,
        thread=await thread_html(visit, post, query, thread, moderates=moderates) if thread else None,
        sorts=thread_tabs(visit, query),
        form=form.view(body="", name=visit.guest.name if visit.guest else "", email=guest_email(visit)),
        preview_html=preview_html,
        focus=focus_view(post, query),
        feeds=syndication_links(visit, f"/post/{post.id}", post.title, query.sort),
        canonical=visit.absolute(f"/post/{post.id}"),
        noindex=query.focus is not None or query.after is not None or query.parent_id is not None,
    )


def guest_email(visit: Visit) -> str:
    """The address that a guest gave before."""
    return visit.guest.email if visit.guest else ""


def moderated(visit: Visit, community: Community | None) -> bool:
    """Whether the visitor moderates this community."""
    return visit.me is not None and community is not None and any(m.id == visit.viewer_id for m in community.moderators)


def focus_view(post: Post, query: ThreadQuery) -> View | None:
    """Where the whole thread and more context are, if only a part of the thread is shown."""
    if query.focus is None and query.parent_id is None and query.after is None:
        return None
    here = f"/post/{post.id}/comment/{query.focus or query.parent_id}"
    return {
        "all_href": f"/post/{post.id}",
        "context_href": f"{here}?context={CONTEXT}" if query.focus and not query.context else None,
        "parent_href": here if query.parent_id else None,
    }


async def thread_html(
    visit: Visit, post: Post, query: ThreadQuery, thread: ThreadPage, *, moderates: bool = False
) -> Pieces:
    """A part of a thread with the visitor's own marks."""
    shown: list[int] = []
    waiting = list(thread.nodes)
    while waiting:
        node = waiting.pop()
        shown.append(node.comment.id)
        waiting += node.children
    return visit.views.thread(thread, query, post, await visit.comment_marks(shown), moderates=moderates)


def thread_tabs(visit: Visit, query: ThreadQuery) -> list[View]:
    """The orders that a thread can be read in."""
    here = f"/post/{query.post_id}" if query.focus is None else f"/post/{query.post_id}/comment/{query.focus}"
    return [
        tab(visit.language.text(label), f"{here}?sort={name}", current=name == query.sort)
        for name, label in COMMENT_SORTS.items()
    ]


async def new(visit: Visit) -> Response:
    """The form for a new post, and its sending."""
    if visit.request.method != "POST":
        if not visit.may("post"):
            visit.person()
        form = Form({name: visit.query(name) for name in ("community", "title", "link", "text") if visit.query(name)})
        return await submit_page(visit, form)
    form = visit.form
    draft = PostDraft(
        community=form["community"],
        title=form["title"],
        url=form["link"],
        text=form.whole("text"),
        flair=form["flair"],
        nsfw=form["nsfw"] == "1",
    )
    if form["action"] == "preview":
        return await submit_page(visit, form, preview_html=markdown.render(draft.text))
    try:
        author = visit.writer("post", form)
        duplicates = await known_links(visit, draft) if form["anyway"] != "1" else []
        if duplicates:
            form.status = Conflict.status
            return await submit_page(visit, form, duplicates=duplicates)
        post = await visit.services.post.submit(author, draft)
    except (SignInNeeded, Invalid) as error:
        form.reject(error, visit.language, renamed={"url": "link"})
        return await submit_page(visit, form)
    return visit.redirect(f"/post/{post.id}", "Posted.")


async def known_links(visit: Visit, draft: PostDraft) -> list[Post]:
    """Posts of that community with the same link."""
    if not draft.url or not draft.community:
        return []
    return await visit.services.post.same_link(draft.community, draft.url)


async def submit_page(
    visit: Visit, form: Form, *, duplicates: list[Post] | None = None, preview_html: str = ""
) -> Response:
    """The form for a new post with what was typed so far."""
    follows = await visit.part("post", visit.services.post.subscriptions(visit.viewer_id), []) if visit.me else []
    largest = await visit.part("post", visit.services.post.communities("size", limit=COMMUNITY_CHOICES), None)
    names = [community.name for community in follows]
    names += [one.name for one in (largest.communities if largest else []) if one.name not in names]
    return visit.render(
        "submit.html",
        title=visit.language.text("New post"),
        status=form.status,
        form=form.view(
            community="",
            title="",
            link="",
            text="",
            flair="",
            nsfw="",
            name=visit.guest.name if visit.guest else "",
            email=guest_email(visit),
        ),
        communities=names,
        duplicates=[visit.views.post(one) for one in duplicates or []],
        preview_html=preview_html,
        mode="text" if visit.query("mode") == "text" else "link",
    )


async def edit(visit: Visit) -> Response:
    """The form to edit one's own post, and its sending."""
    actor = visit.person().actor
    post_id = visit.number("id")
    post = await visit.services.post.post(post_id)
    versions = await visit.services.post.history(post_id)
    if visit.request.method != "POST":
        return edit_page(visit, post, Form({"title": versions[0].title, "text": versions[0].text}))
    form = visit.form
    if form["action"] == "preview":
        return edit_page(visit, post, form, preview_html=markdown.render(form.whole("text")))
    try:
        await visit.services.post.edit(actor, post_id, form["title"], form.whole("text"))
    except Invalid as error:
        form.reject(error, visit.language)
        return edit_page(visit, post, form)
    return visit.redirect(f"/post/{post_id}", "Saved.")


def edit_page(visit: Visit, post: Post, form: Form, *, preview_html: str = "") -> Response:
    """The form to edit a post with what was typed so far."""
    return visit.render(
        "post_edit.html",
        title=visit.language.text("Edit post"),
        status=form.status,
        post=visit.views.post(post),
        form=form.view(title="", text=""),
        preview_html=preview_html,
    )


async def history(visit: Visit) -> Response:
    """All versions of a post, with what changed from each to the next."""
    post_id = visit.number("id")
    versions = await visit.services.post.history(post_id)
    return visit.render(
        "history.html",
        title=visit.language.text("Edit history"),
        versions=versions_with_changes([(v.number, v.title, v.text, v.created_at) for v in versions], visit.views.time),
        back_href=f"/post/{post_id}",
        what="post",
        noindex=True,
    )


async def delete(visit: Visit) -> Response:
    """Ask whether to delete a post, and do so."""
    actor = visit.person().actor
    post = await visit.services.post.post(visit.number("id"))
    if visit.request.method == "POST":
        await visit.services.post.delete(actor, post.id)
        return visit.redirect(f"/c/{post.community}", "The post was deleted.")
    text = visit.language.text
    return visit.render(
        "confirm.html",
        title=text("Delete post"),
        question=text("Delete this post?"),
        detail=text("“{title}” and all its versions are destroyed. The comments stay.", title=post.title),
        action=f"/post/{post.id}/delete",
        danger_label=text("Delete"),
        cancel_href=f"/post/{post.id}",
    )


async def vote(visit: Visit) -> Response:
    """Vote on a post."""
    post_id = visit.number("id")
    form = visit.form
    if not visit.may("vote"):
        return must_log_in(visit, form, f"/post/{post_id}")
    tally = await visit.services.post.vote(visit.writer("vote"), post_id, vote_of(visit))
    return voted(visit, form, tally, f"/post/{post_id}")


def vote_of(visit: Visit) -> Vote:
    """The vote in the address: its sign counts, as one vote is one vote."""
    number = int(visit.request.path_params["vote"])
    return cast("Vote", (number > 0) - (number < 0))


def must_log_in(visit: Visit, form: Form, default: str) -> Response:
    """Send somebody who may not do this to the log-in page, or tell a script so.

    Raises:
        SignInNeeded: a script asks.
        Unavailable: they may have logged in, but that can't be told.
    """
    if visit.wants_json or "account" in visit.missing:
        visit.person()
    return visit.redirect(visit.login_href(visit.back(form, default)))


def voted(visit: Visit, form: Form, tally: Tally, default: str) -> Response:
    """Tell a script how the votes stand now, or go back to where the vote was given."""
    if visit.wants_json:
        answer: Response = JSONResponse(
            {"score": tally.score, "ups": tally.ups, "downs": tally.downs, "vote": tally.vote}
        )
        if visit.me is None and visit.guest is not None:
            visit.site.cookies.set_guest(visit.request, answer, visit.guest)
        return answer
    return visit.redirect(visit.back(form, default))


async def save(visit: Visit) -> Response:
    """Keep a post, or no longer."""
    form = visit.form
    await visit.services.post.save(visit.person().actor, visit.number("id"), form["value"] == "1")
    return done(visit, form, f"/post/{visit.number('id')}")


async def hide(visit: Visit) -> Response:
    """Hide a post from one's feeds, or show it again."""
    form = visit.form
    await visit.services.post.hide(visit.person().actor, visit.number("id"), form["value"] == "1")
    return done(visit, form, f"/post/{visit.number('id')}")


async def lock(visit: Visit) -> Response:
    """Close a post to new comments, or open it again."""
    form = visit.form
    await visit.services.post.lock(visit.person().actor, visit.number("id"), form["value"] == "1")
    return done(visit, form, f"/post/{visit.number('id')}")


def done(visit: Visit, form: Form, default: str) -> Response:
    """Nothing more to say: 204 to a script, back to where it was done for a person."""
    return Response(status_code=204) if visit.wants_json else visit.redirect(visit.back(form, default))
