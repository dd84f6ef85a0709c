"""What this site runs on, how it ranks, and which keys it knows."""

from starlette.responses import Response

from upthread import __version__, ranking
from upthread.comment.model import TEXT_LIMIT as COMMENT_LIMIT
from upthread.post.model import TEXT_LIMIT, TITLE_LIMIT
from upthread.ui.language import message
from upthread.ui.pages.listing import SORTS, WINDOWS
from upthread.ui.pages.posts import COMMENT_SORTS, SHOWN_COMMENTS
from upthread.ui.views import View
from upthread.ui.visit import Visit

RULES: dict[str, str] = {**SORTS, **WINDOWS, **COMMENT_SORTS, "activity": message("Activity of a community")}


def thresholds(visit: Visit) -> list[View]:
    """The limits that people may run into, as the code has them."""
    text = visit.language.text
    return [
        {"text": text("Characters in a title"), "value": TITLE_LIMIT},
        {"text": text("Characters in a post"), "value": TEXT_LIMIT},
        {"text": text("Characters in a comment"), "value": COMMENT_LIMIT},
        {"text": text("Comments on a page before “load more”"), "value": SHOWN_COMMENTS},
        {
            "text": text("Newest posts that compete in a person's or a domain's list sorted by anything but new"),
            "value": ranking.SCOPE_WINDOW,
        },
        {"text": text("Newest matches that a search ranks"), "value": ranking.SEARCH_WINDOW},
    ]


async def about(visit: Visit) -> Response:
    """The about page, with the formulas and thresholds as the code uses them."""
    text = visit.language.text
    return visit.render(
        "about.html",
        title=text("About"),
        version=__version__,
        formulas=[
            {"name": text(RULES.get(rule.name, rule.name)), "formula": rule.formula, "source": rule.source}
            for rule in ranking.FORMULAS
        ],
        thresholds=thresholds(visit),
    )
