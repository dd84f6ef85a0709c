"""Languages: every text is translated, and plurals, numbers and times come as people say them."""

import re
from datetime import UTC, datetime
from string import Formatter

import pytest
from babel.dates import format_datetime
from babel.messages.catalog import Catalog
from tools.messages import messages_in_use

from upthread.ui.language import LANGUAGES, catalogue, language, negotiate


def placeholders(text: str) -> set[str]:
    """The names in braces."""
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != "en"])
def test_every_message_is_translated(code: str) -> None:
    """Each text of the site has a translation, with the same placeholders, and no translation is left over."""
    known: Catalog = catalogue(code)
    translated = {}
    for entry in known:
        if entry.id:
            ids = [str(one) for one in (entry.id if isinstance(entry.id, tuple) else (entry.id,))]
            strings = [str(one or "") for one in (entry.string if isinstance(entry.string, tuple) else (entry.string,))]
            assert all(strings), f"not translated: {ids[0]}"
            assert not entry.fuzzy, f"fuzzy: {ids[0]}"
            for string in strings:
                assert placeholders(string) <= placeholders(ids[-1]), f"placeholders differ: {ids[0]}"
            translated[ids[0]] = strings
    in_use = {entry.id if isinstance(entry.id, str) else entry.id[0] for entry in messages_in_use() if entry.id}
    assert in_use - set(translated) == set()
    assert set(translated) - in_use == set()


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", "en"),
        ("ru", "ru"),
        ("de,fr;q=0.8", "en"),
        ("en;q=0.3, ru;q=0.9", "ru"),
        ("ru;q=x, en", "en"),
        ("*", "en"),
        ("RU-ru", "ru"),
    ],
)
def test_the_language_a_browser_likes_best(header: str, code: str) -> None:
    """The header's best liked language of ours is taken, and English where there is none."""
    assert negotiate(header) == code


@pytest.mark.parametrize(
    ("n", "english", "russian"),
    [
        (0, "0", "0"),
        (999, "999", "999"),
        (1234, "1,234", "1 234"),
        (12345, "12.3k", "12,3 тыс."),
        (2_000_000, "2M", "2 млн"),
    ],
)
def test_numbers(n: int, english: str, russian: str) -> None:
    """Counts are exact up to 9,999 and then short, in each language's own way."""
    assert language("en").number(n) == english
    assert re.sub(r"\s", " ", language("ru").number(n)) == russian


@pytest.mark.parametrize(
    ("age", "english", "russian"),
    [
        (5, "just now", "только что"),
        (60, "1 minute ago", "1 минуту назад"),
        (7200, "2 hours ago", "2 часа назад"),
        (5 * 86400, "5 days ago", "5 дней назад"),
        (800 * 86400, "2 years ago", "2 года назад"),
    ],
)
def test_how_long_ago(age: int, english: str, russian: str) -> None:
    """Ages come in the unit people use, with the right plural."""
    assert language("en").ago(1_000_000_000 - age, 1_000_000_000) == english
    assert language("ru").ago(1_000_000_000 - age, 1_000_000_000) == russian


@pytest.mark.parametrize("code", LANGUAGES)
def test_an_exact_time_is_written_as_the_language_does(code: str) -> None:
    """Every hour, minute and second of a time is written as Babel writes it in full."""
    for then in range(0, 2_000_000_000, 1_234_567):
        whole = format_datetime(datetime.fromtimestamp(then, UTC), "medium", locale=code)
        assert language(code).exact(then) == f"{whole} UTC".replace("\u202f", " ")
