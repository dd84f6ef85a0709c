"""Markdown: what people may write, and that nothing they write can run, load or overwhelm anything."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upthread import markdown

HOSTILE = [
    "<script>alert(1)</script>",
    "<ScRiPt src=//evil.example></sCrIpT>",
    "</p><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<style>@import 'http://evil.example'</style>",
    "<p style='background:url(javascript:alert(1))'>x",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<form action=http://evil.example><button>x",
    "<object data=data:text/html,x></object><embed src=x><base href=//evil.example>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<a href=javascript:alert(1) onclick=alert(1)>x</a>",
    "<a href='java&#10;script:alert(1)'>x</a>",
    "<details open ontoggle=alert(1)>",
    "<!--><script>alert(1)</script>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?php echo 1 ?><x onclick=alert(1)",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](  javascript:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](java\x00script:alert(1))",
    "[x](\x01javascript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](javascript&colon;alert(1))",
    "[x](java&Tab;script:alert(1))",
    "[x](java&NewLine;script:alert(1))",
    "[x](&#x0A;javascript:alert(1))",
    "[x](javascript\\:alert(1))",
    "[x](%6aavascript:alert(1))",
    "[x](<javascript:alert(1)>)",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](file:///etc/passwd)",
    "[x](blob:http://a.example/1)",
    "[x](//evil.example/)",
    "[x](/\\evil.example/)",
    "[x](\\\\evil.example)",
    '[x](http://a.example/"onmouseover="alert(1))',
    "[x](http://a.example/ 'x\" onmouseover=\"alert(1)')",
    "[x]: javascript:alert(1)\n\n[x]",
    "<javascript:alert(1)>",
    "<javascript://a.example/%0aalert(1)>",
    "![x](javascript:alert(1))",
    "![x](data:image/svg+xml;base64,PHN2Zz4=)",
    '![x" onerror="alert(1)](http://a.example/i.png)',
    '![x](http://a.example/i.png"onload="alert(1))',
    "[![x](javascript:alert(1))](javascript:alert(2))",
    '```"><script>alert(1)</script>\nx\n```',
    '```x" onclick="alert(1)\nx\n```',
    "`<script>alert(1)</script>`",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "|<script>|\n|-|\n|<img src=x onerror=alert(1)>|",
    '@bob"onclick="alert(1) u/bob<script> c/x"><svg/onload=alert(1)>',
    "# <svg onload=alert(1)>",
    "http://a.example/<script>alert(1)</script>",
    'www.a.example/"onclick="alert(1)',
    "\x00<\x00script\x00>alert(1)",
    "\ud800<script>alert(1)</script>",
    "<\u202escript>alert(1)",
]

TAGS = {"p", "br", "hr", "em", "strong", "del", "code", "pre", "blockquote", "ul", "ol", "li", "a"}
TAGS |= {"h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"}
ATTRIBUTES = {("a", "href"), ("a", "rel"), ("ol", "start"), ("td", "align"), ("th", "align")}
ALLOWED_LINK = re.compile(r"https?://|mailto:|/(?![/\\])", re.IGNORECASE)


class Inspector(HTMLParser):
    """Reads HTML as a browser would, and objects to everything that is not on this test's own short list."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element: allowed by name, with allowed attributes, and every link marked."""
        assert tag in TAGS
        assert {(tag, name) for name, _ in attrs} <= ATTRIBUTES
        if tag == "a":
            given = dict(attrs)
            assert given["rel"] == "nofollow ugc noopener"
            assert ALLOWED_LINK.match(given.get("href") or "/")

    def handle_comment(self, data: str) -> None:
        """Comments, which browsers have parsed in surprising ways."""
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        """The same for declarations."""
        raise AssertionError(decl)

    def handle_pi(self, data: str) -> None:
        """The same for processing instructions."""
        raise AssertionError(data)


def inspect(rendered: str) -> None:
    """Fail if the HTML has anything in it that is not allowed."""
    inspector = Inspector()
    inspector.feed(rendered)
    inspector.close()


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_harmless(text: str) -> None:
    """Nothing that anybody writes becomes a script, a handler, a style, a frame or a link to such a thing."""
    for disguised in (text, f"> - {text}", f"**{text}", f"[{text}](http://a.example)", f"a | b\n-|-\n{text} | {text}"):
        rendered = markdown.render(disguised)
        inspect(rendered)
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", rendered)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.lists(st.sampled_from([*"<>[]()!\"'`*_~|-:&;#/\\@ \n\tauc1=", "javascript:", "<a href="])).map("".join))
def test_no_combination_of_markup_gets_through(text: str) -> None:
    """Whatever characters are put together, the result has only the allowed elements, attributes and links."""
    inspect(markdown.render(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*a* **b** ~~c~~ `d`", "<p><em>a</em> <strong>b</strong> <del>c</del> <code>d</code></p>"),
        ("# One\n\n### Three", "<h3>One</h3>\n<h5>Three</h5>"),
        ("###### Six", "<h6>Six</h6>"),
        ("> a\n\n3. b", '<blockquote>\n<p>a</p>\n</blockquote>\n<ol start="3">\n<li>b</li>\n</ol>'),
        ("```py\n<x>\n```", "<pre><code>&lt;x&gt;\n</code></pre>"),
        ("List<String>", "<p>List&lt;String&gt;</p>"),
        ("a  \nb", "<p>a<br>\nb</p>"),
    ],
)
def test_markdown_is_rendered(text: str, expected: str) -> None:
    """Emphasis, headings below the page's own, quotes, lists, code and line breaks come out as HTML; tags as text."""
    assert markdown.render(text).strip() == expected


