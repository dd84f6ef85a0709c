"""What people find on the site after dumps of reddit were imported."""

import signal
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.importing.conftest import Site
from tests.importing.dumps import START, comment, submission, table_row, write_csv, write_json
from upthread.assembly import Services
from upthread.comment.model import ThreadNode, ThreadQuery
from upthread.importing import command
from upthread.importing.importer import Step
from upthread.post.model import Post

Shape = list["tuple[str, Shape]"]


async def posts_by_key(services: Services, *keys: str) -> list[Post]:
    """The imported posts with these ids of reddit, in this order."""
    ids = await services.post.imported([f"t3_{key}" for key in keys])
    return [await services.post.post(ids[f"t3_{key}"]) for key in keys if f"t3_{key}" in ids]


async def thread(services: Services, key: str) -> list[ThreadNode]:
    """The thread below an imported post, oldest first."""
    (post,) = await posts_by_key(services, key)
    return (await services.comment.thread(ThreadQuery(post_id=post.id, sort="old"))).nodes


def shape(nodes: Iterable[ThreadNode]) -> Shape:
    """A thread as nested texts, the last word of each comment only."""
    return [(text_of(node), shape(node.children)) for node in nodes]


def text_of(node: ThreadNode) -> str:
    """The last word of a comment, or its state if it is not live."""
    if node.comment.state != "live":
        return node.comment.state
    return node.comment.html.strip().removesuffix("</p>").split()[-1]


def test_posts_of_a_json_dump(site: Site, tmp_path: Path) -> None:
    """A post keeps its community, author, time, votes, flair and marks."""
    told = submission(
        "p1", title="Tips &amp; tricks", link_flair_text="Guide", over_18=True, locked=True, edited=START + 5.0
    )
    path = write_json(tmp_path / "RS", told, submission("p2", is_self=True, selftext="1 &lt; 2", author="[deleted]"))
    result = site.run(path)
    assert (result.exit_code, result.stderr) == (0, "")
    first, second = site.look(lambda services: posts_by_key(services, "p1", "p2"))
    assert (first.community, first.title, first.url) == ("Python", "Tips & tricks", "http://example.org/p1")
    assert (first.author.name, first.created_at, first.edited_at) == ("ada", START, START + 5)
    assert (first.ups, first.downs, first.flair, first.nsfw, first.locked) == (12, 0, "Guide", True, True)
    assert (second.author.id, second.url, second.html) == (0, "", "<p>1 &lt; 2</p>\n")
    person = site.look(lambda services: services.account.person("ada"))
    assert (person.id, person.post_karma) == (first.author.id, 12)


def test_posts_of_a_table(site: Site, tmp_path: Path) -> None:
    """A post of a table keeps its ups and downs, and a score that shows nothing below zero stays as it was shown."""
    path = write_csv(tmp_path / "any.csv", table_row("p1"), table_row("p2", score=0, ups=2, downs=9))
    assert site.run(path).exit_code == 0
    first, second = site.look(lambda services: posts_by_key(services, "p1", "p2"))
    assert (first.community, first.ups, first.downs, first.score) == ("Cooking", 15, 3, 12)
    assert (second.ups, second.score) == (2, 0)


def test_threads_keep_their_shape(site: Site, tmp_path: Path) -> None:
    """Comments hang where they hung, though the files come in the wrong order and replies before what they answer."""
    replies = write_json(
        tmp_path / "RC",
        comment("c4", "p1", "c2", created_utc=START + 90),
        comment("c3", "p1", "c2", created_utc=START + 80, score=-4),
        comment("c2", "p1", "c1", created_utc=START + 70),
        comment("c1", "p1"),
        comment("c5", "p1", created_utc=str(START + 99)),
    )
    result = site.run(replies, write_json(tmp_path / "RS", submission("p1")))
    assert "Comments: 5 new, 0 already here, 0 skipped." in result.stdout
    nodes = site.look(lambda services: thread(services, "p1"))
    assert shape(nodes) == [("c1", [("c2", [("c3", []), ("c4", [])])]), ("c5", [])]
    third = nodes[0].children[0].children[0].comment
    assert (third.author.name, third.created_at, third.ups, third.downs) == ("bob", START + 80, 0, 4)
    (post,) = site.look(lambda services: posts_by_key(services, "p1"))
    assert post.comments == 5


