"""What language a page is in: messages from gettext catalogues, plurals, numbers and times as people say them."""

from bisect import bisect
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache, lru_cache
from importlib.resources import files
from io import BytesIO

from babel.dates import format_datetime
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.support import Translations

LANGUAGES: Mapping[str, str] = {"en": "English", "ru": "Русский"}
"""The languages of the site by code, in their own words. The first is the one that messages are written in."""

MINUTE, HOUR, DAY = 60, 3600, 86400
MONTH, YEAR = 30 * DAY, 365 * DAY
UNITS = (1, MINUTE, HOUR, DAY, MONTH, YEAR)
"""In which ages are told; less than a minute is no age."""


def message(text: str) -> str:
    """Marks a text in a table as one to be translated where it is printed."""
    return text


class Language:
    """One language of the site, with everything a page says that depends on it."""

    def __init__(self, code: str) -> None:
        self.code = code
        self._translations = _translations(code)
        self._point = "," if code == "ru" else "."

    def text(self, message: str, **values: object) -> str:
        """The message in this language, with its ``{placeholders}`` filled in."""
        translated = self._translations.gettext(message) if message else ""
        return translated.format(**values) if values else translated

    def plural(self, one: str, many: str, n: int) -> str:
        """The form that fits ``n``, with ``{n}`` filled in as a short number."""
        return self._translations.ngettext(one, many, n).format(n=self.number(n))

    def number(self, n: int) -> str:
        """A count as lists show it: exact up to 9,999, then in thousands or millions."""
        size = abs(n)
        if size < 10_000:  # noqa: PLR2004 - up to here a number is as short as its rounded form
            return str(n) if size < 1000 else _grouped(n, self.code)  # noqa: PLR2004 - no grouping below
        unit, step = (self.text("M"), 1e6) if size >= 1e6 else (self.text("k"), 1e3)  # noqa: PLR2004 - a million
        return f"{n / step:.1f}".removesuffix(".0").replace(".", self._point) + unit

    def ago(self, then: int, now: int) -> str:
        """How long ago, to the precision people use."""
        age = max(now - then, 0)
        return _ago(self, age - age % UNITS[bisect(UNITS, age) - 1])

    def exact(self, then: int) -> str:
        """The date and time in full, UTC."""
        _, before, after = _hour(then // HOUR, self.code)
        return f"{before}{_minutes(then % HOUR)}{after}"

    def time(self, then: int, ago: str) -> str:
        """The HTML element of a moment: how long ago that was, with the exact time to hover over."""
        iso, before, after = _hour(then // HOUR, self.code)
        minutes = _minutes(then % HOUR)
        return f'<time datetime="{iso}{minutes}Z" title="{before}{minutes}{after}">{ago}</time>'


# A thread has hundreds of times and numbers. Babel takes some 80 µs for a date and 20 µs for a number, and gettext 1 µs
# for a plural, so parts of them are remembered: there are few hours, ages and large numbers that a site tells of.


@lru_cache(maxsize=20_000)
def _hour(hour: int, code: str) -> tuple[str, str, str]:
    """Times in this hour since 1970: the beginning of each in ISO 8601, and what stands around exact minutes."""
    begin = datetime.fromtimestamp(hour * HOUR, UTC)
    # Babel puts a narrow space before "PM". One such character makes Python keep a whole page two bytes wide.
    exact = format_datetime(begin, "medium", locale=code).replace("\u202f", " ")
    before, _, after = exact.partition(_minutes(0))
    return f"{begin:%Y-%m-%dT%H}", before, f"{after} UTC"


@lru_cache(maxsize=HOUR)
def _minutes(seconds: int) -> str:
    """Minutes and seconds behind a full hour."""
    return f":{seconds // MINUTE:02}:{seconds % MINUTE:02}"


@lru_cache(maxsize=1000)
def _ago(language: Language, age: int) -> str:
    """An age, given as a multiple of its unit."""
    if age < MINUTE:
        return language.text("just now")
    if age < HOUR:
        return language.plural("{n} minute ago", "{n} minutes ago", age // MINUTE)
    if age < DAY:
        return language.plural("{n} hour ago", "{n} hours ago", age // HOUR)
    if age < MONTH:
        return language.plural("{n} day ago", "{n} days ago", age // DAY)
    if age < YEAR:
        return language.plural("{n} month ago", "{n} months ago", age // MONTH)
    return language.plural("{n} year ago", "{n} years ago", age // YEAR)


@lru_cache(maxsize=20_000)
def _grouped(n: int, code: str) -> str:
    return format_decimal(n, locale=code)


@cache
def language(code: str) -> Language:
    """The language with this code, which is one of :data:`LANGUAGES`."""
    return Language(code)


def negotiate(accept_language: str) -> str:
    """The code of the language of ours that an Accept-Language header likes best (RFC 9110, section 12.5.4)."""
    best, best_quality = next(iter(LANGUAGES)), 0.0
    for choice in accept_language.split(",")[:10]:
        tag, _, parameter = choice.partition(";")
        code = tag.strip().lower()[:2]
        try:
            quality = float(parameter.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        if code in LANGUAGES and quality > best_quality:
            best, best_quality = code, quality
    return best


def catalogue(code: str) -> Catalog:
    """The catalogue of a language, as translators edit it."""
    with files("upthread.ui").joinpath("locale", code, "messages.po").open("rb") as source:
        return read_po(source, locale=code)


def _translations(code: str) -> Translations:
    # Catalogues are compiled at start (some 20 ms), so that a checkout needs no build step and no stale file exists.
    if code == next(iter(LANGUAGES)):
        return Translations()
    compiled = BytesIO()
    write_mo(compiled, catalogue(code))
    compiled.seek(0)
    return Translations(compiled)
