"""What every room's full-text search with FTS5 shares: how words are asked for, and how hits are marked.

What people type never reaches FTS5 as syntax: each word is a quoted phrase.
"""

WORDS_LIMIT = 20
"""Words of a search that are looked for; more of them only make it slow."""
HIT_BEGINS, HIT_ENDS = "\ue000", "\ue001"
"""Private-use characters, which are taken out of what is indexed: only a hit can have them."""
SNIPPET_WORDS = 24

_MARKS = {ord(HIT_BEGINS): None, ord(HIT_ENDS): None}


def phrases(text: str) -> str:
    """The words of a text, each quoted, the last one also as the beginning of a longer word."""
    words = text.split()[:WORDS_LIMIT]
    return " ".join(map(phrase, words)) + " *" if words else ""


def phrase(text: str) -> str:
    """A text quoted, so that nothing in it is syntax."""
    return '"' + text.replace("\0", "").replace('"', '""') + '"'


def without_marks(text: str) -> str:
    """A text as it may be indexed."""
    return text.translate(_MARKS)
