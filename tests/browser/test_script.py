"""What the script adds: things happen in place, by keys, and nothing that was typed is lost."""

import re

import pytest
from playwright.sync_api import Locator, Page, Position, Route, expect

from tests.browser.conftest import NewVisitor
from tests.browser.furnishing import Furnished, comment_on, number
from tests.browser.visitor import Visitor

LIVED = "window.lived"
"""Something that is gone after a page load."""

KNOT: Position = {"x": 8, "y": 12}
"""Where to click to fold a comment: the rest of its summary lets clicks through to the text."""


@pytest.fixture
def writer(person: NewVisitor) -> Visitor:
    """Somebody who looks at a post of their own with two comments and an answer to the first."""
    writer = person()
    writer.send("/communities/new", name=f"of_{writer.name}", title="A room of one's own")
    post = number(writer.send("/new", community=f"of_{writer.name}", title="A post of one's own", text="Well?"))
    first = comment_on(writer, post, "The first comment.")
    comment_on(writer, post, "An answer to it.", first)
    comment_on(writer, post, "The second comment.")
    stay_on(writer.open(f"/post/{post}?sort=old"))
    return writer


def stay_on(page: Page) -> None:
    """Remember that this page was not loaded anew."""
    page.evaluate(f"{LIVED} = true")


def assert_stayed(page: Page) -> None:
    """No page was loaded since."""
    assert page.evaluate(LIVED) is True


def comment(page: Page, text: str) -> Locator:
    """The comment that says this."""
    return page.locator(".comment").filter(has=page.locator("> details > .prose", has_text=text))


def own(item: Locator, selector: str) -> Locator:
    """Something that belongs to a comment itself, and not to one below it."""
    return item.locator(f"> details > {selector}")


def fail(route: Route) -> None:
    """Answer as a site that is broken."""
    route.fulfill(status=500, content_type="text/html", body="<h1>Our mistake</h1>")


# votes and marks


def test_a_vote_counts_in_place(person: NewVisitor) -> None:
    """A vote shows at once without a page load, is still there after a reload, and can be turned and taken back."""
    page = person().open("/?sort=new")
    stay_on(page)
    post = page.locator(".post").nth(7)
    score = int(post.locator(".score").get_attribute("value") or "")
    up, down = post.locator(".up"), post.locator(".down")
    up.click()
    expect(up).to_have_attribute("aria-pressed", "true")
    expect(post.locator(".score")).to_have_text(str(score + 1))
    expect(up).not_to_have_attribute("aria-busy", "true")
    down.click()
    expect(post.locator(".score")).to_have_text(str(score - 1))
    expect(up).to_have_attribute("aria-pressed", "false")
    expect(down).not_to_have_attribute("aria-busy", "true")
    assert_stayed(page)
    page.reload()
    expect(down).to_have_attribute("aria-pressed", "true")
    expect(post.locator(".score")).to_have_text(str(score - 1))
    down.click()
    expect(down).to_have_attribute("aria-pressed", "false")
    expect(post.locator(".score")).to_have_text(str(score))


@pytest.mark.parametrize("broken", ["away", "failing"])
def test_a_vote_that_fails_is_taken_back(person: NewVisitor, broken: str) -> None:
    """When the site can't be reached or fails, the vote is taken back on the page, and a message says so."""
    voter = person(expects={500})
    voter.forgives(r"net::ERR_FAILED")
    page = voter.open("/")
    page.route("**/vote/**", fail if broken == "failing" else lambda route: route.abort())
    post = page.locator(".post").first
    before = post.locator(".score").inner_text()
    post.locator(".up").click()
    expect(page.locator("#said")).to_have_text(re.compile("did not work|can't be reached"))
    expect(post.locator(".up")).to_have_attribute("aria-pressed", "false")
    expect(post.locator(".score")).to_have_text(before)
    page.unroute("**/vote/**")
    post.locator(".up").click()
    expect(post.locator(".up")).to_have_attribute("aria-pressed", "true")


def test_a_stranger_who_votes_is_asked_to_log_in(visitor: NewVisitor) -> None:
    """A vote without an account leads to the log-in page, and after logging in one is back where one was."""
    stranger = visitor()
    page = stranger.open("/c/hiking?sort=new")
    page.locator(".post .up").first.click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    assert page.locator("main [name=next]").get_attribute("value") == "/c/hiking?sort=new"


