"""Forms as people send them: read within bounds, shown again with what was typed when something is wrong."""

from collections.abc import Mapping

from starlette.requests import Request

from upthread.errors import Invalid, UpthreadError
from upthread.runtime.forms import body_fields, query_fields
from upthread.ui.language import Language


class Form:
    """The fields of one form, and what is wrong with them."""

    def __init__(self, values: dict[str, str] | None = None, lists: dict[str, list[str]] | None = None) -> None:
        self.values = values or {}
        self.lists = lists or {}
        self.errors: dict[str, str] = {}
        self.error = ""
        self.status = 200
        """HTTP status of the page that shows the form."""

    def __getitem__(self, field: str) -> str:
        """What was typed, without the space around it; empty if the field is missing."""
        return self.values.get(field, "").strip()

    def whole(self, field: str) -> str:
        """What was typed, to the letter: passwords, and text whose first line may be indented code."""
        return self.values.get(field, "").replace("\r\n", "\n")

    def number(self, field: str) -> int | None:
        """A whole number, or None if the field is empty or something else."""
        text = self[field]
        return int(text) if text.isascii() and text.isdecimal() else None

    def reject(self, error: UpthreadError, language: Language, renamed: Mapping[str, str] | None = None) -> None:
        """Take note of an error, beside its field where it belongs to one.

        ``renamed`` gives the form's own names for fields that a service calls otherwise.
        """
        self.status = error.status
        message = language.text(error.message, **error.parameters)
        if isinstance(error, Invalid):
            self.errors[(renamed or {}).get(error.field, error.field)] = message
        else:
            self.error = message

    def view(self, **defaults: str) -> dict[str, object]:
        """For the template: values (or defaults where nothing was typed yet), errors by field, and the whole form's."""
        return {"values": {**defaults, **self.values}, "errors": self.errors, "error": self.error}


async def read_form(request: Request) -> Form:
    """The form in the body of a request, or in its query where there is no body (as the original took it).

    Raises:
        HTTPException: 413 too large, 415 not a form, 400 not UTF-8.
    """
    pairs = await body_fields(request) or query_fields(request)
    lists: dict[str, list[str]] = {}
    for name, value in pairs:
        lists.setdefault(name, []).append(value.replace("\x00", ""))
    return Form({name: values[-1] for name, values in lists.items()}, lists)
