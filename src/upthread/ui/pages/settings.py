"""What a person sets for themselves: the look of the site, profile, password, sessions, the end of the account."""

import msgspec
from starlette.responses import Response

from upthread.account.model import Settings, WrittenContent
from upthread.errors import Invalid, RateLimited
from upthread.ui.forms import Form
from upthread.ui.language import LANGUAGES
from upthread.ui.pages.listing import SORTS as FEED_SORTS
from upthread.ui.pages.listing import tab
from upthread.ui.pages.posts import COMMENT_SORTS
from upthread.ui.views import View
from upthread.ui.visit import Visit

REFUSALS = (Invalid, RateLimited)


def tabs(visit: Visit) -> list[View]:
    """Between the pages of settings."""
    text = visit.language.text
    path = visit.request.url.path
    pages = {
        "/settings": text("Look"),
        "/settings/profile": text("Profile"),
        "/settings/password": text("Password"),
        "/settings/sessions": text("Sessions"),
        "/settings/delete": text("Delete account"),
    }
    return [tab(label, href, current=href == path) for href, label in pages.items()]


async def look(visit: Visit) -> Response:
    """Theme, language, density, and the orders to begin with."""
    me = visit.person()
    if visit.request.method != "POST":
        return look_page(visit, Form(msgspec.to_builtins(me.settings)))
    form = visit.form
    try:
        chosen = msgspec.convert({name: form[name] for name in Settings.__struct_fields__}, Settings)
        await visit.services.account.change_settings(me.person.id, chosen)
    except msgspec.ValidationError:
        form.error = visit.language.text("Please choose from the lists.")
        form.status = Invalid.status
        return look_page(visit, form)
    return visit.redirect("/settings", "Saved.")


def look_page(visit: Visit, form: Form) -> Response:
    """The form with what is chosen."""
    text = visit.language.text
    return visit.render(
        "settings.html",
        title=text("Settings"),
        status=form.status,
        form=form.view(theme="auto", language="", feed_sort="", comment_sort="", density="comfortable"),
        tabs=tabs(visit),
        choices={
            "theme": {"auto": text("Like the system"), "light": text("Light"), "dark": text("Dark")},
            "language": {"": text("Like the browser"), **LANGUAGES},
            "feed_sort": {"": text("As the site decides"), **{name: text(label) for name, label in FEED_SORTS.items()}},
            "comment_sort": {
                "": text("As the site decides"),
                **{name: text(label) for name, label in COMMENT_SORTS.items()},
            },
            "density": {"comfortable": text("Comfortable"), "compact": text("Compact")},
        },
    )


async def profile(visit: Visit) -> Response:
    """What one says about oneself."""
    me = visit.person()
    form = visit.form if visit.request.method == "POST" else Form({"bio": me.person.bio})
    if visit.request.method == "POST":
        try:
            await visit.services.account.edit_profile(me.person.id, form.whole("bio"))
            return visit.redirect(f"/u/{me.person.name}", "Saved.")
        except REFUSALS as error:
            form.reject(error, visit.language)
    return visit.render(
        "settings_profile.html",
        title=visit.language.text("Profile"),
        status=form.status,
        form=form.view(bio=""),
        tabs=tabs(visit),
    )


async def password(visit: Visit) -> Response:
    """A new password."""
    me = visit.person()
    form = visit.form if visit.request.method == "POST" else Form()
    if visit.request.method == "POST":
        try:
            await visit.services.account.change_password(
                me.person.id, form.whole("current"), form.whole("new"), me.session_id
            )
            return visit.redirect("/settings/sessions", "The password is changed; all other sessions have ended.")
        except REFUSALS as error:
            form.reject(error, visit.language)
    form.values.clear()
    return visit.render(
        "settings_password.html",
        title=visit.language.text("Password"),
        status=form.status,
        form=form.view(),
        tabs=tabs(visit),
    )


async def sessions(visit: Visit) -> Response:
    """Where one is logged in."""
    me = visit.person()
    found = await visit.services.account.sessions(me.person.id)
    return visit.render(
        "settings_sessions.html",
        title=visit.language.text("Sessions"),
        sessions=[
            {
                "id": session.id,
                "device": session.user_agent,
                "ip": session.ip,
                "time": visit.views.time(session.created_at),
                "last": visit.views.time(session.last_seen_at),
                "current": session.id == me.session_id,
            }
            for session in found
        ],
        tabs=tabs(visit),
    )


async def end_sessions(visit: Visit) -> Response:
    """End one session, or all others."""
    me = visit.person()
    form = visit.form
    session_id = form.number("session")
    if form["session"] == "others":
        await visit.services.account.end_sessions(me.person.id, keep=me.session_id)
    elif session_id is not None:
        await visit.services.account.end_session(me.person.id, session_id)
    return visit.redirect("/settings/sessions", "Ended.")


async def delete(visit: Visit) -> Response:
    """The end of the account, with a choice of what happens to what one wrote."""
    me = visit.person()
    form = visit.form if visit.request.method == "POST" else Form()
    if visit.request.method == "POST":
        content: WrittenContent = "erase" if form["content"] == "erase" else "keep"
        try:
            await visit.services.account.delete_account(me.person.id, form.whole("password"), content)
        except REFUSALS as error:
            form.reject(error, visit.language)
        else:
            response = visit.redirect("/", "Your account is deleted. Farewell!")
            visit.site.cookies.clear_session(visit.request, response)
            return response
    form.values.pop("password", None)
    return visit.render(
        "settings_delete.html",
        title=visit.language.text("Delete account"),
        status=form.status,
        form=form.view(content="keep"),
        tabs=tabs(visit),
    )


async def theme(visit: Visit) -> Response:
    """Light, dark or like the system: kept with the account, or in a cookie for visitors without one."""
    form = visit.form
    value = form["value"] if form["value"] in {"auto", "light", "dark"} else "auto"
    response = visit.redirect(visit.back(form, "/"))
    if visit.me:
        chosen = msgspec.convert({**msgspec.to_builtins(visit.me.settings), "theme": value}, Settings)
        await visit.services.account.change_settings(visit.me.person.id, chosen)
    else:
        visit.site.cookies.set_theme(visit.request, response, value)
    return response
