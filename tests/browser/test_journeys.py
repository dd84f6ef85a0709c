"""What people come to do, from the first visit to the last, with and without JavaScript."""

import re

import pytest
from playwright.sync_api import Locator, Page, Position, expect

from tests.browser.conftest import LONG, NewVisitor
from tests.browser.visitor import PASSWORD, Site, Visitor

SCRIPTS = pytest.mark.parametrize("javascript", [True, False], ids=["script", "plain"])
AT_THE_KNOT: Position = {"x": 5, "y": 5}
"""Where a summary, which is drawn as a line along the comment, is not covered by the text."""
NAMES = {True: "scripted", False: "plain"}


def fill(page: Page, **fields: str) -> None:
    """Fill in fields of the page's form by their names."""
    for name, text in fields.items():
        page.locator(f"main [name={name}]:visible").first.fill(text)


def comment(page: Page, text: str) -> Locator:
    """The comment with this text, without those below it."""
    return page.locator(".comment", has=page.locator("> details > .prose", has_text=text)).last


def say(visitor: Visitor, text: str) -> None:
    """Write a comment at the top of the thread that is shown."""
    fill(visitor.page, body=text)
    visitor.press("Comment")
    expect(comment(visitor.page, text)).to_be_visible()


def answer(visitor: Visitor, to: str, text: str) -> None:
    """Answer a comment of the thread that is shown."""
    page = visitor.page
    comment(page, to).get_by_role("link", name="Reply", exact=True).first.click()
    form = page.locator("form.write:has([name=parent])")
    form.locator("[name=body]").fill(text)
    form.get_by_role("button", name="Comment", exact=True).click()
    expect(comment(page, text)).to_be_visible()


@SCRIPTS
def test_from_signing_up_to_leaving(visitor: NewVisitor, *, javascript: bool) -> None:  # noqa: PLR0915 - one long way
    """A newcomer signs up, founds a community, posts, votes, talks, searches, sets things, and deletes the account."""
    name, place = f"new_{NAMES[javascript]}", f"place_{NAMES[javascript]}"
    reader = visitor(javascript=javascript)
    page = reader.open("/signup")
    fill(page, name=name, password=PASSWORD)
    reader.press("Make an account")
    expect(page.get_by_text(f"Welcome, {name}!")).to_be_visible()

    reader.open("/communities/new")
    fill(page, name=place, title="A new place", description="For **newcomers**.", rules="1. Be kind.")
    reader.press("Found it")
    expect(page.get_by_text("Be kind.").first).to_be_visible()

    reader.expected |= {409, 422}
    reader.open(f"/new?community={place}")
    fill(page, title="A first link", link="ftp://example.org/x")
    reader.page.locator("main form[data-draft=post]").evaluate("form => form.noValidate = true")
    reader.press("Post")
    expect(page.locator("[name=link][aria-invalid=true]")).to_be_visible()
    fill(page, link="https://example.org/first")
    reader.press("Post")
    expect(page.get_by_role("heading", name="A first link")).to_be_visible()
    reader.open(f"/new?community={place}")
    fill(page, title="Again", link="https://www.example.org/first/")
    reader.press("Post")
    expect(page.get_by_text("This link was posted here before.")).to_be_visible()
    page.get_by_role("link", name="A first link").click()
    expect(page.get_by_role("heading", name="A first link")).to_be_visible()
    address = page.url

    say(reader, "A first thought.")
    answer(reader, "A first thought.", "A second thought.")
    up = page.locator(".post.whole .votes .up")
    up.click()
    expect(up).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".post.whole .score")).to_have_text("1")
    up.click()
    expect(up).to_have_attribute("aria-pressed", "false")
    expect(page.locator(".post.whole .score")).to_have_text("0")
    down = comment(page, "A second thought.").locator(".down").first
    down.click()
    expect(comment(page, "A second thought.").locator(".score").first).to_have_text("-1")
    page.locator(".post.whole .save").click()
    expect(page.locator(".post.whole .save")).to_have_text("Unsave")

    comment(page, "A second thought.").get_by_role("link", name="Edit").click()
    fill(page, body="A better thought.")
    reader.press("Save")
    expect(comment(page, "A better thought.")).to_be_visible()
    comment(page, "A better thought.").get_by_role("link", name="edited").click()
    expect(page.locator("ins", has_text="better")).to_be_visible()
    page.goto(address)
    comment(page, "A first thought.").get_by_role("link", name="Delete").first.click()
    reader.press("Delete")
    page.goto(address)
    expect(page.get_by_text("This comment was deleted by its author.")).to_be_visible()
    expect(comment(page, "A better thought.")).to_be_visible()

    reader.open("/saved")
    expect(page.get_by_role("link", name="A first link")).to_be_visible()
    reader.open(f"/search?q=first+community:{place}")
    expect(page.get_by_role("link", name="A first link")).to_be_visible()
    expect(page.locator("mark").first).to_be_visible()

    reader.open("/settings/profile")
    fill(page, bio="I am *new* here.")
    reader.press("Save")
    expect(page.locator("em", has_text="new")).to_be_visible()
    reader.open("/settings")
    page.locator("main [name=theme]").select_option("dark")
    page.locator("main [name=language]").select_option("ru")
    page.locator("main [name=density]").select_option("compact")
    reader.press("Save")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("html")).to_have_attribute("data-density", "compact")
    expect(page.locator("html")).to_have_attribute("lang", "ru")
    page.locator("main [name=language]").select_option("en")
    page.locator("main form.form button.main").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")

    reader.open("/settings/delete")
    fill(page, password=PASSWORD)
    page.locator("main [name=content][value=erase]").check()
    page.locator("main form.form button").first.click()
    expect(page.get_by_text("Your account is deleted. Farewell!")).to_be_visible()
    reader.open(f"/u/{name}", 410)


