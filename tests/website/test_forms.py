"""What people send: it is done once, refused kindly, kept when refused, and never on a stranger's behalf."""

import re
from collections.abc import Callable

import httpx
import pytest

from tests.website.conftest import Site

pytestmark = pytest.mark.anyio


async def community_and_post(person: httpx.AsyncClient) -> str:
    """A community with one post in it; the post's address."""
    await person.post("/communities/new", data={"name": "python", "title": "Python"})
    answer = await person.post("/new", data={"community": "python", "title": "First", "text": "Hello."})
    return str(answer.headers["location"])


async def test_a_refused_post_keeps_what_was_typed(site: Site) -> None:
    """A post with a bad link comes back with a message beside the field and everything still in the form."""
    ada = await site.person("ada")
    await ada.post("/communities/new", data={"name": "python", "title": "Python"})
    typed = {"community": "python", "title": "My title", "link": "javascript:alert(1)", "text": "My long text"}
    answer = await ada.post("/new", data=typed)
    assert answer.status_code == 422
    assert "My title" in answer.text
    assert "My long text" in answer.text
    assert "aria-invalid" in answer.text


async def test_a_link_posted_before_is_pointed_out(site: Site) -> None:
    """Posting the same link again in a community shows the earlier post first, and can be insisted on."""
    ada = await site.person("ada")
    await ada.post("/communities/new", data={"name": "python", "title": "Python"})
    first = {"community": "python", "title": "One", "link": "https://example.org/a"}
    again = {"community": "python", "title": "Two", "link": "http://www.example.org/a/?utm_source=x#top"}
    assert (await ada.post("/new", data=first)).status_code == 303
    pointed = await ada.post("/new", data=again)
    assert pointed.status_code == 409
    assert "One" in pointed.text
    assert (await ada.post("/new", data={**again, "anyway": "1"})).status_code == 303


async def test_votes_work_without_script_and_can_be_taken_back(site: Site) -> None:
    """A vote by a plain form counts once, comes back to where it was given, and 0 takes it back."""
    ada, bob = await site.person("ada"), await site.person("bob")
    post = await community_and_post(ada)
    for _ in range(2):
        answer = await bob.post(f"{post}/vote/1", data={"next": "/c/python"})
        assert answer.headers["location"] == "/c/python"
    tally = await bob.post(f"{post}/vote/-1", headers={"accept": "application/json"})
    assert tally.json() == {"score": -1, "ups": 0, "downs": 1, "vote": -1}
    tally = await bob.post(f"{post}/vote/0", headers={"accept": "application/json"})
    assert tally.json() == {"score": 0, "ups": 0, "downs": 0, "vote": 0}


async def test_a_vote_larger_than_one_counts_its_sign(site: Site) -> None:
    """Voting 5 by hand counts as one vote up."""
    ada, bob = await site.person("ada"), await site.person("bob")
    post = await community_and_post(ada)
    tally = await bob.post(f"{post}/vote/5", headers={"accept": "application/json"})
    assert tally.json()["score"] == 1


async def test_a_stranger_who_votes_is_sent_to_log_in(site: Site) -> None:
    """Somebody without an account who votes lands on the log-in page, and a script gets a problem document."""
    post = await community_and_post(await site.person("ada"))
    stranger = await site.visitor()
    answer = await stranger.post(f"{post}/vote/1")
    assert answer.headers["location"].startswith("/login?next=")
    problem = await stranger.post(f"{post}/vote/1", headers={"accept": "application/json"})
    assert problem.status_code == 401
    assert problem.headers["content-type"] == "application/problem+json"


async def test_comments_replies_and_their_notices(site: Site) -> None:
    """A reply appears in the thread below its parent, and whoever was answered finds it in the inbox once."""
    ada, bob = await site.person("ada"), await site.person("bob")
    post = await community_and_post(ada)
    answer = await bob.post(f"{post}/comment", data={"body": "A question, @ada?"})
    assert answer.status_code == 303
    comment_id = re.search(r"#c(\d+)", answer.headers["location"])[1]  # type: ignore[index]
    await ada.post(f"{post}/comment", data={"body": "An *answer*.", "parent": comment_id})
    page = (await (await site.visitor()).get(post)).text
    assert page.index("A question") < page.index("<em>answer</em>")
    await site.services.settle()
    inbox = (await ada.get("/inbox")).text
    assert inbox.count("A question") == 1
    assert "An answer" in (await bob.get("/inbox?show=unread")).text
    await bob.post("/inbox/read", data={"all": "1"})
    assert "An answer" not in (await bob.get("/inbox?show=unread")).text


