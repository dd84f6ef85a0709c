"""Which links may be posted, how they are shown, and which are the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upthread import links
from upthread.errors import Invalid


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("https://example.org/Path?q=1#part", "https://example.org/Path?q=1#part"),
        ("  HTTP://Example.ORG  ", "http://example.org"),
        ("example.org/x", "https://example.org/x"),
        ("//example.org/x", "https://example.org/x"),
        ("example.org:8080/x", "https://example.org:8080/x"),
        ("localhost:9292", "https://localhost:9292"),
        ("http://127.0.0.1:9292/", "http://127.0.0.1:9292/"),
        ("http://[::1]:9292/", "http://[::1]:9292/"),
        ("https://пример.рф/страница", "https://xn--e1afmkfd.xn--p1ai/страница"),
        ("https://straße.de", "https://xn--strae-oqa.de"),
        ("https://ｅｘａｍｐｌｅ。org", "https://example.org"),
        ("https://my_site.example.org./a:b@c", "https://my_site.example.org/a:b@c"),
        ("https://en.wikipedia.org/wiki/Thread_(yarn)", "https://en.wikipedia.org/wiki/Thread_(yarn)"),
    ],
)
def test_links_are_kept_with_scheme_and_plain_host(typed: str, kept: str) -> None:
    """A link is kept as typed, with a scheme if it had none and its host in small ASCII letters."""
    assert links.check(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "hello",
        "hello world.org",
        "javascript:alert(1)",
        "JaVaScRiPt://example.org/%0aalert(1)",
        "java\nscript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "ftp://example.org/file",
        "mailto:somebody@example.org",
        "https:example.org",
        "https:///path",
        "https://",
        "https://one-word/",
        "https://user:secret@example.org/",
        "https://example.org@evil.example/",
        "https://good.example\\.evil.example/",
        "https://exa mple.org/",
        "https://example.org/\u202egpj.exe",
        "https://example.org/\x00",
        "https://example.org:99999/",
        "https://example.org:port/",
        "https://[::1/",
        "https://1.2/",
        "https://256.1.1.1/",
        "https://exa$mple.org/",
        "https://☃.example!/",
        "https://a..example.org/",
        f"https://{'a' * 64}.org/",
        f"https://{'a.' * 127}org/",
    ],
)
def test_what_is_no_web_link_is_refused(typed: str) -> None:
    """Anything that is not plainly a link to a web page is refused with a message at its field."""
    with pytest.raises(Invalid) as refused:
        links.check(typed)
    assert refused.value.field == "url"
    assert str(refused.value)


def test_long_links_are_refused_with_the_limit() -> None:
    """A link over the limit is refused, and the message says how long it may be."""
    assert links.check("https://example.org/" + "x" * (links.LINK_LIMIT - 20))
    with pytest.raises(Invalid, match="2000"):
        links.check("https://example.org/" + "x" * (links.LINK_LIMIT - 19))


@given(st.text(max_size=60))
def test_any_text_is_kept_safely_or_refused(text: str) -> None:
    """Whatever is typed either ends as an http link that stays as it is when typed again, or is refused."""
    try:
        kept = links.check(text)
    except Invalid:
        return
    assert kept.startswith(("https://", "http://"))
    assert links.is_web(kept)
    assert links.check(kept) == kept
    assert links.domain(kept)


@given(st.text(max_size=60))
def test_showing_a_link_never_fails(text: str) -> None:
    """Links from elsewhere, however broken, can be shown and compared."""
    for url in (text, "http://" + text):
        assert isinstance(links.domain(url), str)
        assert isinstance(links.canonical(url), str)


def test_domains_are_shown_without_www() -> None:
    """Beside a title stands the host, small and without www."""
    assert links.domain("https://WWW.Example.org:8080/x") == "example.org"
    assert links.domain("https://www.xn--e1afmkfd.xn--p1ai/") == "xn--e1afmkfd.xn--p1ai"
    assert links.domain("") == ""
    assert links.domain("http://[broken") == ""
    assert links.as_domain(" www.Пример.рф. ") == "xn--e1afmkfd.xn--p1ai"


@pytest.mark.parametrize(
    "other",
    [
        "http://example.org/page?id=7",
        "https://www.example.org/page?id=7",
        "https://example.org/page/?id=7",
        "https://example.org:443/page?id=7",
        "https://example.org/page?id=7#comments",
        "https://example.org/page?utm_source=feed&id=7&utm_medium=rss&fbclid=abc",
        "HTTPS://EXAMPLE.org/page?id=7&",
    ],
)
def test_the_same_page_is_recognised(other: str) -> None:
    """Scheme, www, trailing slash, default port, fragment and tracking parameters don't make another page."""
    assert links.canonical(other) == links.canonical("https://example.org/page?id=7")


@pytest.mark.parametrize(
    "other",
    [
        "https://example.org/page",
        "https://example.org/Page?id=7",
        "https://example.org/page?id=8",
        "https://blog.example.org/page?id=7",
        "https://example.org:8080/page?id=7",
    ],
)
def test_other_pages_stay_apart(other: str) -> None:
    """Another path, query, port or host is another page."""
    assert links.canonical(other) != links.canonical("https://example.org/page?id=7")
