"""What changed from one version of a text to the next, word by word, as HTML with ``del`` and ``ins``."""

import re
from collections.abc import Callable
from difflib import SequenceMatcher
from html import escape
from typing import Any

WORDS = re.compile(r"\s+|\w+|[^\w\s]")
LINES = re.compile(r"[^\n]*\n|[^\n]+")
WORD_LIMIT = 3000
"""Pieces beyond which whole lines are compared, because the work grows with the square of their number."""


def changes_html(before: str, after: str) -> str:
    """``after`` as escaped HTML, with what is new in ``<ins>`` and what is gone in ``<del>``."""
    old, new = WORDS.findall(before), WORDS.findall(after)
    if len(old) + len(new) > WORD_LIMIT:
        old, new = LINES.findall(before), LINES.findall(after)
    if len(old) + len(new) > WORD_LIMIT:  # thousands of lines: shown as replaced in one piece
        old, new = [before], [after]
    parts = []
    for kind, old_from, old_to, new_from, new_to in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        gone, come = escape("".join(old[old_from:old_to])), escape("".join(new[new_from:new_to]))
        if kind == "equal":
            parts.append(come)
            continue
        if gone:
            parts.append(f"<del>{gone}</del>")
        if come:
            parts.append(f"<ins>{come}</ins>")
    return "".join(parts)


def versions_with_changes(
    versions: list[tuple[int, str | None, str, int]], time_view: Callable[[int], Any]
) -> list[dict[str, Any]]:
    """View models of versions (number, title or None, text, time), newest first, each with its changes."""
    views = []
    for index, (number, title, text, created_at) in enumerate(versions):
        earlier = versions[index + 1] if index + 1 < len(versions) else None
        views.append(
            {
                "number": number,
                "title": title,
                "title_diff_html": changes_html(earlier[1] or "", title or "") if earlier else escape(title or ""),
                "text": text,
                "time": time_view(created_at),
                "diff_html": changes_html(earlier[2], text) if earlier else escape(text),
            }
        )
    return views
