"""The words of a text as a search compares them: for databases that can't search in texts by themselves."""

import re
import unicodedata

WORD = re.compile(r"[^\W_]+")
"""A word of a text, as it stands there."""


def words_of(text: str) -> list[str]:
    """Each word of a text once, in alphabetical order, without regard to case and accents."""
    return sorted(set(words_in_order(text)))


def words_in_order(text: str) -> list[str]:
    """The words of a text as they stand there, without regard to case and accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return WORD.findall("".join(letter for letter in decomposed if not unicodedata.combining(letter)))
