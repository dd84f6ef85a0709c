"""What an import of posts costs in SQLite."""

from collections import Counter
from contextlib import closing
from pathlib import Path

import apsw

from upthread.account.model import Author
from upthread.post.layout import LAYOUT
from upthread.post.model import ImportedPost
from upthread.post.sqlite_import import import_posts
from upthread.post.writing import imported_posts
from upthread.storage.sqlite import connect, prepare


def statements(folder: Path, posts: int) -> Counter[str]:
    """How often which kind of statement is run, but for rows of posts, to import so many of one person and place."""
    file = folder / f"{posts}.sqlite3"
    prepare(file, LAYOUT)
    told = [
        ImportedPost(key=f"t3_{number}", community="gardens", title="A", author=Author(5, "eve"), created_at=number)
        for number in range(posts)
    ]
    run: Counter[str] = Counter()

    def note(_cursor: apsw.Cursor, statement: str, _parameters: object) -> bool:
        run[" ".join(statement.split()[:3])] += 1
        return True

    with closing(connect(file)) as connection:
        connection.exec_trace = note
        import_posts(connection, imported_posts(told))
    assert run.pop("INSERT INTO post") == run.pop("INSERT INTO post_revision") == posts
    return Counter({kind: times for kind, times in run.items() if "post_search" not in kind})


def test_communities_and_authors_are_written_once_for_a_batch(tmp_path: Path) -> None:
    """A batch of many posts in one community by one author updates both of them as often as a batch of one post."""
    assert statements(tmp_path, 50) == statements(tmp_path, 1)
