"""What people type into the search box: words, and ``name:value`` filters between them."""

import re
from datetime import UTC, datetime

import msgspec

from upthread.errors import Invalid
from upthread.post.model import SearchQuery

OPERATORS = ("community", "author", "domain", "before", "after")
_OPERATOR = re.compile(rf"(?<!\S)({'|'.join(OPERATORS)}):(\S+)", re.IGNORECASE)
_DATE_FORMATS = ("%Y-%m-%d", "%Y-%m", "%Y")


def parse(text: str) -> SearchQuery:
    """The query that a text means. ``before:`` and ``after:`` take 2024, 2024-05 or 2024-05-31, beginning at 00:00 UTC.

    Raises:
        Invalid: field q; a date is no date.
    """
    filters: dict[str, str | int] = {}
    for operator, value in _OPERATOR.findall(text):
        name = operator.lower()
        filters[name] = _time(name, value) if name in ("before", "after") else _name(value)
    words = " ".join(_OPERATOR.sub(" ", text).split())
    return msgspec.convert({"text": words, **filters}, SearchQuery)


def _name(value: str) -> str:
    return value.removeprefix("c/").removeprefix("u/").removeprefix("@").removeprefix("www.")


def _time(operator: str, value: str) -> int:
    for form in _DATE_FORMATS:
        try:
            return int(datetime.strptime(value, form).replace(tzinfo=UTC).timestamp())
        except ValueError:
            continue
    raise Invalid(
        "{operator}: wants a date like 2024, 2024-05 or 2024-05-31, not {value}.",
        field="q",
        operator=operator,
        value=value,
    )
