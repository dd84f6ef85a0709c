"""One visit of a page: who is there, in which language, what they may do, and how the page is answered."""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import structlog
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from upthread.account.guests import introduced, new_guest
from upthread.account.model import Actor, Device, SignedIn
from upthread.account.model import Settings as PersonSettings
from upthread.assembly import Doors
from upthread.comment.model import CommentMark
from upthread.errors import NotFound, SignInNeeded, Unavailable, Unreached
from upthread.post.model import Community, PostMark
from upthread.runtime.calls.deadline import within
from upthread.runtime.clock import Clock
from upthread.settings import Settings
from upthread.ui.cache import SHARED
from upthread.ui.cookies import THEME, CookieJar, Flash
from upthread.ui.forms import Form, read_form
from upthread.ui.language import LANGUAGES, Language, language, message, negotiate
from upthread.ui.patience import FORM, PAGE, PART
from upthread.ui.templates import Pieces, templates
from upthread.ui.views import View, Views

T = TypeVar("T")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Site:
    """What every page needs: the services behind it, how it is set up, and the time."""

    services: Doors
    settings: Settings
    clock: Clock
    cookies: CookieJar


class Visit:
    """A request together with its visitor. Pages get one, ask the services, and answer through it."""

    def __init__(
        self, request: Request, me: SignedIn | None, form: Form | None = None, *, account_missing: bool = False
    ) -> None:
        self.request = request
        self.form = form or Form()
        """The form that was sent, if one was."""
        self.site: Site = request.app.state.site
        self.me = me
        self.missing: list[str] = ["account"] if account_missing else []
        self.now = self.site.clock.now()
        self.guest = None if me else self.site.cookies.guest(request)
        chosen = me.settings.language if me else ""
        self.language: Language = language(chosen or negotiate(request.headers.get("accept-language", "")))

    # who is there

    @property
    def services(self) -> Doors:
        """The doors of the services."""
        return self.site.services

    @property
    def settings(self) -> PersonSettings:
        """How this visitor wants the site to look."""
        return self.me.settings if self.me else PersonSettings()

    @property
    def actor(self) -> Actor | None:
        """The person or known guest who asks; None for somebody who only reads."""
        return self.me.actor if self.me else self.guest

    @property
    def viewer_id(self) -> int:
        """The number that votes and marks are kept under; 0 for somebody who only reads."""
        return self.actor.id if self.actor else 0

    def may(self, deed: str) -> bool:
        """Whether this visitor may post, vote or comment: everybody signed in, and guests as the site is set up.

        Whose session can't be looked up now is no guest: what they write would not be theirs.
        """
        if self.me is not None or "account" in self.missing:
            return self.me is not None
        guests = self.site.settings.guests
        return guests == "all" or (guests == "comment" and deed == "comment")

    def person(self) -> SignedIn:
        """The person signed in.

        Raises:
            SignInNeeded: nobody is.
        """
        if self.me is None:
            if "account" in self.missing:
                raise Unreached(service="account")
            raise SignInNeeded("Log in to do this.")
        return self.me

    def writer(self, deed: str, form: Form | None = None) -> Actor:
        """Who votes, posts or comments: the person signed in, or a guest where the site lets guests do so.

        A guest is who they say in the form's ``name`` and ``email``, and keeps the number in their cookie.

        Raises:
            SignInNeeded: guests may not.
            Unavailable: somebody is signed in, but who can't be told.
        """
        if self.me is not None or not self.may(deed):
            return self.person().actor
        known = self.guest or new_guest()
        self.guest = introduced(known, form["name"], form["email"]) if form else known
        return self.guest

    @property
    def device(self) -> Device:
        """Where the request comes from."""
        client = self.request.client
        return Device(ip=client.host if client else "", user_agent=self.request.headers.get("user-agent", "")[:300])

    # what was sent

    def number(self, name: str) -> int:
        """A number in the address.

        Raises:
            NotFound: it is none; there is no such page.
        """
        text = self.request.path_params[name]
        if not (text.isascii() and text.isdecimal() and len(text) < 16):  # noqa: PLR2004 - ids are below 2**53
            raise NotFound("There is no such page.")
        return int(text)

    def query(self, name: str) -> str:
        """A parameter of the address, or an empty text."""
        return self.request.query_params.get(name, "").strip()

    def choice(self, name: str, choices: tuple[str, ...], default: str) -> Any:
        """A parameter of the address that must be one of ``choices``; anything else counts as the default."""
        value = self.query(name)
        return value if value in choices else default

    @cached_property
    def wants_fragment(self) -> bool:
        """Whether the script asks for a piece of a page only."""
        return self.request.headers.get("x-fragment") == "1"

    @property
    def wants_json(self) -> bool:
        """Whether a program asks."""
        return "application/json" in self.request.headers.get("accept", "")

    # gathering

    async def part(self, service: str, question: Coroutine[Any, Any, T], otherwise: T) -> T:
        """The answer to a question whose failure the page can live without: then it says which part is missing.

        A service that is missing already is not asked again, so that the page waits for it once.
        """
        if service in self.missing:
            question.close()
            return otherwise
        try:
            with within(PART):
                return await question
        except Unavailable as error:
            log.warning("part missing", service=service, reason=str(error))
            self.missing.append(service)
            return otherwise

    async def post_marks(self, post_ids: list[int]) -> dict[int, PostMark]:
        """What the visitor has done with these posts."""
        if not self.viewer_id or not post_ids:
            return {}
        marks = await self.part("post", self.services.post.marks(self.viewer_id, post_ids), [])
        return {mark.post_id: mark for mark in marks}

    async def comment_marks(self, comment_ids: list[int]) -> dict[int, CommentMark]:
        """What the visitor has done with these comments."""
        if not self.viewer_id or not comment_ids:
            return {}
        marks = await self.part("comment", self.services.comment.marks(self.viewer_id, comment_ids), [])
        return {mark.comment_id: mark for mark in marks}

    async def follows(self, community: Community) -> bool:
        """Whether the visitor follows this community."""
        if self.me is None:
            return False
        return await self.part("post", self.services.post.follows(self.me.person.id, community.id), otherwise=False)

    @cached_property
    def views(self) -> Views:
        """Makes view models for this visitor."""
        return Views(self.language, self.now, self.actor, may_comment=self.may("comment"))

    # answering

    @property
    def path(self) -> str:
        """The present address, to come back to."""
        url = self.request.url
        return f"{url.path}?{url.query}" if url.query else url.path

    def absolute(self, path: str) -> str:
        """An address of this site that works from outside."""
        return f"{self.request.url.scheme}://{self.request.url.netloc}{path}"

    def back(self, form: Form, default: str) -> str:
        """Where the form asks to go on: a path of this site only, so nobody is sent elsewhere."""
        target = form["next"] or default
        parts = urlsplit(target)
        local = target.startswith("/") and not target.startswith("//") and "\\" not in target
        return target if local and not parts.netloc and target.isprintable() else default

    def login_href(self, back: str | None = None) -> str:
        """The log-in page that comes back here."""
        return "/login?" + urlencode({"next": back or self.path})

    def render(self, template: str, *, title: str = "", status: int = 200, **context: Any) -> Response:
        """A page from a template."""
        flash = self.site.cookies.flash(self.request)
        html = templates(self.language).render(template, self._common(title, flash) | {"status": status} | context)
        response = HTMLResponse(html, status)
        if flash:
            self.site.cookies.clear_flash(self.request, response)
        return self.shareable(response)

    def shareable(self, response: Response) -> Response:
        """Let everyone without cookies be given the same answer for a moment, if it is whole and nobody's own."""
        if self.me or self.request.cookies:
            response.headers["cache-control"] = "private, no-store"
            return response
        response.headers["cache-control"] = "no-cache"
        # With a part missing the next visitor should not be shown the hole for longer than it lasts.
        if response.status_code == HTTPStatus.OK and not self.missing:
            self.request.scope[SHARED] = True
        return response

    def fragment(self, html: Pieces) -> Response:
        """A piece of a page, for the script."""
        return HTMLResponse(b"".join(html), headers={"cache-control": "private, no-store"})

    def redirect(self, path: str, message: str = "", *, kind: Any = "ok", **values: object) -> Response:
        """Go on elsewhere on this site, as an answer to a form, with a message to show there once."""
        response = RedirectResponse(quote(path, safe="/:?#[]@!$&'()*+,;=%~"), 303)
        if message:
            self.site.cookies.set_flash(self.request, response, Flash(kind, self.language.text(message, **values)))
        if self.me is None and self.guest is not None:
            self.site.cookies.set_guest(self.request, response, self.guest)
        return response

    def _common(self, title: str, flash: Flash | None) -> View:
        settings = self.site.settings
        me = self.me
        theme = self.settings.theme if me else self.request.cookies.get(THEME, "auto")
        guest = self.guest
        return {
            "site": {"name": settings.site_name, "tagline": settings.tagline, "env": settings.brand},
            "lang": self.language.code,
            "languages": LANGUAGES,
            "path": self.path,
            "title": title,
            "me": {
                "name": me.person.name,
                "href": f"/u/{me.person.name}",
                "unread": me.unread,
                "is_admin": me.person.is_admin,
                "density": me.settings.density,
            }
            if me
            else None,
            "theme": theme if theme in {"light", "dark"} else "auto",
            "density": self.settings.density,
            "may": {
                "post": self.may("post"),
                "vote": self.may("vote"),
                "comment": self.may("comment"),
                "sign_up": settings.registration == "open",
            },
            "guest": {"name": guest.name, "email": guest.email} if guest else None,
            "flash": {"kind": flash.kind, "text": flash.text} if flash else None,
            "feeds": [],
            "canonical": None,
            "noindex": False,
            "missing": [{"service": service, "text": self.language.text(MISSING[service])} for service in self.missing],
        }