async def test_an_empty_comment_is_refused_in_place(site: Site) -> None:
    """An empty comment brings the page back with a message, and to a script a problem document."""
    ada = await site.person("ada")
    post = await community_and_post(ada)
    assert (await ada.post(f"{post}/comment", data={"body": "  "})).status_code == 422
    problem = await ada.post(f"{post}/comment", data={"body": " "}, headers={"x-fragment": "1"})
    assert problem.status_code == 422
    assert problem.json()["parameters"]["field"] == "body"


async def test_previews_change_nothing(site: Site) -> None:
    """The preview button shows the rendered text with the form still filled, and nothing is posted."""
    ada = await site.person("ada")
    post = await community_and_post(ada)
    answer = await ada.post(f"{post}/comment", data={"body": "Some **bold** words", "action": "preview"})
    assert "<strong>bold</strong>" in answer.text
    assert "Some **bold** words" in answer.text
    assert "<strong>bold</strong>" not in (await ada.get(post)).text


async def test_edits_keep_a_readable_history(site: Site) -> None:
    """Editing a post and a comment shows the new text and keeps the old versions with what changed."""
    ada = await site.person("ada")
    post = await community_and_post(ada)
    await ada.post(f"{post}/edit", data={"title": "First, mended", "text": "Hello, world."})
    answer = await ada.post(f"{post}/comment", data={"body": "One two"})
    comment_id = re.search(r"#c(\d+)", answer.headers["location"])[1]  # type: ignore[index]
    await ada.post(f"/comment/{comment_id}/edit", data={"body": "One three"})
    stranger = await site.visitor()
    history = (await stranger.get(f"{post}/history")).text
    assert "<ins>" in history
    assert "First<ins>, mended</ins>" in history
    assert "<del>two</del><ins>three</ins>" in (await stranger.get(f"/comment/{comment_id}/history")).text


async def test_nobody_edits_or_deletes_what_is_not_theirs(site: Site) -> None:
    """Another person's post and comment can be neither edited nor deleted."""
    ada, bob = await site.person("ada"), await site.person("bob")
    post = await community_and_post(ada)
    answer = await ada.post(f"{post}/comment", data={"body": "Mine"})
    comment_id = re.search(r"#c(\d+)", answer.headers["location"])[1]  # type: ignore[index]
    for path, data in (
        (f"{post}/edit", {"title": "Stolen", "text": ""}),
        (f"{post}/delete", {}),
        (f"{post}/lock", {"value": "1"}),
        (f"/comment/{comment_id}/edit", {"body": "Stolen"}),
        (f"/comment/{comment_id}/delete", {}),
        ("/c/python/settings", {"title": "Stolen"}),
    ):
        assert (await bob.post(path, data=data)).status_code == 403, path
    assert "Stolen" not in (await bob.get(post)).text


async def test_a_moderator_removes_and_locks(site: Site) -> None:
    """The founder of a community removes others' comments and posts there and closes posts to comments."""
    ada, bob = await site.person("ada"), await site.person("bob")
    await ada.post("/communities/new", data={"name": "python", "title": "Python"})
    post = (await bob.post("/new", data={"community": "python", "title": "By bob", "text": "x"})).headers["location"]
    answer = await bob.post(f"{post}/comment", data={"body": "Rude words"})
    comment_id = re.search(r"#c(\d+)", answer.headers["location"])[1]  # type: ignore[index]
    assert (await ada.post(f"/comment/{comment_id}/delete")).status_code == 303
    assert "Rude words" not in (await bob.get(post)).text
    await ada.post(f"{post}/lock", data={"value": "1"})
    refused = await bob.post(f"{post}/comment", data={"body": "One more thing"})
    assert refused.status_code == 409
    assert "One more thing" in refused.text
    assert (await ada.post(f"{post}/delete")).status_code == 303
    assert (await bob.get(post)).status_code == 410