@SCRIPTS
def test_being_answered(visitor: NewVisitor, *, javascript: bool) -> None:
    """Whoever is answered finds the answer in the inbox, goes to it, and marks it as read."""
    place = f"talk_{NAMES[javascript]}"
    asker = visitor(javascript=javascript).sign_up(f"asker_{NAMES[javascript]}")
    helper = visitor(javascript=javascript).sign_up(f"helper_{NAMES[javascript]}")
    asker.send("/communities/new", name=place, title="Talk")
    post = asker.send("/new", community=place, title="How does one weave?", text="I wonder.")
    helper.open(post)
    say(helper, "With two threads.")
    page = asker.open_until("/inbox", "With two threads.")
    expect(page.locator(".count, [aria-label*=unread]").first).to_be_visible()
    page.get_by_role("link", name=f"{helper.name} replied").click()
    expect(comment(page, "With two threads.")).to_be_visible()
    asker.open("/inbox")
    notice = page.locator(".notice").first
    notice.get_by_role("button", name="Mark as read").click()
    expect(notice.get_by_role("button", name="Mark as unread")).to_be_visible()
    notice.get_by_role("button", name="Mark as unread").click()
    expect(notice.get_by_role("button", name="Mark as read")).to_be_visible()
    asker.press("Mark all as read")
    asker.open("/inbox?show=unread")
    expect(page.get_by_text("Nothing new")).to_be_visible()


@SCRIPTS
def test_logging_in_elsewhere_and_out_again(visitor: NewVisitor, *, javascript: bool) -> None:
    """Sessions are listed and can be ended; a changed password ends the others; logging out ends this one."""
    name = f"roamer_{NAMES[javascript]}"
    here, there = visitor(javascript=javascript).sign_up(name), visitor(javascript=javascript)
    page = there.open("/login")
    fill(page, name=name, password=PASSWORD)
    there.press("Log in")
    expect(page.get_by_text(f"Welcome back, {name}.")).to_be_visible()
    here.open("/settings/sessions")
    here.press("End all others")
    assert there.open("/inbox").url.endswith("/login?next=%2Finbox")
    here.open("/settings/password")
    fill(here.page, current=PASSWORD, new="another long password")
    here.press("Change password")
    expect(here.page.get_by_text("The password is changed")).to_be_visible()
    here.open("/logout")
    here.press("Log out")
    expect(here.page.get_by_text("You are logged out.")).to_be_visible()


