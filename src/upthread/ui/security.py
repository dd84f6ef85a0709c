"""What keeps strangers from using a visitor's browser against them: headers on every answer, a check on every form.

Forms carry no token: a browser itself says where a request comes from (``Sec-Fetch-Site``, and ``Origin`` in older
ones), and a request that changes something is refused unless that is this site. So the pages can be shared and cached,
a form kept open for a week still works, and there is no secret to leak. ``SameSite=Lax`` cookies are the second wall.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

HEADERS = [
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), interest-cohort=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
]


class Guard:
    """ASGI middleware: security headers on every answer, and no change on behalf of another site."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the application, or refuse."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *HEADERS]
            await send(message)

        if scope["method"] not in SAFE_METHODS and not comes_from_here(Headers(scope=scope)):
            refusal = PlainTextResponse("This form was sent from another site. Open it here and send it again.\n", 403)
            return await refusal(scope, receive, send_guarded)
        return await self._app(scope, receive, send_guarded)


def comes_from_here(headers: Headers) -> bool:
    """Whether a request that changes something was made by a page of this site, or by no browser at all.

    A request without either header comes from a program (or a browser of before 2020); it passes only if it carries no
    cookie, because then there is nobody's name it could misuse.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = headers.get("origin")
    if origin is not None:
        return urlsplit(origin).netloc == headers.get("host", "")
    return "cookie" not in headers
