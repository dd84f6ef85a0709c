"""Templates: what is put into them when they are loaded, and what when a page is made."""

import re

import pytest

from upthread.ui import templates
from upthread.ui.language import language
from upthread.ui.templates import Pieces, Templates


def rendering(monkeypatch: pytest.MonkeyPatch, source: str, context: dict[str, object], code: str = "en") -> str:
    """A page made from this template."""
    monkeypatch.setattr(templates, "_load", lambda _name: source)
    return Templates(language(code)).render("page.html", context).decode()


def test_pieces_stand_where_they_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long pieces of HTML come out where the template prints them, whole and in whichever order, and not elsewhere."""
    source = "{{ name }}<{{ second }}|{% if first %}{{ first }}{% endif %}>{% if third %}{{ third }}{% endif %}"
    pieces: dict[str, object] = {
        "first": Pieces([b"<1>", b"<1>"]),
        "second": Pieces(["<2 \N{SNOWMAN}>".encode()]),
        "third": Pieces(),
    }
    assert rendering(monkeypatch, source, {"name": "&"} | pieces) == "&amp;<<2 \N{SNOWMAN}>|<1><1>>"
    assert rendering(monkeypatch, "nothing of it", pieces) == "nothing of it"


def test_what_people_write_marks_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text that looks like a comment or a number of HTML stays a text."""
    page = rendering(monkeypatch, "{{ text }} {{ pieces }}", {"text": "<!--0--> pieces", "pieces": Pieces([b"<b>"])})
    assert page == "&lt;!--0--&gt; pieces <b>"


@pytest.mark.parametrize(("code", "reply"), [("en", "Reply"), ("ru", "Ответить")])
def test_texts_are_in_the_language(monkeypatch: pytest.MonkeyPatch, code: str, reply: str) -> None:
    """A text comes out translated, printed or handed on, and a file by its hashed address."""
    source = """{{ _("Reply") }} {% set said = _("Reply") %}{{ said }} {{ asset("site.css") }}"""
    page = rendering(monkeypatch, source, {}, code)
    assert re.fullmatch(rf"{reply} {reply} /static/site\.[0-9a-f]{{10}}\.css", page)
