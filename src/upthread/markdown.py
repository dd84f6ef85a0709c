"""Markdown as people write it here: CommonMark with tables, strikethrough and bare links, made safe to show.

Text is rendered by comrak, adapted to the site (names become links, images too, headings step back), and then cleaned
by an allow-list, so that whatever the first two steps let through, nothing reaches a page that could run or load
anything. HTML in the source is shown as it was typed.

Text that would grow out of all proportion (thousands of nested quotes, tables of empty cells) is shown as typed as
well: the price of rendering is bounded by the length of the text.
"""

import html
import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import comrak
import nh3

LONGEST = 200_000
"""Characters beyond which text is shown as typed. The site takes 40,000; only imports bring more."""
DEEPEST = 60
"""Elements within each other. The cleaner's cost is the square of this, and no screen can show it."""
LARGEST_TABLE = 20_000
"""Cells that the tables of one text may have, empty ones included: a row of one cell is filled up to its header."""
GROWTH, GROWTH_FREE = 12, 4_000
"""The HTML may have this many times the characters of the text, plus some for short texts."""

_REMOVED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # control characters
    "\u202a-\u202e\u2066-\u2069"  # changes of direction, which make text read as something else than it is
    "\ud800-\udfff\ufeff\ufffe\uffff]"  # not text at all
)
_TAG = re.compile(r"(<[^>]*>)")
_TAG_NAME = re.compile(r"</?([a-z0-9]*)")
_IMAGE_SOURCE = re.compile(r'src="([^"]*)"')
_IMAGE_TEXT = re.compile(r'alt="([^"]*)"')
_NAME = re.compile(
    r"(?<![\w/.@:-])"
    r"(?:(?:@|/?u/)(?P<person>[A-Za-z0-9_-]{3,20})|/?c/(?P<community>[A-Za-z0-9_]{2,30}))"
    r"(?![\w/@-]|\.\w)"
)

_DELIMITER_ROW = frozenset("|-: \t>*+.)0123456789")
"""What the line under a table's header is made of, quotes and lists around it included."""
_VOID = frozenset({"br", "hr", "img"})
_LITERAL = frozenset({"a", "code", "pre"})
"""Elements in which a name is not a name."""
_LOWERED = {"h1": "h3", "h2": "h4", "h3": "h5", "h4": "h6", "h5": "h6", "h6": "h6"}
"""The page's own headings are h1 and h2."""

_EXTENSIONS = comrak.ExtensionOptions()
_EXTENSIONS.table = _EXTENSIONS.strikethrough = _EXTENSIONS.autolink = True
_PARSING = comrak.ParseOptions()
_RENDERING = comrak.RenderOptions()
_RENDERING.escape = True


def _site_link(url: str) -> str | None:
    """Links without a scheme stay only if they lead to a path of this site; ``//host`` leads elsewhere."""
    return url if url.startswith("/") and not url.startswith(("//", "/\\")) else None


_CLEANER = nh3.Cleaner(
    tags={"p", "br", "hr", "em", "strong", "del", "code", "pre", "blockquote", "ul", "ol", "li", "a"}
    | {"h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"},
    attributes={"*": set(), "a": {"href"}, "ol": {"start"}},
    tag_attribute_values={cell: {"align": {"left", "center", "right"}} for cell in ("th", "td")},
    link_rel="nofollow ugc noopener",
    url_schemes={"http", "https", "mailto"},
    url_relative=_site_link,
)


class _OutOfProportionError(Exception):
    """The text is small and what it describes is not."""


def tidied(text: str) -> str:
    """A text as it is worth keeping: nothing unseen in it, line feeds as its only line ends, no blanks around it."""
    return _REMOVED.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip("\n").rstrip()


def render(text: str) -> str:
    """The HTML of a Markdown text, safe to put into a page.

    ``@name`` and ``u/name`` link to the person, ``c/name`` to the community, whether or not there is one.
    """
    text = _REMOVED.sub("", text)
    try:
        return _CLEANER.clean(_adapted(_parsed(text), _link_names))
    except _OutOfProportionError:
        return f"<pre><code>{html.escape(text)}</code></pre>\n"


