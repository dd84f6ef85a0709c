"""Pages for what went wrong: they say what it means and where to go from here."""

from http import HTTPStatus

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from upthread.errors import RateLimited, SignInNeeded, Unavailable, UpthreadError
from upthread.runtime.metrics import count_error
from upthread.ui.language import message
from upthread.ui.pages import unsent
from upthread.ui.views import View
from upthread.ui.visit import Visit, visit

HEADINGS = {
    400: message("That can't be read"),
    401: message("Log in first"),
    403: message("Not allowed"),
    404: message("Not here"),
    405: message("Not in this way"),
    409: message("That does not fit"),
    410: message("Deleted"),
    413: message("Too large"),
    415: message("That is no form"),
    422: message("Something is not right"),
    429: message("Too fast"),
    500: message("Our mistake"),
    503: message("A part is missing"),
}
TEXTS = {
    400: message("What was sent is damaged, or not UTF-8."),
    403: message("You may not do this."),
    404: message("There is no such page. It may have been a mistyped address."),
    405: message("This address does not take that kind of request."),
    413: message("What was sent is larger than this site takes."),
    415: message("This address takes forms as browsers send them."),
    503: message("The {service} service does not answer."),
    500: message(
        "Something broke on our side, and it has been noted. Nothing you sent before is lost. Please try again."
    ),
}

log = structlog.get_logger(__name__)


async def on_upthread_error(request: Request, error: Exception) -> Response:
    """A named error that no page has handled itself."""
    if not isinstance(error, UpthreadError):
        raise TypeError(f"not an UpthreadError: {error!r}")
    count_error(error)
    found = await _visit(request)
    explanation, again = found.language.text(error.message, **error.parameters), None
    if isinstance(error, Unavailable) and request.method == "POST":
        explanation, again = unsent.explanation(found, error), unsent.form_again(found)
    if _wants_json(request):
        problem = error.problem() | {"detail": explanation}
        response: Response = JSONResponse(problem, error.status, media_type="application/problem+json")
    else:
        if isinstance(error, SignInNeeded) and request.method == "GET" and found.me is None:
            return found.redirect(found.login_href())
        response = error_page(found, error.status, explanation, again)
    if isinstance(error, RateLimited):
        response.headers["retry-after"] = str(error.retry_after)
    elif isinstance(error, Unavailable):
        response.headers["retry-after"] = "5"
    return response


async def on_http_exception(request: Request, error: Exception) -> Response:
    """What the router and the form reader raise: 404, 405, 413 and the like."""
    if not isinstance(error, HTTPException):
        raise TypeError(f"not an HTTPException: {error!r}")
    if _wants_json(request):
        problem = UpthreadError(TEXTS.get(error.status_code, HTTPStatus(error.status_code).phrase)).problem()
        problem |= {"type": "about:blank", "status": error.status_code}
        return JSONResponse(problem, error.status_code, media_type="application/problem+json", headers=error.headers)
    found = await _visit(request)
    response = error_page(found, error.status_code, found.language.text(TEXTS.get(error.status_code, "")))
    response.headers.update(error.headers or {})
    return response


async def on_crash(request: Request, error: Exception) -> Response:
    """An error that nobody foresaw. The framework raises it again afterwards, so it is logged with its traceback."""
    count_error(UpthreadError(TEXTS[500]))
    log.error("page crashed", path=request.url.path, error=repr(error))
    found = Visit(request, None)  # asking who is there might be what crashed
    return error_page(found, 500, found.language.text(TEXTS[500]))


def error_page(found: Visit, status: int, explanation: str, again: View | None = None) -> Response:
    """The page of an error, with the form that it befell, if that can be sent again."""
    text = found.language.text
    return found.render(
        "error.html",
        title=text(HEADINGS.get(status, HEADINGS[422])),
        status=status,
        heading=text(HEADINGS.get(status, HEADINGS[422])),
        text=explanation,
        again=again,
        actions=_actions(found, status),
        request_id=found.request.scope.get("request_id", ""),
        noindex=True,
    )


def _actions(found: Visit, status: int) -> list[View]:
    text = found.language.text
    actions = [{"label": text("Front page"), "href": "/"}, {"label": text("Search"), "href": "/search"}]
    if found.form["next"]:
        actions.insert(0, {"label": text("Back"), "href": found.back(found.form, "/")})
    if found.me is None and status in (401, 403):
        actions.insert(0, {"label": text("Log in"), "href": found.login_href()})
    if status == Unavailable.status and found.request.method == "GET":
        actions.insert(0, {"label": text("Try again"), "href": found.path})
    return actions


async def _visit(request: Request) -> Visit:
    try:
        known: Visit = request.state.visit
    except AttributeError:  # the error came before the page's own code ran
        return await visit(request)
    return known


def _wants_json(request: Request) -> bool:
    return "application/json" in request.headers.get("accept", "") or request.headers.get("x-fragment") == "1"
