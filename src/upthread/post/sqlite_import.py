"""Taking over posts from elsewhere, a batch in one write."""

from collections import Counter
from collections.abc import Iterable, Mapping

import apsw
import msgspec

from upthread.account.model import Author
from upthread.post.model import ImportedIds
from upthread.post.names import folded
from upthread.post.sqlite_communities import add_community, add_posts
from upthread.post.sqlite_posts import add_karma, add_writings, post_columns
from upthread.post.sqlite_search import index_posts, search_row
from upthread.post.store import CommunityTexts, NewPost, Writing
from upthread.ranking import earns_karma
from upthread.storage.sqlite_records import add

IMPORTED = """
    SELECT import_key, post.id FROM json_each(?) CROSS JOIN post INDEXED BY post_by_import_key ON import_key = value
"""
"""The posts with these import keys, given as a JSON list."""


def import_posts(connection: apsw.Connection, posts: Mapping[str, NewPost]) -> ImportedIds:
    """Add posts from elsewhere whose key is not known, the communities they need, and their authors' karma."""
    ids = dict(connection.execute(IMPORTED, (msgspec.json.encode(list(posts)).decode(),)))
    # In order of time, so that a community is as old as its first post, and later posts have higher ids.
    fresh = sorted(((key, new) for key, new in posts.items() if key not in ids), key=lambda item: item[1].created_at)
    communities = _communities(connection, [new for _, new in fresh])
    added = {key: post_id for post_id, (key, _) in enumerate(fresh, _last_id(connection) + 1)}
    rows = [
        {
            "id": added[key],
            **post_columns(communities[folded(new.community)], new if new.state == "live" else _buried(new)),
            "state": new.state,
            "import_key": key,
        }
        for key, new in fresh
    ]
    add(connection, "post", rows)
    add_writings(connection, {added[key]: new for key, new in fresh if new.state == "live"})
    _count_imported(connection, communities, [new for _, new in fresh])
    # At the end, because SQLite writes the search index out whenever another table is written in between.
    index_posts(
        connection,
        (
            search_row(row["id"], new.writing, new.community, new.author.name, row["domain"])
            for row, (_, new) in zip(rows, fresh, strict=True)
            if new.state == "live"
        ),
    )
    return ImportedIds(ids=ids | added, added=len(added))


def _last_id(connection: apsw.Connection) -> int:
    """The highest id that a post ever had; nobody else takes the next ones while this write goes on."""
    last: int | None = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'post'").get
    return last or 0


def _communities(connection: apsw.Connection, posts: Iterable[NewPost]) -> dict[str, int]:
    """The ids of these posts' communities by folded name; those that are not there are added, as old as their first."""
    first: dict[str, NewPost] = {}
    for new in posts:
        first.setdefault(folded(new.community), new)
    ids: dict[str, int] = dict(
        connection.execute(
            "SELECT name_folded, community.id FROM json_each(?) CROSS JOIN community ON name_folded = value",
            (msgspec.json.encode(list(first)).decode(),),
        )
    )
    for name, new in first.items():
        if name not in ids:
            texts = CommunityTexts(title=new.community, description="", description_html="", rules="", rules_html="")
            add_community(connection, new.community, texts, new.created_at)
            ids[name] = connection.execute("SELECT id FROM community WHERE name_folded = ?", (name,)).get
    return ids


def _count_imported(connection: apsw.Connection, communities: Mapping[str, int], posts: Iterable[NewPost]) -> None:
    """Once for each community and author, however many posts they have here."""
    gained: dict[int, list[NewPost]] = {}
    earned: Counter[int] = Counter()
    for new in posts:
        gained.setdefault(communities[folded(new.community)], []).append(new)
        if earns_karma(new.author.id, voter_id=0):
            earned[new.author.id] += new.ups - new.downs
    for community_id, new_ones in gained.items():
        live = sum(new.state == "live" for new in new_ones)
        add_posts(connection, community_id, [new.created_at for new in new_ones], live)
    for author_id, karma in earned.items():
        add_karma(connection, author_id, karma)


def _buried(new: NewPost) -> NewPost:
    """What is kept of a post that was deleted before it came here."""
    nothing = Writing(title="", text="", html="", plain="")
    return msgspec.structs.replace(new, writing=nothing, url="", author=Author(0, ""), flair="", edited_at=None)
