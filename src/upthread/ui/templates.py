"""Templates and the files that go with them: rendering in a language, hashed asset addresses, inline icons."""

import hashlib
import json
import re
import secrets
from collections.abc import Callable, Mapping
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

from minijinja import Environment, safe

from upthread.ui.language import Language

HERE = files("upthread.ui")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_PRINTED = re.compile(r'\{\{ (_|asset|icon)\("([^"]*)"\) \}\}')
"""Where a template prints one of these."""
_USED = re.compile(r'\b_\("([^"]*)"\)')
"""Where it does something else with a text."""


def _load(name: str) -> str:
    return HERE.joinpath("templates", name).read_text(encoding="utf-8")


def _worded(source: str, language: Language) -> str:
    """A template with its texts, icons and addresses of files put in.

    A page has a hundred of these, and each would be a call from Rust into Python whenever it is shown.
    """
    printed: dict[str, Callable[[str], str]] = {
        "_": lambda text: escape(language.text(text)),
        "asset": asset,
        "icon": icon,
    }
    source = _PRINTED.sub(lambda found: printed[found[1]](found[2]), source)
    return _USED.sub(lambda found: json.dumps(language.text(found[1]), ensure_ascii=False), source)


def _escape(name: str) -> str | None:
    return "html" if name.endswith((".html", ".xml")) else None


@cache
def asset(name: str) -> str:
    """The address of a static file, with a hash of its content in it, so that browsers may keep it for ever."""
    digest = hashlib.sha256(HERE.joinpath("static", name).read_bytes()).hexdigest()[:10]
    stem, _, ending = name.rpartition(".")
    return f"/static/{stem}.{digest}.{ending}"


@cache
def icon(name: str) -> str:
    """An icon as inline SVG, safe to print in a template. Icons are decoration: the text beside them speaks."""
    drawing = HERE.joinpath("static", "icons", f"{name}.svg").read_text(encoding="utf-8")
    inline = _COMMENT.sub("", drawing).replace("<svg ", '<svg class="icon" aria-hidden="true" focusable="false" ', 1)
    return str(safe(inline.strip()))


class Pieces(list[bytes]):
    """A long piece of HTML that no template makes, in parts, UTF-8.

    A thread has 400 kB. To take it through the template engine as one text, which is copied several times on the way,
    cost a third of the page's time.
    """


_SECRET = secrets.token_hex(16)
_PLACE = re.compile(rf"<!--{_SECRET} (\w+)-->")
"""Marks a place in a page that is being made. Nobody can know it, so it can't stand in what people have written."""


class Templates:
    """All templates in one language."""

    def __init__(self, language: Language) -> None:
        self._environment = Environment(
            loader=lambda name: _worded(_load(name), language),
            auto_escape_callback=_escape,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined_behavior="strict",
        )
        self._environment.add_global("_", language.text)
        self._environment.add_global("ngettext", language.plural)
        self._environment.add_global("number", language.number)

    def render(self, name: str, context: Mapping[str, Any]) -> bytes:
        """The template filled in; each :class:`Pieces` stands where the template prints it."""
        pieces = {key: value for key, value in context.items() if isinstance(value, Pieces)}
        places = {key: safe(f"<!--{_SECRET} {key}-->") if value else "" for key, value in pieces.items()}
        beginning, *rest = _PLACE.split(self._environment.render_template(name, **{**context, **places}))
        parts = [beginning.encode()]
        for key, text in zip(rest[::2], rest[1::2], strict=True):
            parts += (*pieces[key], text.encode())
        return b"".join(parts)


@cache
def templates(language: Language) -> Templates:
    """The templates of a language, compiled on first use and kept."""
    return Templates(language)
