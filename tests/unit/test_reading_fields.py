"""What one line of a reddit dump says, whatever its year and tool."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upthread.importing.reddit import (
    CommentFields,
    SubmissionFields,
    Unusable,
    community_name,
    decoded,
    moment,
    reply,
    submission,
    votes,
)


def fields(**changes: object) -> SubmissionFields:
    """A submission as simple as possible, with these fields different."""
    given_fields: dict[str, object] = {
        "id": "abc",
        "title": "A title",
        "score": 5,
        "created_utc": 1_400_000_000,
        "subreddit": "Python",
        "url": "http://example.org/",
    }
    return SubmissionFields(**(given_fields | changes))  # type: ignore[arg-type]  # fields by name


def comment_fields(**changes: object) -> CommentFields:
    """A comment as simple as possible, with these fields different."""
    given_fields: dict[str, object] = {
        "id": "c1",
        "body": "Yes.",
        "link_id": "t3_abc",
        "score": 1,
        "created_utc": "1400000000",
    }
    return CommentFields(**(given_fields | changes))  # type: ignore[arg-type]  # fields by name


@given(st.text())
@settings(derandomize=True)
def test_encoded_text_comes_back(text: str) -> None:
    """A text that a dump encodes reads as it was typed, entities that somebody typed included."""
    typed = text.replace("\0", "")
    encoded = typed.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert decoded(encoded) == typed


@pytest.mark.parametrize("text", ["a < b, written &lt;", "AT&T says &amp;", "1 > 0 &amp; so on", "&nbsp; &amp;"])
def test_plain_text_stays(text: str) -> None:
    """A text that a dump left as it was stays so, even where it speaks of entities."""
    assert decoded(text) == text


@given(st.integers(-(10**6), 10**6), st.none() | st.integers(-5, 10**6))
@settings(derandomize=True)
def test_votes_add_up(score: int, ups: int | None) -> None:
    """The score on the site is the score in the file, whatever else the file says."""
    up, down = votes(score, ups)
    assert up - down == score
    assert up >= 0 <= down


def test_votes_of_the_file_are_kept() -> None:
    """Ups and downs are those of the file where it has them."""
    assert votes(1003, 1204) == (1204, 201)


@pytest.mark.parametrize("time", [1370746482, 1370746482.0, "1370746482", "1370746482.0"])
def test_times_in_every_notation(time: float | str) -> None:
    """A time reads the same as a number and as text."""
    assert moment(time) == 1370746482


@pytest.mark.parametrize("time", ["yesterday", "", "nan", "inf", -1, 10**12])
def test_impossible_times(time: float | str) -> None:
    """What is no time is refused with a reason."""
    with pytest.raises(Unusable, match="created_utc"):
        moment(time)


def test_community_from_permalink_or_file() -> None:
    """Without a subreddit field the permalink tells the community, and without that the file's name."""
    link = "http://www.reddit.com/r/Cooking/comments/abc/a_title/"
    assert submission(fields(subreddit=None, permalink=link), "file").community == "Cooking"
    assert submission(fields(subreddit=None), "file").community == "file"
    with pytest.raises(Unusable, match="community"):
        submission(fields(subreddit=None))


def test_odd_community_names() -> None:
    """Communities whose names we don't allow get one that we do."""
    assert community_name("reddit.com") == "reddit_com"
    assert community_name("u_some-body") == "u_some_body"


def test_link_and_text_posts() -> None:
    """A text post has no link to itself, a link post keeps its link decoded."""
    assert submission(fields(is_self=True, selftext="Hello")).url == ""
    assert submission(fields(domain="self.Python", selftext="Hello")).url == ""
    assert submission(fields(url="http://example.org/?a=1&amp;b=2")).url == "http://example.org/?a=1&b=2"
    assert submission(fields(url="http://example.org/a b\u200b")).url == "http://example.org/a%20b"
    assert submission(fields(url="/r/Python/comments/x/y/")).url == "https://www.reddit.com/r/Python/comments/x/y/"


def test_links_that_are_not_of_the_web() -> None:
    """A link to something else than a web page becomes the beginning of the text."""
    post = submission(fields(url="ftp://example.org/paper.pdf", selftext="Worth it."))
    assert (post.url, post.text) == ("", "ftp://example.org/paper.pdf\n\nWorth it.")


def test_titles_are_one_line() -> None:
    """Line ends in a title become spaces, and a title of nothing else is refused."""
    assert submission(fields(title=" One\n two &amp; three ")).title == "One two & three"
    with pytest.raises(Unusable, match="title"):
        submission(fields(title=" \n"))


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"selftext": "[deleted]"}, "deleted"),
        ({"selftext": "[removed]"}, "removed"),
        ({"title": "[deleted by user]"}, "deleted"),
        ({"removed_by_category": "moderator", "selftext": "Spam"}, "removed"),
        ({"removed_by_category": "deleted"}, "deleted"),
    ],
)
def test_deleted_posts(changes: dict[str, object], state: str) -> None:
    """A post that was deleted or removed on reddit is so here, and its text is not kept."""
    post = submission(fields(**changes))
    assert (post.state, post.text) == (state, "")


def test_nobody_wrote_it() -> None:
    """An author who deleted the account is nobody."""
    assert submission(fields(author="[deleted]")).author == ""
    assert submission(fields()).author == ""
    assert submission(fields(author="ada")).author == "ada"


@pytest.mark.parametrize(
    ("parent", "key"),
    [
        ("t3_abc", None),
        (None, None),
        ("", None),
        ("t1_c0", "t1_c0"),
        ("t1_abc", "t1_abc"),  # a comment may have the number of the post
        ("abc", None),
        ("c0", "t1_c0"),
        (int("c0", 36), "t1_c0"),
        (int("abc", 36), None),
    ],
)
def test_parents_in_every_notation(parent: str | int | None, key: str | None) -> None:
    """What a comment answers is found with and without prefix, as a number, and where it is left out."""
    assert reply(comment_fields(parent_id=parent)).parent_key == key


def test_comment_fields() -> None:
    """A comment knows its post, its time of editing and its author."""
    comment = reply(comment_fields(link_id=int("abc", 36), edited=1400000100.0, author="ada", body="1 &lt; 2"))
    assert (comment.key, comment.post_key) == ("t1_c1", "t3_abc")
    assert (comment.text, comment.author, comment.edited_at) == ("1 < 2", "ada", 1400000100)


def test_deleted_comments() -> None:
    """A comment deleted or removed on reddit keeps its place without its text."""
    assert reply(comment_fields(body="[removed]", author="[deleted]", edited=True)) == reply(
        comment_fields(body="[removed]")
    )
    assert reply(comment_fields(body="[deleted]")).state == "deleted"