@SCRIPTS
def test_a_long_thread_goes_on(visitor: NewVisitor, long_thread: str, *, javascript: bool) -> None:
    """More comments than fit on a page come by "load more", each of them once."""
    page = visitor(javascript=javascript).open(f"{long_thread}?sort=old")
    seen: set[str] = set()
    while True:
        shown = page.locator(".comment .prose").all_inner_texts()
        assert len(shown) == len(set(shown))
        seen |= set(shown)
        following = page.locator(".thread.root > .more a")
        if not following.count():
            break
        before = following.get_attribute("href") or ""
        following.click()
        expect(page.locator(f'.thread.root > .more a[href="{before}"]')).to_have_count(0)
    assert seen == {f"Comment number {number}." for number in range(LONG)}


@SCRIPTS
def test_a_comment_folds(visitor: NewVisitor, *, javascript: bool) -> None:
    """A comment folds away with all that is below it, and unfolds again."""
    reader = visitor(javascript=javascript)
    page = reader.open("/search?q=the&type=comments")
    page.get_by_role("link", name="In its thread").first.click()
    first = page.locator(".thread.root > .comment").first
    text = first.locator("> details > .prose")
    expect(text).to_be_visible()
    first.locator("> details > summary").click(position=AT_THE_KNOT)
    expect(text).to_be_hidden()
    first.locator("> details > summary").click(position=AT_THE_KNOT)
    expect(text).to_be_visible()


@SCRIPTS
def test_guests_do_it_without_an_account(visitor: NewVisitor, guest_site: Site, *, javascript: bool) -> None:
    """Where the site lets them, people without an account post, comment and vote, once per thing."""
    guest = visitor(to=guest_site, javascript=javascript)
    page = guest.open("/new")
    fill(
        page,
        title=f"From a guest {NAMES[javascript]}",
        link="https://example.org/guest",
        name="Gus",
        email="gus@example.org",
    )
    guest.press("Post")
    if page.get_by_role("button", name="Post anyway").count():
        guest.expected.add(409)
        guest.press("Post anyway")
    expect(page.get_by_role("heading", name="From a guest")).to_be_visible()
    fill(page, body="Hello from Gus.", name="Gus", email="gus@example.org")
    guest.press("Comment")
    expect(comment(page, "Hello from Gus.")).to_be_visible()
    expect(page.get_by_text("gus@example.org")).to_have_count(0)
    up = page.locator(".post.whole .votes .up")
    up.click()
    expect(up).to_have_attribute("aria-pressed", "true")
    expect(up).not_to_have_attribute("aria-busy", "true")
    page.reload()
    expect(page.locator(".post.whole .score")).to_have_text("1")


@SCRIPTS
def test_a_post_of_ones_own(visitor: NewVisitor, *, javascript: bool) -> None:
    """A post is previewed, edited with a history, closed to comments and deleted, which leaves its thread."""
    place = f"own_{NAMES[javascript]}"
    writer = visitor(javascript=javascript).sign_up(f"author_{NAMES[javascript]}")
    writer.send("/communities/new", name=place, title="Own")
    page = writer.open(f"/new?community={place}")
    fill(page, title="A plain title", text="Some **bold** words.")
    writer.press("Preview")
    expect(page.locator(".preview strong")).to_have_text("bold")
    expect(page.locator("main [name=title]")).to_have_value("A plain title")
    writer.press("Post")
    expect(page.locator(".post.whole strong")).to_have_text("bold")
    address = page.url.partition("#")[0]
    say(writer, "The comment that stays.")

    writer.open(address)
    page.locator(".post.whole").get_by_role("link", name="Edit").click()
    fill(page, title="A better title")
    writer.press("Save")
    expect(page.get_by_role("heading", level=1)).to_have_text("A better title")
    page.locator(".post.whole").get_by_role("link", name="edited").click()
    expect(page.locator("main ins", has_text="better")).to_be_visible()
    expect(page.locator("main del", has_text="plain")).to_be_visible()

    writer.open(address)
    writer.press("Lock")
    expect(page.get_by_text("it takes no new comments")).to_be_visible()
    page.locator(".post.whole").get_by_role("link", name="Delete").click()
    writer.press("Delete")
    expect(page.get_by_text("The post was deleted.")).to_be_visible()
    writer.open(address, 410)
    expect(page.get_by_text("This post was deleted by its author.")).to_be_visible()
    expect(comment(page, "The comment that stays.")).to_be_visible()
    expect(page.get_by_text("A better title")).to_have_count(0)


