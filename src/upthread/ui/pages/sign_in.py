"""Making an account, logging in, logging out."""

from starlette.responses import Response

from upthread.account.model import NewSession
from upthread.errors import Forbidden, Invalid, RateLimited, SignInNeeded
from upthread.ui.forms import Form
from upthread.ui.visit import Visit


async def sign_up(visit: Visit) -> Response:
    """The form for a new account, and its sending."""
    if visit.site.settings.registration != "open":
        raise Forbidden("This site takes no new accounts at the moment.")
    if visit.request.method != "POST":
        return form_page(visit, "signup.html", Form({"next": visit.query("next")}))
    form = visit.form
    try:
        opened = await visit.services.account.sign_up(form["name"], form.whole("password"), visit.device)
    except (Invalid, RateLimited) as error:
        form.reject(error, visit.language)
        return form_page(visit, "signup.html", form)
    return welcome(visit, form, opened, "Welcome, {name}!")


async def log_in(visit: Visit) -> Response:
    """The form to log in, and its sending."""
    if visit.request.method != "POST":
        return form_page(visit, "login.html", Form({"next": visit.query("next")}))
    form = visit.form
    try:
        opened = await visit.services.account.log_in(form["name"], form.whole("password"), visit.device)
    except (SignInNeeded, Invalid, RateLimited) as error:
        form.reject(error, visit.language)
        return form_page(visit, "login.html", form)
    return welcome(visit, form, opened, "Welcome back, {name}.")


def form_page(visit: Visit, template: str, form: Form) -> Response:
    """One of the two forms with what was typed so far; never the password."""
    form.values.pop("password", None)
    title = visit.language.text("Log in") if template == "login.html" else visit.language.text("Sign up")
    response = visit.render(template, title=title, status=form.status, form=form.view(name="", next=""), noindex=True)
    if form.status == RateLimited.status:
        response.headers["retry-after"] = "60"
    return response


def welcome(visit: Visit, form: Form, opened: NewSession, message: str) -> Response:
    """Go on signed in."""
    response = visit.redirect(visit.back(form, "/"), message, name=opened.signed_in.person.name)
    visit.site.cookies.set_session(visit.request, response, opened.token)
    return response


async def log_out(visit: Visit) -> Response:
    """Ask to log out, and do so. A mere link can't: any page could make the browser follow it."""
    if visit.request.method != "POST":
        return visit.render("logout.html", title=visit.language.text("Log out"), noindex=True)
    token = visit.site.cookies.session(visit.request)
    if token:
        await visit.services.account.log_out(token)
    response = visit.redirect("/", "You are logged out.")
    visit.site.cookies.clear_session(visit.request, response)
    return response
