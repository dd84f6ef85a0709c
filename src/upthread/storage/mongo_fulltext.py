"""What every room's search on MongoDB shares: which words are asked for, how matches are ranked, how hits are shown.

The counterpart of :mod:`upthread.storage.fulltext`, which does this with FTS5. A document that can be found has the
list ``words`` (:mod:`upthread.words`) with an index on it, in which names that narrow a search down stand too, as
``author:bob``; no word has a colon. Texts that people type are only ever compared with words, never read as a query.

The differences to FTS5: words typed in one piece (``e-mail``) need not stand side by side, and the rank looks at
whether a word is in a title or text, not how often.
"""

import re
from bisect import bisect_left
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from upthread.storage.fulltext import HIT_BEGINS, HIT_ENDS, SHORTEST_BEGINNING, SNIPPET_WORDS, WORDS_LIMIT
from upthread.storage.mongo import Document
from upthread.words import WORD, words_in_order, words_of

K1, B = 1.2, 0.75
"""The usual parameters of BM25, as in FTS5."""
LEAD = 4
"""Words that a snippet shows before its first hit."""


class Wanted(Struct, frozen=True):
    """The words that a search asks for."""

    words: tuple[str, ...]
    beginning: str = ""
    """The last one, if it may be the beginning of a longer word."""

    def __bool__(self) -> bool:
        return bool(self.words or self.beginning)

    def conditions(self) -> list[Document]:
        """What documents must meet in which all of the words are; those first that are likely the rarest."""
        conditions: list[Document] = [{"words": word} for word in sorted(self.words, key=len, reverse=True)]
        if self.beginning:
            conditions.append({"words": {"$regex": f"^{re.escape(self.beginning)}"}})
        return conditions

    def hits(self, field: str) -> Document:
        """An expression for those words of a list in a document that are asked for."""
        is_hit: list[Any] = [{"$in": ["$$this", list(self.words)]}]
        if self.beginning:
            begins = {"$substrCP": ["$$this", 0, len(self.beginning)]}
            is_hit.append({"$eq": [begins, self.beginning]})
        return {"$filter": {"input": f"${field}", "cond": {"$or": is_hit}}}

    def found(self, words: list[str]) -> list[bool]:
        """For each of those asked for, whether it is among these words."""
        finished = [word in words for word in self.words]
        if not self.beginning:
            return finished
        return [*finished, any(word.startswith(self.beginning) for word in words)]

    def is_hit(self, word: str) -> bool:
        """Whether a word of a text, as it was typed, is one of those asked for."""
        return any(self.found(words_of(word)))


def wanted(text: str) -> Wanted:
    """The words of a text as people type it into a search box."""
    typed = text.split()[:WORDS_LIMIT]
    words = words_in_order(" ".join(typed))
    if words and (len(typed[-1]) >= SHORTEST_BEGINNING or not typed[-1].isascii()):
        return Wanted(tuple(dict.fromkeys(words[:-1])), words[-1])
    return Wanted(tuple(dict.fromkeys(words)))


def relevance(asked: Wanted, matches: list[Document], weights: Mapping[str, float]) -> list[float]:
    """How well each match fits, after BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009).

    Every match has all the words asked for, so how rare each of them is makes no difference.

    Args:
        asked: the words.
        matches: each with its ``length`` in words, and with its hits in the fields that ``weights`` names.
        weights: how much more a hit in these fields counts than one elsewhere. Of a word in several the highest counts.
    """
    average = sum(match["length"] for match in matches) / max(len(matches), 1)
    scores = []
    for match in matches:
        norm = K1 * (1 - B + B * match["length"] / average)
        found = [[weight * is_there for is_there in asked.found(match[field])] for field, weight in weights.items()]
        best = [max(1.0, *places) for places in zip(*found, strict=True)]
        scores.append(sum(weight * (K1 + 1) / (weight + norm) for weight in best))
    return scores


def highlight(text: str, asked: Wanted) -> str:
    """A text with each hit between marks."""
    return WORD.sub(lambda word: _marked(word[0]) if asked.is_hit(word[0]) else word[0], text)


def snippet(text: str, asked: Wanted) -> str:
    """The part of a text with the most hits, at most :data:`SNIPPET_WORDS` words long, with each hit between marks."""
    words = list(WORD.finditer(text))
    hits = [place for place, word in enumerate(words) if asked.is_hit(word[0])]
    reach = SNIPPET_WORDS - LEAD
    best = max(hits, key=lambda place: bisect_left(hits, place + reach) - bisect_left(hits, place), default=0)
    first = max(0, min(best - LEAD, len(words) - SNIPPET_WORDS))
    last = first + SNIPPET_WORDS - 1
    begin = words[first].start() if first else 0
    end = words[last].end() if last < len(words) - 1 else len(text)
    return "…" * (begin > 0) + highlight(text[begin:end], asked) + "…" * (end < len(text))


def _marked(word: str) -> str:
    return f"{HIT_BEGINS}{word}{HIT_ENDS}"