@SCRIPTS
def test_what_one_follows_and_puts_aside(visitor: NewVisitor, *, javascript: bool) -> None:
    """The front page shows the communities one follows, without the posts one has hidden, which can be brought back."""
    reader = visitor(javascript=javascript).sign_up(f"follower_{NAMES[javascript]}")
    page = reader.open("/c/hiking?sort=new")
    page.get_by_role("button", name="Subscribe").click()
    expect(page.get_by_role("button", name="Unsubscribe")).to_be_visible()
    reader.open("/?sort=new")
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    assert set(page.locator(".post .place").all_inner_texts()) == {"hiking"}
    first = page.locator(".post h2 > a:first-child").first
    title = first.inner_text()
    hide = page.locator(".post .hide").first
    hide.click()
    if javascript:
        expect(hide).to_have_text("Unhide")
    reader.open("/?sort=new")
    expect(first).not_to_have_text(title)
    reader.open("/hidden")
    expect(first).to_have_text(title)
    hide.click()
    if javascript:
        expect(hide).to_have_text("Hide")
    reader.open("/?sort=new")
    expect(first).to_have_text(title)


@SCRIPTS
@pytest.mark.usefixtures("furnished")
def test_searching_exactly(visitor: NewVisitor, *, javascript: bool) -> None:
    """Search takes phrases, communities, authors, domains and days, marks its finds, and says what it can't read."""
    page = visitor(javascript=javascript).open("/search")
    query = page.locator("main [name=q]")
    for typed, found in (
        ('"flying shuttle" community:weaving', True),
        ("author:arachne domain:example.org loom", True),
        ("shuttle author:penelope", False),
        ("shuttle community:weaving before:2001-01-01", False),
        ("shuttle community:weaving after:2001-01-01", True),
    ):
        query.fill(typed)
        query.press("Enter")
        expect(query).to_have_value(typed)
        expect(page.locator("mark").first if found else page.get_by_text("Nothing found")).to_be_visible()
    page.get_by_role("navigation", name="What to search").get_by_role("link", name="Comments").click()
    expect(page.locator("mark").first).to_be_visible()
    query.fill("before:soon")
    query.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()


@SCRIPTS
def test_a_stranger_chooses_a_theme(visitor: NewVisitor, *, javascript: bool) -> None:
    """Without an account the theme is kept in the browser, and the language is the browser's."""
    reader = visitor(javascript=javascript, locale="ru-RU")
    page = reader.open("/about")
    expect(page.locator("html")).to_have_attribute("lang", "ru")
    page.locator(".theme [value=dark]").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.url.endswith("/about")
    reader.open("/")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("body")).to_have_css("color-scheme", "dark")


def test_pages_of_a_feed_follow_each_other(visitor: NewVisitor) -> None:
    """The pages of the front page, one after the other, show no post twice."""
    page = visitor().open("/?sort=new")
    expect(page.get_by_role("link", name="From the beginning")).to_have_count(0)
    seen: list[str | None] = []
    for _ in range(4):
        seen += [post.get_attribute("id") for post in page.locator("li.post").all()]
        page.get_by_role("link", name=re.compile("Next page")).click()
        page.wait_for_url(re.compile("after="))
    assert len(seen) == len(set(seen)) == 100
    page.get_by_role("link", name="From the beginning").click()
    expect(page.locator("li.post").first).to_have_attribute("id", seen[0] or "")