def test_a_vote_after_the_session_ended_elsewhere(person: NewVisitor) -> None:
    """Somebody whose session was ended elsewhere is led to the log-in page by their next vote."""
    voter = person(expects={401})
    page = voter.open("/")
    voter.send("/logout")
    page.locator(".post .up").first.click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def test_marks_change_in_place(person: NewVisitor) -> None:
    """Save, hide and subscribe change their label without a page load, and can be undone."""
    page = person().open("/c/hiking")
    stay_on(page)
    post = page.locator(".post").first
    for selector, done, undone in (
        (".save", "Unsave", "Save"),
        (".hide", "Unhide", "Hide"),
    ):
        button = post.locator(selector)
        button.click()
        expect(button).to_have_text(done)
        button.click()
        expect(button).to_have_text(undone)
    page.get_by_role("button", name="Subscribe").click()
    expect(page.get_by_role("button", name="Unsubscribe")).to_be_visible()
    assert_stayed(page)
    page.reload()
    expect(page.get_by_role("button", name="Unsubscribe")).to_be_visible()


# comments


def test_a_comment_appears_in_place(writer: Visitor) -> None:
    """A comment and a reply appear where they belong without a page load, once, and the forms are empty or gone."""
    page = writer.page
    form = page.locator(".talks > .write")
    form.get_by_label("Your comment").fill("Said *in place*.")
    form.get_by_role("button", name="Comment").click()
    expect(page.locator(".thread.root > .comment").first.locator("em")).to_have_text("in place")
    expect(form.get_by_label("Your comment")).to_have_value("")

    parent = comment(page, "The second comment.")
    own(parent, ".acts .reply").click()
    reply = parent.get_by_label("Your reply")
    expect(reply).to_be_focused()
    reply.fill("Answered in place.")
    own(parent, ".write").get_by_role("button", name="Comment").click()
    expect(own(parent, ".thread > .comment .prose")).to_have_text("Answered in place.")
    expect(own(parent, ".write")).to_have_count(0)
    assert_stayed(page)
    page.reload()
    for said in ("Said in place.", "Answered in place."):
        expect(page.get_by_text(said)).to_have_count(1)


def test_a_reply_form_closes_again(writer: Visitor) -> None:
    """Reply opens a form and, as long as nothing is written in it, closes it again."""
    link = own(comment(writer.page, "The second comment."), ".acts .reply")
    forms = writer.page.locator(".comment .write")
    link.click()
    expect(forms).to_have_count(1)
    link.click()
    expect(forms).to_have_count(0)
    link.click()
    forms.get_by_label("Your reply").fill("Hm")
    link.click()
    expect(forms).to_have_count(1)


def test_a_refused_comment_stays_in_its_form(writer: Visitor) -> None:
    """A comment that is too long is refused beside its form, and what was written is still there."""
    writer.expected.add(422)
    form = writer.page.locator(".talks > .write")
    text = "x" * 10_001
    form.get_by_label("Your comment").fill(text)
    form.get_by_role("button", name="Comment").click()
    expect(form.get_by_role("alert")).to_contain_text("10000 characters")
    expect(form.get_by_label("Your comment")).to_have_value(text)
    assert_stayed(writer.page)


def test_sending_twice_posts_once(writer: Visitor) -> None:
    """A double click on the button posts one comment, and one post."""
    page = writer.page
    form = page.locator(".talks > .write")
    form.get_by_label("Your comment").fill("Only once, please.")
    form.get_by_role("button", name="Comment").dblclick()
    expect(comment(page, "Only once, please.")).to_be_visible()
    page.reload()
    expect(comment(page, "Only once, please.")).to_have_count(1)

    community = f"of_{writer.name}"
    writer.open(f"/new?community={community}")
    page.get_by_label("Title").fill("Posted once only")
    page.get_by_role("button", name="Post", exact=True).dblclick()
    expect(page.get_by_role("heading", name="Posted once only")).to_be_visible()
    writer.open(f"/c/{community}")
    expect(page.get_by_role("link", name="Posted once only")).to_have_count(1)