async def test_saved_and_hidden_lists(site: Site) -> None:
    """A saved post is in the saved list; a hidden one leaves the feeds and waits in the hidden list."""
    ada = await site.person("ada")
    post = await community_and_post(ada)
    await ada.post(f"{post}/save", data={"value": "1"})
    assert f'href="{post}"' in (await ada.get("/saved")).text.replace("&#x2f;", "/")
    await ada.post(f"{post}/hide", data={"value": "1"})
    assert ">First<" not in (await ada.get("/c/python")).text
    assert ">First<" in (await ada.get("/hidden")).text


async def test_settings_change_the_look(site: Site) -> None:
    """Language, theme and first order chosen in the settings are what the next page has."""
    ada = await site.person("ada")
    chosen = {"theme": "dark", "language": "ru", "feed_sort": "new", "comment_sort": "old", "density": "compact"}
    assert (await ada.post("/settings", data=chosen)).status_code == 303
    page = (await ada.get("/")).text
    assert 'data-theme="dark"' in page
    assert '<html lang="ru"' in page
    assert 'data-density="compact"' in page
    assert (await ada.post("/settings", data={**chosen, "theme": "pink"})).status_code == 422


async def test_passwords_and_sessions(site: Site) -> None:
    """A changed password ends the other sessions; a session can be ended from the list."""
    ada = await site.person("ada")
    other = await site.visitor()
    await other.post("/login", data={"name": "Ada", "password": "correct horse battery"})
    assert (await other.get("/inbox")).status_code == 200
    wrong = await ada.post("/settings/password", data={"current": "wrong", "new": "another long one"})
    assert wrong.status_code == 422
    right = await ada.post("/settings/password", data={"current": "correct horse battery", "new": "another long one"})
    assert right.status_code == 303
    assert (await other.get("/inbox")).status_code == 303
    assert (await ada.get("/inbox")).status_code == 200
    await ada.post("/logout")
    assert (await ada.get("/inbox")).status_code == 303


async def test_log_in_does_not_tell_whether_a_name_exists(site: Site) -> None:
    """A wrong password and a name that nobody has get the very same page."""
    await site.person("ada")
    visitor = await site.visitor()
    wrong = await visitor.post("/login", data={"name": "ada", "password": "not the right one"})
    nobody = await visitor.post("/login", data={"name": "eve", "password": "not the right one"})
    assert wrong.status_code == nobody.status_code == 401
    assert wrong.text.replace("ada", "eve") == nobody.text


async def test_too_many_log_ins_get_429(site: Site) -> None:
    """After ten wrong passwords for a name the page says to wait, and after the wait it works again."""
    await site.person("ada")
    visitor = await site.visitor()
    for _ in range(10):
        await visitor.post("/login", data={"name": "ada", "password": "wrong wrong"})
    refused = await visitor.post("/login", data={"name": "ada", "password": "correct horse battery"})
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    site.clock.advance(3600)
    assert (await visitor.post("/login", data={"name": "ada", "password": "correct horse battery"})).status_code == 303


@pytest.mark.parametrize(("content", "stays"), [("keep", True), ("erase", False)])
async def test_deleting_the_account(site: Site, content: str, stays: bool) -> None:  # noqa: FBT001 - a test's parameter
    """Deleting an account takes the name off everything and, if so chosen, the texts with it."""
    ada = await site.person("ada")
    post = await community_and_post(ada)
    await ada.post(f"{post}/comment", data={"body": "Remember me"})
    gone = await ada.post("/settings/delete", data={"password": "correct horse battery", "content": content})
    assert gone.status_code == 303
    await site.services.settle()
    visitor = await site.visitor()
    page = (await visitor.get(post)).text
    assert "ada" not in page
    assert ("Remember me" in page) is stays
    assert (await visitor.get("/u/ada")).status_code == 410
    assert (await visitor.post("/signup", data={"name": "Ada", "password": "correct horse battery"})).status_code == 422


