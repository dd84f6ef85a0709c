"""Searching posts: words, filters, order, snippets, and text that means nothing."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.posting import ANN, BOB, found, imported, submit
from upthread.account.model import Author
from upthread.assembly import Services
from upthread.post.model import SearchQuery
from upthread.post.service import PostService
from upthread.runtime.clock import ManualClock

pytestmark = pytest.mark.anyio


@pytest.fixture
async def post(services: Services) -> PostService:
    """The door of the post room, with two communities of Ann's."""
    await found(services.post)
    await found(services.post, "kitchens")
    return services.post


async def hits(post: PostService, text: str = "", **filters: Any) -> list[str]:
    """The titles of what a search finds, best first."""
    return [hit.post.title for hit in (await post.search(SearchQuery(text=text, **filters))).hits]


async def test_words_are_found_in_titles_and_texts(post: PostService) -> None:
    """All words must be there, in any case and with or without accents; the last one may be unfinished."""
    await submit(post, title="Rosenkohl für Ägypten", text="A **winter** vegetable")
    await submit(post, title="Зимние розы", text="Они цветут")
    for text in ("rosenkohl", "FUR agypten", "winter", "vegetable rosenkohl", "vegetabl", "winter veg"):
        assert await hits(post, text) == ["Rosenkohl für Ägypten"], text
    for text in ("РОЗЫ", "зимние", "цвет"):
        assert await hits(post, text) == ["Зимние розы"], text
    for text in ("rosen kohl", "winter summer", "veg winter", "strong"):
        assert await hits(post, text) == [], text


async def test_hits_in_the_title_come_first(post: PostService) -> None:
    """A post that has the word in its title stands above those that have it in their text."""
    await submit(post, title="Something else", text="tulip")
    await submit(post, title="The tulip", text="a long text about quite other things, for many a line")
    await submit(post, title="Another thing", text="tulip")
    assert (await hits(post, "tulip"))[0] == "The tulip"


async def test_the_text_of_the_newest_version_is_found(post: PostService) -> None:
    """After an edit a post is found by its new words and no longer by its old ones."""
    made = await submit(post, title="Old", text="before")
    await post.edit(ANN, made.id, "New", "after")
    assert await hits(post, "after") == ["New"]
    assert await hits(post, "before") == await hits(post, "old") == []


async def test_snippets_mark_the_hits(post: PostService) -> None:
    """A snippet shows a hit in its surroundings, marked; what the text itself holds can't forge a mark."""
    await submit(post, title="\ue000Tulips\ue001", text="one " * 100 + "red tulips \ue000bloom\ue001 " + "two " * 100)
    await submit(post, title="Tulips again", text="Nothing in here")
    snippets = {hit.post.title: hit.snippet for hit in (await post.search(SearchQuery(text="tulips"))).hits}
    long = next(snippet for title, snippet in snippets.items() if "again" not in title)
    assert "red \ue000tulips\ue001 bloom" in long
    assert len(long) < 200
    assert snippets["Tulips again"] == "\ue000Tulips\ue001 again"


async def test_filters_narrow_a_search_down(post: PostService, clock: ManualClock) -> None:
    """Community, author, domain and time each leave out what does not fit, and work without words as well."""
    begun = clock.now()
    await submit(post, title="tulip one", url="https://www.example.org/1")
    clock.advance(10)
    await submit(post, BOB, title="tulip two", url="https://blog.example.org/2")
    clock.advance(10)
    await submit(post, BOB, title="tulip three", community="kitchens", url="https://example.net/3")
    for text in ("tulip", ""):
        for filters, fitting in (
            ({"community": "Gardens"}, {"one", "two"}),
            ({"author": "BOB"}, {"two", "three"}),
            ({"domain": "www.Example.org"}, {"one"}),
            ({"after": begun + 10}, {"two", "three"}),
            ({"before": begun + 10}, {"one"}),
            ({"before": begun + 20, "after": begun + 1}, {"two"}),
            ({"community": "gardens", "author": "bob"}, {"two"}),
            ({"community": "nowhere"}, set()),
            ({"author": "ann", "before": begun}, set()),
        ):
            assert {title.split()[1] for title in await hits(post, text, **filters)} == fitting, (text, filters)
    assert await hits(post, "one", author="bob") == []


async def test_without_words_the_newest_come_first(post: PostService) -> None:
    """A search by filters alone is in the order of time."""
    times = {"old": 1_300_000_000, "new": 1_300_000_200, "between": 1_300_000_100}
    await post.import_posts(
        [imported(title, created_at=time, author=Author(5, "eve")) for title, time in times.items()]
    )
    for filters in ({"community": "gardens"}, {"author": "eve"}, {"after": 0}):
        assert await hits(post, **filters) == ["new", "between", "old"]


async def test_a_part_of_a_name_is_another_name(post: PostService) -> None:
    """Filters want the whole name: other names that contain it don't match."""
    await found(post, "gardens_north")
    await submit(post, title="x", community="gardens_north", url="https://example.org.uk/")
    await post.import_posts([imported("t3_1", title="y", author=Author(5, "bob-b"))])
    assert await hits(post, "x", community="gardens") == []
    assert await hits(post, "x", domain="example.org") == []
    assert await hits(post, "y", author="bob") == []
    assert await hits(post, "y", author="Bob-B") == ["y"]
    assert await hits(post, "x", community="Gardens_North") == ["x"]


async def test_nothing_asked_is_nothing_found(post: PostService) -> None:
    """A search without words and filters has no hits."""
    await submit(post)
    for text in ("", "   ", "...", '"'):
        found_nothing = await post.search(SearchQuery(text=text))
        assert (found_nothing.hits, found_nothing.more) == ([], False)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(max_size=30),
    name=st.text(max_size=10),
    hostile=st.sampled_from(['"', "NEAR(a b)", "title:x", "-x", "^x", "x*", "a AND", "(", "{a b}:c", "\x00", "x + y"]),
)
async def test_no_text_is_a_command(post: PostService, text: str, name: str, hostile: str) -> None:
    """Whatever is typed is looked for as words; nothing of it reaches the database as a command."""
    for words in (text, hostile, f"{text} {hostile}"):
        await post.search(SearchQuery(text=words))
        await post.search(SearchQuery(text=words, community=name, author=hostile, domain=name + hostile))
        await post.find_communities(words)


async def test_very_long_searches_are_cut(post: PostService) -> None:
    """A search of thousands of words is answered like its beginning."""
    await submit(post, title="tulip")
    assert await hits(post, "tulip " * 5_000) == ["tulip"]


async def test_a_search_has_pages(post: PostService) -> None:
    """Pages go on until every hit was shown once, and end in good time."""
    await post.import_posts([imported(f"tulip {n}") for n in range(25)])
    shown: list[str] = []
    for offset in range(0, 30, 10):
        page = await post.search(SearchQuery(text="tulip", offset=offset, limit=10))
        shown += [hit.post.title for hit in page.hits]
        assert page.more == (offset < 20)
    assert sorted(shown) == sorted(f"tulip {n}" for n in range(25))
    assert (await post.search(SearchQuery(text="tulip", offset=10**6))).hits == []
    assert len((await post.search(SearchQuery(text="tulip", offset=-5, limit=0))).hits) == 1
