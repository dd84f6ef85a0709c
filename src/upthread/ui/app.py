"""The website as an ASGI application: which page answers which address, and what every request passes through."""

import re
from importlib.resources import files

from starlette.applications import Starlette
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp
from starlette_compress import CompressMiddleware

from upthread import __version__
from upthread.assembly import Doors
from upthread.errors import UpthreadError
from upthread.runtime.clock import Clock
from upthread.runtime.health import health_routes
from upthread.settings import Settings
from upthread.ui.cache import PageCache
from upthread.ui.cookies import CookieJar
from upthread.ui.pages import (
    about,
    comments,
    communities,
    errors,
    feeds,
    inbox,
    people,
    posts,
    search,
    settings,
    sign_in,
    syndication,
)
from upthread.ui.proxies import BehindProxies
from upthread.ui.security import Guard
from upthread.ui.templates import asset
from upthread.ui.visit import Page, Site, page

STATIC = files("upthread.ui").joinpath("static")
_HASHED = re.compile(r"(?P<stem>[a-z/-]+)\.[0-9a-f]{10}\.(?P<ending>css|js|svg)")
MEDIA_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}

PAGES: list[tuple[str, str, Page]] = [
    ("GET", "/", feeds.home),
    ("GET", "/all", feeds.everything),
    ("GET", "/saved", feeds.saved),
    ("GET", "/hidden", feeds.hidden),
    ("GET", "/feed.{format:format}", syndication.syndicated(syndication.all_posts)),
    ("GET POST", "/new", posts.new),
    ("GET", "/post/{id}", posts.show),
    ("GET", "/post/{id}/more", posts.more),
    ("GET", "/post/{id}/feed.{format:format}", syndication.syndicated(syndication.thread)),
    ("GET POST", "/post/{id}/edit", posts.edit),
    ("GET", "/post/{id}/history", posts.history),
    ("GET POST", "/post/{id}/delete", posts.delete),
    ("POST", "/post/{id}/vote/{vote:vote}", posts.vote),
    ("POST", "/post/{id}/save", posts.save),
    ("POST", "/post/{id}/hide", posts.hide),
    ("POST", "/post/{id}/lock", posts.lock),
    ("POST", "/post/{id}/comment", comments.add),
    ("GET", "/post/{id}/comment/{comment}", posts.permalink),
    ("GET", "/comment/{id}/reply", comments.reply),
    ("GET POST", "/comment/{id}/edit", comments.edit),
    ("GET", "/comment/{id}/history", comments.history),
    ("GET POST", "/comment/{id}/delete", comments.delete),
    ("POST", "/comment/{id}/vote/{vote:vote}", comments.vote),
    ("POST", "/comment/{id}/save", comments.save),
    ("POST", "/preview", comments.preview),
    ("GET", "/communities", communities.listing),
    ("GET POST", "/communities/new", communities.new),
    ("GET", "/c/{name}", feeds.community),
    ("GET", "/c/{name}/feed.{format:format}", syndication.syndicated(syndication.community)),
    ("GET POST", "/c/{name}/settings", communities.settings),
    ("POST", "/c/{name}/subscribe", communities.subscribe),
    ("GET", "/d/{domain}", feeds.domain),
    ("GET", "/d/{domain}/feed.{format:format}", syndication.syndicated(syndication.domain)),
    ("GET", "/u/{name}", people.posts),
    ("GET", "/u/{name}/comments", people.comments),
    ("GET", "/u/{name}/feed.{format:format}", syndication.syndicated(syndication.person)),
    ("GET POST", "/signup", sign_in.sign_up),
    ("GET POST", "/login", sign_in.log_in),
    ("GET POST", "/logout", sign_in.log_out),
    ("GET POST", "/settings", settings.look),
    ("GET POST", "/settings/profile", settings.profile),
    ("GET POST", "/settings/password", settings.password),
    ("GET", "/settings/sessions", settings.sessions),
    ("POST", "/settings/sessions/end", settings.end_sessions),
    ("GET POST", "/settings/delete", settings.delete),
    ("POST", "/theme", settings.theme),
    ("GET", "/inbox", inbox.show),
    ("POST", "/inbox/read", inbox.mark_read),
    ("GET", "/search", search.search),
    ("GET", "/about", about.about),
]


class VoteConvertor(Convertor[int]):
    """A vote in an address: 1, -1 or 0 (or any other number, whose sign counts)."""

    regex = "-?[0-9]{1,9}"

    def convert(self, value: str) -> int:
        """The number."""
        return int(value)

    def to_string(self, value: int) -> str:
        """The number as text."""
        return str(value)


class FormatConvertor(Convertor[str]):
    """How a feed is written."""

    regex = "atom|rss"

    def convert(self, value: str) -> str:
        """As it is."""
        return value

    def to_string(self, value: str) -> str:
        """As it is."""
        return value


register_url_convertor("vote", VoteConvertor())
register_url_convertor("format", FormatConvertor())


async def static(request: Request) -> Response:
    """A static file by its hashed address, which browsers may keep for ever."""
    hashed = _HASHED.fullmatch(request.path_params["path"])
    name = f"{hashed['stem']}.{hashed['ending']}" if hashed else ""
    if not hashed or not STATIC.joinpath(name).is_file() or asset(name) != request.url.path:
        raise HTTPException(404)
    # Not as a FileResponse: the server would send the file itself, past the middleware that compresses.
    headers = {"cache-control": "public, max-age=31536000, immutable"}
    return Response(STATIC.joinpath(name).read_bytes(), media_type=MEDIA_TYPES[hashed["ending"]], headers=headers)


async def favicon(_request: Request) -> Response:
    """Where browsers look that don't read the page's head."""
    return RedirectResponse(asset("favicon.svg"), 301)


async def robots(_request: Request) -> Response:
    """What crawlers need not look at."""
    quiet = ("/new", "/search", "/login", "/signup", "/settings", "/inbox", "/comment/", "/post/*/more", "/post/*/edit")
    return PlainTextResponse("User-agent: *\n" + "".join(f"Disallow: {path}\n" for path in quiet))


COMPRESSION = Middleware(CompressMiddleware, minimum_size=1000, brotli=False, zstd_level=1, gzip_level=3)
"""Of a front page composed anew, gzip at its usual level takes 290 µs, as long as all the rest. Zstandard, which most
browsers take, needs 43 µs at this level and makes it smaller; gzip at this one, for the others, 150 µs."""


def make_app(services: Doors, settings: Settings, clock: Clock, secret: bytes) -> ASGIApp:
    """The website over these services.

    Args:
        services: the doors, near or far.
        settings: how the site is set up.
        clock: tells the time.
        secret: signs the cookies; the same for all processes of a site.
    """
    checks = {"post": services.post.check, "comment": services.comment.check, "account": services.account.check}
    starlette = Starlette(
        routes=[
            *(Route(path, page(handler), methods=methods.split()) for methods, path, handler in PAGES),
            *health_routes(checks, settings.version or __version__, commit=settings.commit),
            Route("/static/{path:path}", static),
            Route("/favicon.ico", favicon),
            Route("/robots.txt", robots),
        ],
        middleware=[Middleware(Guard), COMPRESSION],
        exception_handlers={
            UpthreadError: errors.on_upthread_error,
            HTTPException: errors.on_http_exception,
            Exception: errors.on_crash,
        },
    )
    starlette.router.redirect_slashes = False
    starlette.state.site = Site(services, settings, clock, CookieJar(secret))
    cache = PageCache(starlette)
    return BehindProxies(cache, settings.trusted_proxies) if settings.trusted_proxies else cache
