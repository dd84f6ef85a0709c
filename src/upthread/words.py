"""The words of a text as a search compares them: for databases that can't search in texts by themselves."""

import re
import unicodedata


def words_of(text: str) -> list[str]:
    """Each word of a text once, in alphabetical order, without regard to case and accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return sorted(set(re.findall(r"[^\W_]+", plain)))
