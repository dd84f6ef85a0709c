"""Communities: the list of them, founding one, its settings, following it."""

from typing import cast

from starlette.responses import Response

from upthread.errors import Forbidden, Invalid
from upthread.post.model import Community, CommunitySort
from upthread.ui.forms import Form
from upthread.ui.language import message
from upthread.ui.pages.listing import pager, tab
from upthread.ui.pages.posts import done, must_log_in
from upthread.ui.visit import Visit

SORTS = {"size": message("Largest"), "activity": message("Most active"), "name": message("By name")}


async def listing(visit: Visit) -> Response:
    """All communities."""
    sort = cast("CommunitySort", visit.choice("sort", tuple(SORTS), "size"))
    found = await visit.services.post.communities(sort, visit.query("after") or None)
    follows = await visit.part("post", visit.services.post.subscriptions(visit.viewer_id), []) if visit.me else []
    followed = {community.id for community in follows}
    text = visit.language.text
    return visit.render(
        "communities.html",
        title=text("Communities"),
        communities=[visit.views.community(one, subscribed=one.id in followed) for one in found.communities],
        sorts=[tab(text(label), f"/communities?sort={name}", current=name == sort) for name, label in SORTS.items()],
        pager=pager(visit, "/communities", found.after, sort=sort),
    )


async def new(visit: Visit) -> Response:
    """The form to found a community, and its sending."""
    actor = visit.person().actor
    if visit.request.method != "POST":
        return form_page(visit, Form())
    form = visit.form
    try:
        community = await visit.services.post.create_community(
            actor, form["name"], form["title"], form.whole("description"), form.whole("rules")
        )
    except Invalid as error:
        form.reject(error, visit.language)
        return form_page(visit, form)
    return visit.redirect(f"/c/{community.name}", "The community is there. Post something!")


async def settings(visit: Visit) -> Response:
    """The form to change a community's texts, for its moderators."""
    actor = visit.person().actor
    community = await visit.services.post.community(visit.request.path_params["name"])
    if not visit.views.community(community)["may_moderate"]:
        raise Forbidden("Only moderators of this community may do this.")
    if visit.request.method != "POST":
        typed = {"title": community.title, "description": community.description, "rules": community.rules}
        return form_page(visit, Form(typed), community)
    form = visit.form
    try:
        await visit.services.post.edit_community(
            actor, community.name, form["title"], form.whole("description"), form.whole("rules")
        )
    except Invalid as error:
        form.reject(error, visit.language)
        return form_page(visit, form, community)
    return visit.redirect(f"/c/{community.name}", "Saved.")


def form_page(visit: Visit, form: Form, community: Community | None = None) -> Response:
    """The form of a community with what was typed so far."""
    text = visit.language.text
    return visit.render(
        "community_form.html",
        title=text("Community settings") if community else text("Found a community"),
        status=form.status,
        form=form.view(name=community.name if community else "", title="", description="", rules=""),
        mode="edit" if community else "new",
        community=visit.views.community(community) if community else None,
    )


async def subscribe(visit: Visit) -> Response:
    """Follow a community, or stop."""
    form = visit.form
    name = visit.request.path_params["name"]
    if visit.me is None:
        return must_log_in(visit, form, f"/c/{name}")
    await visit.services.post.subscribe(visit.person().actor, name, form["value"] == "1")
    return done(visit, form, f"/c/{name}")