def mentions(text: str) -> list[str]:
    """The names of the people mentioned, in order, each once whatever its case; not those in code or links."""
    found: dict[str, str] = {}

    def note(part: str) -> str:
        for match in _NAME.finditer(part):
            if name := match["person"]:
                found.setdefault(name.lower(), name)
        return part

    try:
        _adapted(_parsed(_REMOVED.sub("", text)), note)
    except _OutOfProportionError:
        return []
    return list(found.values())


def plain(rendered: str) -> str:
    """What :func:`render` returned as plain text on one line: for search and for :func:`excerpt`."""
    return " ".join(html.unescape(_TAG.sub("", rendered)).split())


def excerpt(text: str, limit: int = 200) -> str:
    """The beginning of a Markdown text as plain text, :func:`shortened` to ``limit`` characters."""
    # A text's first characters decide; ten times as many leave room for its markup and bound the work.
    return shortened(plain(render(text[: 10 * limit])), limit)


def shortened(words: str, limit: int) -> str:
    """Plain text on one line, cut after a word to at most ``limit`` characters with the …."""
    if len(words) <= limit:
        return words
    cut = words[:limit]
    return (cut[: cut.rfind(" ")] if " " in cut else cut[:-1]).rstrip() + "…"


def _parsed(text: str) -> str:
    if len(text) > LONGEST:
        raise _OutOfProportionError
    if "|" in text:
        lines = text.splitlines()
        widest = max((line.count("|") for line in lines if _DELIMITER_ROW.issuperset(line)), default=0)
        if widest * len(lines) > LARGEST_TABLE:
            raise _OutOfProportionError
    rendered = comrak.render_markdown(text, _EXTENSIONS, _PARSING, _RENDERING)
    if len(rendered) > GROWTH * len(text) + GROWTH_FREE:
        raise _OutOfProportionError
    return rendered


def _adapted(rendered: str, on_text: Callable[[str], str]) -> str:
    """The parser's HTML for this site, with ``on_text`` applied to what may have names in it outside code and links."""
    parts = _TAG.split(rendered)
    depth = literal = 0
    for index, part in enumerate(parts):
        if index % 2:
            parts[index], deeper, more_literal = _tag(part)
            depth += deeper
            literal += more_literal
            if depth > DEEPEST:
                raise _OutOfProportionError
        elif not literal and ("@" in part or "u/" in part or "c/" in part):  # before every name is one of these
            parts[index] = on_text(part)
    return "".join(parts)


class _Tag(NamedTuple):
    """A tag as the site has it, and by how many elements, and literal ones, what follows it lies deeper."""

    html: str
    deeper: int
    more_literal: int


@lru_cache(maxsize=1_000)  # all but links are the same few
def _tag(written: str) -> _Tag:
    match = _TAG_NAME.match(written)
    name = match[1] if match else ""
    if name == "img":
        return _Tag(_image_link(written), 0, 0)
    if name in _VOID:
        return _Tag(written, 0, 0)
    step = -1 if written.startswith("</") else 1
    lowered = written.replace(name, _LOWERED[name], 1) if name in _LOWERED else written
    return _Tag(lowered, step, step * (name in _LITERAL))


def _image_link(image: str) -> str:
    """Images would be loaded from strangers, who then know every reader's address: a link shows them on demand."""
    source, text = _IMAGE_SOURCE.search(image), _IMAGE_TEXT.search(image)
    url = source[1] if source else ""
    return f'<a href="{url}">{(text and text[1]) or url}</a>'


def _link_names(part: str) -> str:
    return _NAME.sub(_name_link, part)


def _name_link(match: re.Match[str]) -> str:
    path = f"/u/{match['person']}" if match["person"] else f"/c/{match['community']}"
    return f'<a href="{path}">{match[0]}</a>'