def test_more_replies_come_in_place(visitor: NewVisitor, furnished: Furnished) -> None:
    """A thread goes on in place where it was cut, and one can read on from there by the keyboard."""
    page = visitor().open(furnished.at("/post/{post}"))
    stay_on(page)
    shown = page.locator(".comment").count()
    more = page.get_by_role("link", name="more repl").first
    more.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".comment")).to_have_count(shown + 1)
    expect(page.locator(".comment:focus")).to_have_count(1)
    assert_stayed(page)


def test_a_preview_shows_in_place(writer: Visitor) -> None:
    """The preview shows the rendered text under the form, without a page load and without posting it."""
    page = writer.page
    form = page.locator(".talks > .write")
    form.get_by_label("Your comment").fill("Some **bold** words")
    form.get_by_role("button", name="Preview").click()
    expect(form.locator(".preview strong")).to_have_text("bold")
    assert_stayed(page)
    page.reload()
    expect(page.locator(".comment strong")).to_have_count(0)


def test_folded_comments_stay_folded(writer: Visitor) -> None:
    """A comment that was folded is still folded after a reload, and one that was unfolded is open."""
    page = writer.page
    first = comment(page, "The first comment.")
    answer = page.get_by_text("An answer to it.")
    own(first, "summary").click(position=KNOT)
    expect(answer).to_be_hidden()
    page.reload()
    expect(answer).to_be_hidden()
    own(first, "summary").click(position=KNOT)
    expect(answer).to_be_visible()
    page.reload()
    expect(answer).to_be_visible()


# drafts


def test_a_half_written_comment_survives_a_reload(writer: Visitor) -> None:
    """What is half written is there again after a reload, in the thread and in a reply, and gone once it was sent."""
    page = writer.page
    body = page.get_by_label("Your comment")
    body.fill("Half a thought")
    page.reload()
    expect(body).to_have_value("Half a thought")
    expect(page.locator("#said")).to_have_text("Your unsent text is back.")

    parent = comment(page, "The second comment.")
    own(parent, ".acts .reply").click()
    parent.get_by_label("Your reply").fill("Half a reply")
    page.reload()
    own(parent, ".acts .reply").click()
    expect(parent.get_by_label("Your reply")).to_have_value("Half a reply")

    page.locator(".talks > .write").get_by_role("button", name="Comment").click()
    expect(comment(page, "Half a thought")).to_be_visible()
    page.reload()
    expect(comment(page, "Half a thought")).to_be_visible()
    expect(body).to_have_value("")


def test_a_half_written_post_survives_leaving(person: NewVisitor) -> None:
    """A post that was begun is there again on the next visit of the form, and gone once it was posted."""
    writer = person()
    community = f"of_{writer.name}"
    writer.send("/communities/new", name=community, title="A room of one's own")
    page = writer.open("/new")
    page.get_by_label("Title").fill("Begun")
    page.get_by_label("Text").fill("And not yet done")
    writer.open("/")
    writer.open("/new")
    expect(page.get_by_label("Title")).to_have_value("Begun")
    expect(page.get_by_label("Text")).to_have_value("And not yet done")
    page.get_by_label("Community").fill(community)
    page.get_by_role("button", name="Post", exact=True).click()
    expect(page.get_by_role("heading", name="Begun")).to_be_visible()
    writer.open("/new")
    expect(page.get_by_label("Title")).to_have_value("")
    expect(page.get_by_label("Text")).to_have_value("")


def test_a_post_that_comes_back_stays_a_draft(person: NewVisitor) -> None:
    """A post that could not be taken is there on the next visit of the form, and gone once it was sent again."""
    writer = person()
    community = f"of_{writer.name}"
    writer.send("/communities/new", name=community, title="A room of one's own")
    writer.expected.add(503)
    page = writer.open("/new")
    again = page.content().replace(' data-draft="post"', "").replace('class="form"', 'class="form again"')
    page.get_by_label("Title").fill("Begun")
    page.get_by_label("Text").fill("And not yet taken")
    for leaves in (True, False):
        page.route("**/new", lambda route: route.fulfill(status=503, content_type="text/html", body=again), times=1)
        page.get_by_label("Community").fill(community)
        page.get_by_role("button", name="Post", exact=True).click()
        expect(page.locator(".again")).to_be_visible()
        if leaves:
            writer.open("/")
            writer.open("/new")
        expect(page.get_by_label("Text")).to_have_value("And not yet taken")
    page.get_by_label("Community").fill(community)
    page.get_by_role("button", name="Post", exact=True).click()
    expect(page.get_by_role("heading", name="Begun")).to_be_visible()
    writer.open("/new")
    expect(page.get_by_label("Text")).to_have_value("")