MISSING = {
    "post": message("Can't show posts, some problems with the post service."),
    "comment": message("Can't show comments, some problems with the comment service."),
    "account": message("Can't tell who you are, some problems with the account service."),
}
"""What a page says about a part that does not come, by the service that is missing."""

Page = Callable[[Visit], Coroutine[Any, Any, Response]]


async def visit(request: Request, form: Form | None = None) -> Visit:
    """Find out who is there, with one call at most; if that can't be told, the page comes as for anyone."""
    site: Site = request.app.state.site
    token = site.cookies.session(request)
    if not token:
        return Visit(request, None, form)
    try:
        # A page can come without that; a form can't be taken.
        with within(PART if form is None else PAGE):
            return Visit(request, await site.services.account.signed_in(token), form)
    except Unavailable:
        return Visit(request, None, form, account_missing=True)


def page(handler: Page) -> Callable[[Request], Awaitable[Response]]:
    """A page as the router wants it: from a function that takes a visit."""

    async def endpoint(request: Request) -> Response:
        # A form may take long to arrive on a slow line; only then does the time begin.
        form = await read_form(request) if request.method == "POST" else None
        with within(PAGE if form is None else FORM):
            request.state.visit = found = await visit(request, form)
            return await handler(found)

    endpoint.__name__ = handler.__name__
    return endpoint
