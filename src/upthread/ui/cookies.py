"""What the site keeps in a visitor's browser: the session, who a guest is, a message to show once, the theme."""

from typing import Any, Literal, TypeVar

import msgspec
from itsdangerous import BadSignature, URLSafeSerializer
from starlette.requests import Request
from starlette.responses import Response

from upthread.account.model import Actor

T = TypeVar("T", bound=msgspec.Struct)

SESSION, GUEST, FLASH, THEME = "session", "guest", "flash", "theme"
YEAR = 365 * 86400


class Flash(msgspec.Struct, frozen=True):
    """A message that the next page shows once."""

    kind: Literal["ok", "error"]
    text: str


class CookieJar:
    """Reads and writes the site's cookies. Those that must not be made up by the visitor are signed."""

    def __init__(self, secret: bytes) -> None:
        self._serializers = {name: URLSafeSerializer(secret, salt=name) for name in (GUEST, FLASH)}

    def session(self, request: Request) -> str | None:
        """The session token, if there is one."""
        return request.cookies.get(SESSION)

    def set_session(self, request: Request, response: Response, token: str) -> None:
        """Stay signed in until the service ends the session."""
        self._set(request, response, SESSION, token, YEAR)

    def clear_session(self, request: Request, response: Response) -> None:
        """Forget the session."""
        self._set(request, response, SESSION, "", 0)

    def guest(self, request: Request) -> Actor | None:
        """The guest that this browser was before, if the cookie is ours."""
        return self._signed(request, GUEST, Actor)

    def set_guest(self, request: Request, response: Response, guest: Actor) -> None:
        """Let this browser be the same guest next time."""
        self._set(request, response, GUEST, self._seal(GUEST, guest), YEAR)

    def flash(self, request: Request) -> Flash | None:
        """The message to show, if there is one."""
        return self._signed(request, FLASH, Flash)

    def set_flash(self, request: Request, response: Response, flash: Flash) -> None:
        """Show this message on the next page."""
        self._set(request, response, FLASH, self._seal(FLASH, flash), 60)

    def clear_flash(self, request: Request, response: Response) -> None:
        """The message was shown."""
        self._set(request, response, FLASH, "", 0)

    def set_theme(self, request: Request, response: Response, theme: str) -> None:
        """Light or dark, for a visitor without an account."""
        self._set(request, response, THEME, theme, YEAR)

    def _set(self, request: Request, response: Response, name: str, value: str, max_age: int) -> None:
        response.set_cookie(
            name, value, max_age=max_age, path="/", secure=request.url.scheme == "https", httponly=True, samesite="lax"
        )

    def _seal(self, name: str, value: msgspec.Struct) -> str:
        return self._serializers[name].dumps(msgspec.to_builtins(value))

    def _signed(self, request: Request, name: str, kind: type[T]) -> T | None:
        sealed = request.cookies.get(name)
        if not sealed:  # nearly always, and to find that its seal is broken takes 10 µs
            return None
        try:
            value: Any = self._serializers[name].loads(sealed)
            return msgspec.convert(value, kind)
        except (BadSignature, msgspec.ValidationError):
            return None