async def test_nothing_leads_off_the_site(site: Site) -> None:
    """After logging in, an address of another site in "next" is not followed."""
    await site.person("ada")
    for target in ("https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"):
        visitor = await site.visitor()
        data = {"name": "ada", "password": "correct horse battery", "next": target}
        assert (await visitor.post("/login", data=data)).headers["location"] == "/"


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {},
    ],
)
async def test_forms_from_elsewhere_are_refused(site: Site, headers: dict[str, str]) -> None:
    """A form that another site makes a person's browser send changes nothing."""
    ada = await site.person("ada")
    post = await community_and_post(ada)
    del ada.headers["sec-fetch-site"]
    refused = await ada.post(f"{post}/delete", headers=headers)
    assert refused.status_code == 403
    assert (await (await site.visitor()).get(post)).status_code == 200
    allowed = await ada.post(f"{post}/delete", headers={"origin": "http://upthread.test"})
    assert allowed.status_code == 303


async def test_guests_may_do_nothing_unless_set(site: Site) -> None:
    """On a site as installed a stranger can neither post nor comment, and gets back what they typed."""
    post = await community_and_post(await site.person("ada"))
    guest = await site.visitor()
    for path, data in (
        (f"{post}/comment", {"body": "My words", "name": "G", "email": "g@example.org"}),
        ("/new", {"title": "My words"}),
    ):
        answer = await guest.post(path, data=data)
        assert answer.status_code == 401, path
        assert "My words" in answer.text, path
    assert "My words" not in (await guest.get(post)).text


async def test_guests_may_comment_where_set(open_site: Callable[..., Site]) -> None:
    """With guests=comment anyone comments with a name and an e-mail address that is never shown, and can't vote."""
    site = open_site(guests="comment")
    post = await community_and_post(await site.person("ada"))
    guest = await site.visitor()
    nameless = await guest.post(f"{post}/comment", data={"body": "Hi there", "name": "", "email": "g@example.org"})
    assert nameless.status_code == 422
    assert "Hi there" in nameless.text
    said = await guest.post(f"{post}/comment", data={"body": "Hi there", "name": "Gus", "email": "g@example.org"})
    assert said.status_code == 303
    page = (await (await site.visitor()).get(post)).text
    assert "Gus" in page
    assert "g@example.org" not in page
    assert (await guest.post(f"{post}/vote/1")).headers["location"].startswith("/login")


async def test_guests_may_do_all_where_set(open_site: Callable[..., Site]) -> None:
    """With guests=all anyone posts as in the original, and votes once per thing."""
    site = open_site(guests="all")
    guest = await site.visitor()
    answer = await guest.post("/new", data={"title": "By a guest", "link": "https://example.org/", "name": "Gus"})
    post = answer.headers["location"]
    assert re.fullmatch(r"/post/\d+", post)
    for _ in range(3):
        tally = await guest.post(f"{post}/vote/1", headers={"accept": "application/json"})
    assert tally.json()["score"] == 1
    other = await site.visitor()
    tally = await other.post(f"{post}/vote/1", headers={"accept": "application/json"})
    assert tally.json()["score"] == 2


async def test_a_made_up_guest_cookie_is_nobody(open_site: Callable[..., Site]) -> None:
    """A guest cookie that this site did not sign does not let anyone vote as that guest."""
    site = open_site(guests="all")
    first = await site.visitor()
    post = (await first.post("/new", data={"title": "x", "link": "https://example.org/", "name": "G"})).headers[
        "location"
    ]
    forged = await site.visitor(cookie='guest="eyJpZCI6LTF9.forged"')
    tally = await forged.post(f"{post}/vote/1", headers={"accept": "application/json"})
    assert tally.json()["score"] == 1


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"name=%ff%fe&password=x", "application/x-www-form-urlencoded", 400),
        (b"\xff\xfe", "application/x-www-form-urlencoded", 400),
        (b"{}", "application/json", 415),
        (b"name=" + b"x" * 600_000, "application/x-www-form-urlencoded", 413),
    ],
)
async def test_what_is_no_form_is_refused(site: Site, content: bytes, kind: str, status: int) -> None:
    """A body that is not UTF-8, not a form, or too large gets a page that says so."""
    answer = await (await site.visitor()).post("/login", content=content, headers={"content-type": kind})
    assert answer.status_code == status
    assert "<html" in answer.text