def test_a_comment_that_could_not_be_sent_is_not_lost(writer: Visitor) -> None:
    """When the site can't be reached, a comment stays in its form and can be sent again."""
    writer.forgives(r"net::ERR_FAILED")
    page = writer.page
    page.route("**/comment", lambda route: route.abort())
    form = page.locator(".talks > .write")
    form.get_by_label("Your comment").fill("Through a tunnel")
    form.get_by_role("button", name="Comment").click()
    expect(form.get_by_role("alert")).to_contain_text("can't be reached")
    page.unroute("**/comment")
    form.get_by_role("button", name="Comment").click()
    expect(comment(page, "Through a tunnel")).to_be_visible()
    expect(form.get_by_role("alert")).to_have_count(0)


# keys


def test_keys_move_through_a_feed(person: NewVisitor) -> None:
    """J and k move between posts, a and z vote, s saves, h hides, c opens the comments, g h leads home."""
    page = person().open("/?sort=new")
    press = page.keyboard.press
    posts = page.locator(".post")
    press("j")
    expect(posts.nth(0)).to_be_focused()
    press("j")
    press("j")
    expect(posts.nth(2)).to_be_focused()
    press("k")
    here = posts.nth(1)
    expect(here).to_be_focused()
    press("a")
    expect(here.locator(".up")).to_have_attribute("aria-pressed", "true")
    expect(here.locator(".up")).not_to_have_attribute("aria-busy", "true")
    press("z")
    expect(here.locator(".down")).to_have_attribute("aria-pressed", "true")
    press("s")
    expect(here.locator(".save")).to_have_text("Unsave")
    press("h")
    expect(here.locator(".hide")).to_have_text("Unhide")
    address = here.locator(".talk").get_attribute("href") or ""
    press("c")
    expect(page).to_have_url(re.compile(f"{address}$"))
    press("g")
    press("h")
    expect(page).to_have_url(re.compile(r"\d/$"))


def test_keys_move_through_a_thread(writer: Visitor) -> None:
    """In a thread the keys go from comment to comment, fold, vote and open a reply, which then takes the letters."""
    page = writer.page
    press = page.keyboard.press
    first, answer = comment(page, "The first comment."), comment(page, "An answer to it.")
    for _ in range(2):
        press("j")
    expect(first).to_be_focused()
    press("j")
    expect(answer).to_be_focused()
    press("k")
    press("a")
    expect(own(first, ".acts .up")).to_have_attribute("aria-pressed", "true")
    press("x")
    expect(answer).to_be_hidden()
    press("j")
    expect(comment(page, "The second comment.")).to_be_focused()
    press("k")
    press("x")
    expect(answer).to_be_visible()
    press("r")
    reply = first.get_by_label("Your reply")
    expect(reply).to_be_focused()
    page.keyboard.type("just a haze")
    expect(reply).to_have_value("just a haze")
    assert_stayed(page)


def test_keys_are_told_and_can_be_turned_off(visitor: NewVisitor) -> None:
    """The question mark tells all keys and the slash leads to the search; both stop once the keys are turned off."""
    page = visitor().open("/")
    dialog = page.get_by_role("dialog", name="Keyboard")
    page.keyboard.press("?")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Search")).to_be_focused()
    page.keyboard.type("? j")
    expect(dialog).to_be_hidden()
    page.get_by_role("link", name="Keyboard", exact=True).click()
    dialog.get_by_label("Use these keys").uncheck()
    dialog.get_by_role("button", name="Close").click()
    page.reload()
    page.keyboard.press("j")
    page.keyboard.press("?")
    expect(dialog).to_be_hidden()
    expect(page.locator(".post:focus")).to_have_count(0)


# times


def test_times_stay_true(visitor: NewVisitor, furnished: Furnished) -> None:
    """A page that stays open for hours still says how long ago things were."""
    reader = visitor()
    reader.page.clock.install()
    page = reader.open(furnished.at("/post/{post}"))
    time = page.locator(".post.whole time")
    before = time.inner_text()
    page.clock.run_for("02:00:00")
    assert before != "2 hours ago"
    expect(time).to_have_text("2 hours ago")
