"""Every way a request can fail on purpose, as one family of named errors.

A service raises these; the site turns them into pages and form messages, the HTTP APIs into RFC 9457 problem
details, and a call between services carries them over the wire and raises the same type on the other side.

The message is an English template for a person (``"A title has at most {limit} characters."``). It is a gettext
message id, so values go in as parameters and never into the text itself.
"""

from typing import Any, ClassVar

Parameter = str | int


class UpthreadError(Exception):
    """The root of the family. ``status`` is the HTTP status that fits, ``code`` the stable name for programs."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "error"

    def __init__(self, message: str, **parameters: Parameter) -> None:
        super().__init__(message)
        self.message = message
        self.parameters = parameters

    def __str__(self) -> str:
        return self.message.format(**self.parameters)

    def problem(self) -> dict[str, Any]:
        """As RFC 9457 problem details, with the untranslated template and its parameters as extension members."""
        return {
            "type": f"urn:upthread:{self.code}",
            "title": str(self),
            "status": self.status,
            "message": self.message,
            "parameters": self.parameters,
        }

    @staticmethod
    def of_problem(problem: dict[str, Any]) -> "UpthreadError":
        """The error that :meth:`problem` described; an unknown type becomes the plain :class:`UpthreadError`."""
        code = str(problem.get("type", "")).rpartition(":")[2]
        kind = ERRORS.get(code, UpthreadError)
        error = kind.__new__(kind)
        UpthreadError.__init__(error, str(problem.get("message", "")), **problem.get("parameters", {}))
        return error


class Invalid(UpthreadError):
    """Something the person typed can't be taken. ``parameters["field"]`` names the form field to mark."""

    status = 422
    code = "invalid"

    def __init__(self, message: str, *, field: str, **parameters: Parameter) -> None:
        super().__init__(message, field=field, **parameters)

    @property
    def field(self) -> str:
        """The form field that the message belongs to."""
        return str(self.parameters["field"])


class SignInNeeded(UpthreadError):
    """Only someone who is signed in may do this, or the name and password do not match."""

    status = 401
    code = "sign-in-needed"


class Forbidden(UpthreadError):
    """The person is known, and may not do this."""

    status = 403
    code = "forbidden"


class NotFound(UpthreadError):
    """There is no such thing, and never was as far as anyone can tell."""

    status = 404
    code = "not-found"


class Conflict(UpthreadError):
    """What was asked for contradicts what is there, such as a name that is taken by another request just now."""

    status = 409
    code = "conflict"


class Gone(UpthreadError):
    """The thing was here and has been deleted."""

    status = 410
    code = "gone"


class RateLimited(UpthreadError):
    """Too many tries. ``parameters["retry_after"]`` says after how many seconds another may succeed."""

    status = 429
    code = "rate-limited"

    def __init__(self, message: str, *, retry_after: int, **parameters: Parameter) -> None:
        super().__init__(message, retry_after=retry_after, **parameters)

    @property
    def retry_after(self) -> int:
        """Seconds until the next try may succeed."""
        return int(self.parameters["retry_after"])


class Unavailable(UpthreadError):
    """A part behind this one does not answer. ``parameters["service"]`` names it: post, comment or account."""

    status = 503
    code = "unavailable"

    def __init__(self, message: str = "The {service} service does not answer.", *, service: str) -> None:
        super().__init__(message, service=service)

    @property
    def service(self) -> str:
        """Which service is missing."""
        return str(self.parameters["service"])


class Unreached(Unavailable):
    """A part was not even asked, as nobody was there: so it has done nothing. Any other that is missing may have."""

    code = "unreached"


class StartError(UpthreadError):
    """The process can't start as it was asked to: one line for the operator, exit status 1, nothing changed."""

    code = "start"


def _family(root: type[UpthreadError]) -> dict[str, type[UpthreadError]]:
    found = {root.code: root}
    for kind in root.__subclasses__():
        found.update(_family(kind))
    return found


ERRORS = _family(UpthreadError)