def test_tables_are_rendered() -> None:
    """A table keeps its cells and their alignment."""
    rendered = markdown.render("|a|b|\n|:-|-:|\n|1|2|")
    assert '<th align="left">a</th>' in rendered
    assert '<td align="right">2</td>' in rendered


@pytest.mark.parametrize(
    ("text", "href"),
    [
        ("[a](https://b.example/c?d=1&e=2)", "https://b.example/c?d=1&amp;e=2"),
        ("see https://b.example/c.", "https://b.example/c"),
        ("see www.b.example", "http://www.b.example"),
        ("ann@b.example", "mailto:ann@b.example"),
        ("[rules](/c/books)", "/c/books"),
        ("![a cat](https://b.example/cat.png)", "https://b.example/cat.png"),
    ],
)
def test_links_are_marked_as_strangers_own(text: str, href: str) -> None:
    """Links, bare addresses, paths of the site and images become links that search engines don't count."""
    assert f'<a href="{href}" rel="nofollow ugc noopener">' in markdown.render(text)


def test_an_image_becomes_a_link_with_its_description() -> None:
    """An image is not loaded: its description, or else its address, links to it."""
    assert ">a &amp; b</a>" in markdown.render("![a & b](https://b.example/cat.png)")
    assert ">https://b.example/cat.png</a>" in markdown.render("![](https://b.example/cat.png)")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("hello @bob!", "/u/bob"),
        ("(@Ann-1)", "/u/Ann-1"),
        ('"u/bob", he said', "/u/bob"),
        ("/u/bob", "/u/bob"),
        ("**@bob**", "/u/bob"),
        ("see c/books.", "/c/books"),
        ("see /c/books", "/c/books"),
    ],
)
def test_names_become_links(text: str, path: str) -> None:
    """A person's or community's name that stands by itself links to them."""
    assert f'<a href="{path}"' in markdown.render(text)


@pytest.mark.parametrize(
    "text",
    [
        "`@bob`",
        "```\n@bob\n```",
        "    u/bob",
        "mail.bob@bob",
        "@bob.example",
        "@ab",
        f"@{'x' * 21}",
        "x/u/bob",
        "/u/bob/posts",
        "@bob@social.example",
        "\\@@bob@",
        "a@bob",
    ],
)
def test_not_everything_with_an_at_sign_is_a_name(text: str) -> None:
    """Code, addresses, paths and too short or long names don't become links to people."""
    assert 'href="/u/' not in markdown.render(text)
    assert markdown.mentions(text) == []


def test_names_in_a_link_stay_part_of_it() -> None:
    """A name inside a link's text or address does not become a link of its own."""
    assert markdown.render("[by @bob](https://b.example/u/bob)").count("<a ") == 1
    assert markdown.mentions("[by @bob](https://b.example/u/bob) https://b.example/@ann") == []


def test_mentions_come_once_and_in_order() -> None:
    """The people mentioned are listed in order, once each whatever the case; communities are not people."""
    assert markdown.mentions("@Bob and u/ann, c/books\n\n> @bob\n\n* /u/cid") == ["Bob", "ann", "cid"]


def test_excerpt_is_plain_and_ends_at_a_word() -> None:
    """An excerpt has no markup, stays on one line, and a long text ends after a word with an ellipsis."""
    assert markdown.excerpt("**Hi** [you](http://a.example) & `<me>`\n\n* one\n* two") == "Hi you & <me> one two"
    assert markdown.excerpt("some words that go on", limit=12) == "some words…"
    assert markdown.excerpt("x" * 50, limit=12) == "x" * 11 + "…"
    assert markdown.excerpt("") == ""


@settings(derandomize=True, deadline=None)
@given(st.text(max_size=300), st.integers(min_value=1, max_value=60))
def test_excerpt_never_exceeds_its_limit(text: str, limit: int) -> None:
    """No text makes an excerpt longer than asked for."""
    assert len(markdown.excerpt(text, limit)) <= limit


@pytest.mark.parametrize(
    "text",
    [
        ">" * 10_000,
        "[" * 10_000,
        "![" * 5_000 + "](a)" * 5_000,
        "*a **a " * 2_000 + "** *" * 2_000,
        "- " * 5_000 + "x" + "\n" * 5_000,
        "a|" * 1_000 + "\n" + "-|" * 1_000 + "\n" + "a\n" * 3_000,
        "[a]: /" + "u" * 5_000 + "\n\n" + "[a]" * 1_500,
        ("> " * 40 + "\n\n") * 100,
        " " * 10_000,
        "|" * 10_000,
        "x" * (markdown.LONGEST + 1),
    ],
    ids=["quotes", "brackets", "images", "emphasis", "lists", "table", "references", "many", "blanks", "pipes", "long"],
)
def test_absurd_text_stays_in_proportion(text: str) -> None:
    """Text made to blow up is shown, at a size and depth that a page can bear."""
    rendered = markdown.render(text)
    assert len(rendered) <= markdown.GROWTH * 2 * len(text) + markdown.GROWTH_FREE
    depth = deepest = 0
    for tag in re.findall(r"</?[a-z]", rendered.replace("<br", "").replace("<hr", "")):
        depth += -1 if tag.startswith("</") else 1
        deepest = max(deepest, depth)
    assert deepest <= markdown.DEEPEST
    markdown.mentions(text)
    markdown.excerpt(text)