def test_replies_in_a_later_batch_and_file(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole thread told backwards, over many batches and two files, comes out the right way round."""
    monkeypatch.setattr("upthread.importing.dump.BATCH", 3)
    monkeypatch.setattr("upthread.importing.held.BATCH", 3)
    chain = [comment(f"c{n}", "p1", f"c{n - 1}" if n else None, created_utc=START + 60 + n) for n in range(20)]
    later = write_json(tmp_path / "later", *reversed(chain[10:]))
    earlier = write_json(tmp_path / "earlier", *reversed(chain[:10]))
    result = site.run(later, earlier, write_json(tmp_path / "RS", submission("p1")))
    assert (result.exit_code, result.stderr) == (0, "")
    assert "Comments: 20 new" in result.stdout
    (post,) = site.look(lambda services: posts_by_key(services, "p1"))
    newest = site.look(lambda services: services.comment.newest(post.id, limit=1)).comments[0]
    assert newest.depth == 19


def test_threads_of_posts_imported_before(site: Site, tmp_path: Path) -> None:
    """Comments find posts, and comments to answer, that came with an earlier run."""
    site.run(write_json(tmp_path / "RS", submission("p1")), write_json(tmp_path / "RC", comment("c1", "p1")))
    result = site.run(write_json(tmp_path / "RC2", comment("c2", "p1", "c1")))
    assert result.exit_code == 0
    assert shape(site.look(lambda services: thread(services, "p1"))) == [("c1", [("c2", [])])]


def test_running_it_again_changes_nothing(site: Site, tmp_path: Path) -> None:
    """The same files once more, and each thing in them twice, add nothing."""
    posts = write_json(tmp_path / "RS", submission("p1", num_comments=9), submission("p1", title="Other"))
    comments = write_json(tmp_path / "RC", comment("c1", "p1"), comment("c1", "p1"), comment("c2", "p1", "gone"))
    site.run(posts, comments, "--comments", "5")
    before = site.look(lambda services: thread(services, "p1"))
    result = site.run(posts, comments, "--comments", "5")
    assert "Posts: 0 new, 2 already here, 0 skipped." in result.stdout
    assert "Comments: 0 new, 8 already here, 0 skipped." in result.stdout
    assert site.look(lambda services: thread(services, "p1")) == before


def test_what_was_deleted_keeps_its_place(site: Site, tmp_path: Path) -> None:
    """A deleted post is not shown in feeds, and a deleted comment stands in its thread without text and author."""
    site.run(
        write_json(tmp_path / "RS", submission("p1"), submission("p2", selftext="[removed]", is_self=True)),
        write_json(
            tmp_path / "RC", comment("c1", "p1", body="[deleted]", author="[deleted]"), comment("c2", "p1", "c1")
        ),
    )
    _, second = site.look(lambda services: posts_by_key(services, "p1", "p2"))
    assert (second.state, second.html) == ("removed", "")
    assert shape(site.look(lambda services: thread(services, "p1"))) == [("deleted", [("c2", [])])]


def test_missing_comments_get_a_stand_in(site: Site, tmp_path: Path) -> None:
    """Replies to a comment that is in no file stay together below a deleted one, and it is said how many those are."""
    result = site.run(
        write_json(tmp_path / "RS", submission("p1")),
        write_json(tmp_path / "RC", comment("c3", "p1", "c2"), comment("c2", "p1", "c1"), comment("c4", "p1", "c1")),
    )
    assert result.exit_code == 0
    assert "Answered but in none of the files: 1 comments" in result.stdout
    expected: Shape = [("deleted", [("c2", [("c3", [])]), ("c4", [])])]
    assert shape(site.look(lambda services: thread(services, "p1"))) == expected


def test_comments_without_a_place_are_skipped(site: Site, tmp_path: Path) -> None:
    """Comments of unknown posts, of another thread than what they answer, or in a circle are named and skipped."""
    comments = write_json(
        tmp_path / "RC",
        comment("c1", "p1"),
        comment("c2", "p9"),
        comment("c3", "p2", "c1"),
        comment("c4", "p1", "c5"),
        comment("c5", "p1", "c4"),
    )
    result = site.run(write_json(tmp_path / "RS", submission("p1"), submission("p2")), comments)
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        f"{comments}:2: its post t3_p9 is neither here nor in the files",
        f"{comments}:3: it answers no comment of its own thread",
        f"{comments}:4: it answers no comment of its own thread",
        f"{comments}:5: it answers no comment of its own thread",
    ]
    assert "Comments: 1 new, 0 already here, 4 skipped." in result.stdout


def test_bad_lines_are_named_and_nothing_else_is_lost(site: Site, tmp_path: Path) -> None:
    """Bad lines are named by file and line, twenty of a file, all are counted, and the exit status tells."""
    lines = [line for n in range(30) for line in (submission(f"p{n}"), '{"id": "broken')]
    path = write_json(tmp_path / "RS", *lines)
    result = site.run(path)
    assert result.exit_code == 1
    assert "Posts: 30 new, 0 already here, 30 skipped." in result.stdout
    named = result.stderr.splitlines()
    assert named[0].startswith(f"{path}:2: ")
    assert [line.split(":")[1] for line in named[:20]] == [str(2 * n) for n in range(1, 21)]
    assert named[20:] == [f"{path}: more lines are bad; they are only counted from here on"]


@pytest.mark.parametrize(
    ("name", "reason"), [("missing", "can't be read"), (".", "can't be read"), ("text", "neither")]
)
def test_unreadable_files(site: Site, tmp_path: Path, name: str, reason: str) -> None:
    """A file that can't be imported is told in one line before anything is changed, good files beside it or not."""
    (tmp_path / "text").write_text("Dear diary,\n")
    result = site.run(write_json(tmp_path / "RS", submission("p1")), tmp_path / name)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: {tmp_path / name} ")
    assert reason in result.stderr
    assert result.stderr.count("\n") == 1
    assert not site.data.exists()


def test_odd_author_names(site: Site, tmp_path: Path) -> None:
    """What somebody with a name that we don't allow wrote is kept, without the name."""
    site.run(write_json(tmp_path / "RS", submission("p1", author="x"), submission("p2", author="A_Lovelace")))
    first, second = site.look(lambda services: posts_by_key(services, "p1", "p2"))
    assert (first.author.id, second.author.name) == (0, "A_Lovelace")


def test_stopping_and_going_on(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends between batches and says how far it came; the same command once more does the rest."""
    monkeypatch.setattr("upthread.importing.dump.BATCH", 10)
    path = write_json(tmp_path / "RS", *(submission(f"p{n}") for n in range(100)))
    take = command.Report.take

    def interrupted(report: command.Report, step: Step) -> None:
        take(report, step)
        signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patched:
        patched.setattr(command.Report, "take", interrupted)
        result = site.run(path)
    assert result.exit_code == 130
    place = int(result.stderr.split(f"Stopped at {path}:")[1].split(".")[0])
    assert f"Posts: {place} new" in result.stdout
    assert place < 100
    result = site.run(path)
    assert result.exit_code == 0
    assert f"Posts: {100 - place} new, {place} already here, 0 skipped." in result.stdout


def test_made_up_threads(site: Site, tmp_path: Path) -> None:
    """Each post gets as many comments as it had, up to the limit, later than itself, with texts of other posts."""
    path = write_json(
        tmp_path / "RS",
        submission("p1", num_comments=4, is_self=True, selftext="The first text of all."),
        submission("p2", num_comments=300, is_self=True, selftext="The second text of all."),
        submission("p3", num_comments=0),
    )
    result = site.run(path, "--comments", "40")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "Comments: 44 new" in result.stdout
    first, second, third = site.look(lambda services: posts_by_key(services, "p1", "p2", "p3"))
    assert (first.comments, second.comments, third.comments) == (4, 40, 0)
    page = site.look(lambda services: services.comment.newest(second.id, limit=40))
    assert {found.html for found in page.comments} == {"<p>The first text of all.</p>\n"}
    assert all(found.created_at > START and found.author.id and found.ups > 0 for found in page.comments)
    assert max(found.depth for found in page.comments) > 0


def test_made_up_threads_grow(site: Site, tmp_path: Path) -> None:
    """A larger limit goes on where a smaller one ended, as if it had been the larger one at once."""
    path = write_json(tmp_path / "RS", submission("p1", num_comments=60), submission("p2"))
    other = Site(tmp_path / "other")
    site.run(path, "--comments", "10")
    site.run(path, "--comments", "50")
    other.run(path, "--comments", "50")
    grown, at_once = (shape(each.look(lambda services: thread(services, "p1"))) for each in (site, other))
    assert grown == at_once
