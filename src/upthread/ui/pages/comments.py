"""Comments: writing, answering, editing and deleting them, and what one can do with them."""

from starlette.responses import HTMLResponse, Response

from upthread import markdown
from upthread.account.model import Actor
from upthread.comment.model import Comment, ThreadNode, ThreadPage, ThreadQuery, thread_of
from upthread.errors import Conflict, Gone, Invalid, NotFound, SignInNeeded
from upthread.post.model import Post
from upthread.ui.diff import versions_with_changes
from upthread.ui.forms import Form
from upthread.ui.pages.posts import (
    SHOWN_COMMENTS,
    comment_sort,
    done,
    guest_email,
    must_log_in,
    post_page,
    thread_html,
    vote_of,
    voted,
)
from upthread.ui.visit import Visit


async def add(visit: Visit) -> Response:
    """Comment on a post, or on a comment."""
    form = visit.form
    post = await visit.services.post.post(visit.number("id"))
    parent_id = form.number("parent")
    if form["action"] == "preview":
        return await shown_again(visit, post, parent_id, form, preview_html=markdown.render(form.whole("body")))
    try:
        thread = thread_of(post)
        actor = visit.writer("comment", form)
        if actor.is_guest:
            check_guest(actor)
        comment = await visit.services.comment.add(actor, thread, parent_id, form.whole("body"))
    except (SignInNeeded, Invalid, Conflict, Gone) as error:
        if visit.wants_fragment:
            raise
        form.reject(error, visit.language)
        return await shown_again(visit, post, parent_id, form)
    if visit.wants_fragment:
        alone = ThreadPage(nodes=[ThreadNode(comment=comment, children=[])], total=1)
        answer = visit.fragment(await thread_html(visit, post, ThreadQuery(post_id=post.id), alone))
        if actor.is_guest:
            visit.site.cookies.set_guest(visit.request, answer, actor)
        return answer
    back = f"/post/{post.id}/comment/{parent_id}" if parent_id else f"/post/{post.id}"
    return visit.redirect(f"{back}#c{comment.id}", "Your comment is there.")


def check_guest(guest: Actor) -> None:
    """A guest says who they are, as the original asked.

    Raises:
        Invalid: field name or email.
    """
    if not guest.name:
        raise Invalid("Please give a name.", field="name")
    if "@" not in guest.email.strip("@"):
        raise Invalid("Please give an e-mail address. It is never shown.", field="email")


async def shown_again(visit: Visit, post: Post, parent_id: int | None, form: Form, preview_html: str = "") -> Response:
    """The form with what was typed so far, on the page it came from."""
    if parent_id:
        parent = await visit.services.comment.comment(parent_id)
        return reply_page(visit, post, parent, form, preview_html)
    query = ThreadQuery(post_id=post.id, sort=comment_sort(visit), limit=SHOWN_COMMENTS)
    return await post_page(visit, post, query, form, preview_html)


async def reply(visit: Visit) -> Response:
    """The form to answer a comment, as a page of its own."""
    parent = await visit.services.comment.comment(visit.number("id"))
    if parent.state != "live":
        raise Gone("This comment was deleted.")
    if not visit.may("comment"):
        visit.person()
    post = await visit.services.post.post(parent.post_id)
    return reply_page(visit, post, parent, Form())


def reply_page(visit: Visit, post: Post, parent: Comment, form: Form, preview_html: str = "") -> Response:
    """The form to answer a comment with what was typed so far."""
    return visit.render(
        "reply.html",
        title=visit.language.text("Reply"),
        status=form.status,
        post=visit.views.post(post),
        comment=visit.views.flat_comment(parent),
        form=form.view(body="", name=visit.guest.name if visit.guest else "", email=guest_email(visit)),
        preview_html=preview_html,
        noindex=True,
    )


async def edit(visit: Visit) -> Response:
    """The form to edit one's own comment, and its sending."""
    actor = visit.person().actor
    comment = await visit.services.comment.comment(visit.number("id"))
    if visit.request.method != "POST":
        versions = await visit.services.comment.history(comment.id)
        return edit_page(visit, comment, Form({"body": versions[0].text}))
    form = visit.form
    if form["action"] == "preview":
        return edit_page(visit, comment, form, markdown.render(form.whole("body")))
    try:
        await visit.services.comment.edit(actor, comment.id, form.whole("body"))
    except Invalid as error:
        form.reject(error, visit.language)
        return edit_page(visit, comment, form)
    return visit.redirect(f"/post/{comment.post_id}/comment/{comment.id}#c{comment.id}", "Saved.")


def edit_page(visit: Visit, comment: Comment, form: Form, preview_html: str = "") -> Response:
    """The form to edit a comment with what was typed so far."""
    return visit.render(
        "comment_edit.html",
        title=visit.language.text("Edit comment"),
        status=form.status,
        comment=visit.views.flat_comment(comment),
        form=form.view(body=""),
        preview_html=preview_html,
    )


async def history(visit: Visit) -> Response:
    """All versions of a comment, with what changed from each to the next."""
    comment = await visit.services.comment.comment(visit.number("id"))
    versions = await visit.services.comment.history(comment.id)
    return visit.render(
        "history.html",
        title=visit.language.text("Edit history"),
        versions=versions_with_changes([(v.number, None, v.text, v.created_at) for v in versions], visit.views.time),
        back_href=f"/post/{comment.post_id}/comment/{comment.id}",
        what="comment",
        noindex=True,
    )


async def delete(visit: Visit) -> Response:
    """Ask whether to delete a comment, and do so: one's own, or another's as a moderator."""
    actor = visit.person().actor
    comment = await visit.services.comment.comment(visit.number("id"))
    href = f"/post/{comment.post_id}/comment/{comment.id}"
    if visit.request.method == "POST":
        as_moderator = comment.author.id != actor.id and await moderates(visit, comment)
        await visit.services.comment.delete(actor, comment.id, as_moderator=as_moderator)
        return visit.redirect(href, "The comment was deleted.")
    text = visit.language.text
    return visit.render(
        "confirm.html",
        title=text("Delete comment"),
        question=text("Delete this comment?"),
        detail=text("Its text and all its versions are destroyed. The replies stay."),
        action=f"/comment/{comment.id}/delete",
        danger_label=text("Delete"),
        cancel_href=href,
    )


async def moderates(visit: Visit, comment: Comment) -> bool:
    """Whether the visitor moderates the community that a comment is in."""
    try:
        community = await visit.services.post.community(comment.community)
    except NotFound:
        return False
    return any(moderator.id == visit.viewer_id for moderator in community.moderators)


async def vote(visit: Visit) -> Response:
    """Vote on a comment."""
    comment_id = visit.number("id")
    form = visit.form
    if not visit.may("vote"):
        return must_log_in(visit, form, "/")
    tally = await visit.services.comment.vote(visit.writer("vote"), comment_id, vote_of(visit))
    return voted(visit, form, tally, "/")


async def save(visit: Visit) -> Response:
    """Keep a comment, or no longer."""
    form = visit.form
    await visit.services.comment.save(visit.person().actor, visit.number("id"), form["value"] == "1")
    return done(visit, form, "/saved?type=comments")


async def preview(visit: Visit) -> Response:
    """What Markdown will look like, for the script."""
    form = visit.form
    return HTMLResponse(markdown.render(form.whole("body")), headers={"cache-control": "private, no-store"})
