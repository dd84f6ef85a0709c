"""Taking over comments from elsewhere, a batch in one write."""

from collections import Counter
from collections.abc import Iterable, Sequence

import apsw
import msgspec

from upthread.comment.model import ThreadRef
from upthread.comment.sqlite_comments import (
    TOP,
    Place,
    add_karma,
    grow_branches,
    grow_thread,
    insert_comment,
    keep_threads,
    place_below,
)
from upthread.comment.sqlite_search import index_comment
from upthread.comment.store import KeyedComment
from upthread.post.model import ImportedIds
from upthread.ranking import earns_karma


class _Known:
    """The comments with these keys that are there, and then those that are added."""

    def __init__(self, connection: apsw.Connection, keys: Iterable[str]) -> None:
        self.ids: dict[str, int] = {}
        self._places: dict[tuple[str, int], Place] = {}
        for key, comment_id, above, post_id in connection.execute(
            "SELECT import_key, comment.id, above, post_id FROM json_each(?)"
            " CROSS JOIN comment INDEXED BY comment_by_import_key ON import_key = value",
            (msgspec.json.encode(list(keys)).decode(),),
        ):
            self.ids[key] = comment_id
            self._places[key, post_id] = place_below(comment_id, above)

    def add(self, key: str, post_id: int, comment_id: int, place: Place) -> None:
        self.ids[key] = comment_id
        self._places[key, post_id] = place_below(comment_id, place.path)

    def place(self, parent_key: str | None, post_id: int) -> Place | None:
        """Where a reply hangs; None if its parent is not there, or in another thread."""
        return TOP if parent_key is None else self._places.get((parent_key, post_id))


def import_comments(
    connection: apsw.Connection, threads: Sequence[ThreadRef], comments: Sequence[KeyedComment]
) -> ImportedIds:
    """Add those whose key is not known and whose parent and thread are; karma and counts are told once each."""
    communities = _communities(connection, threads, {comment.new.post_id for comment in comments})
    known = _Known(connection, {key for comment in comments for key in (comment.key, comment.parent_key) if key})
    added = 0
    grown: dict[int, list[KeyedComment]] = {}
    replies: Counter[int] = Counter()
    karma: Counter[int] = Counter()
    for comment in comments:
        new = comment.new
        place = known.place(comment.parent_key, new.post_id)
        if comment.key in known.ids or place is None or new.post_id not in communities:
            continue
        comment_id = insert_comment(connection, new, place, comment.key)
        known.add(comment.key, new.post_id, comment_id, place)
        added += 1
        grown.setdefault(new.post_id, []).append(comment)
        if place != TOP:
            replies[place.parent_id] += 1
        if earns_karma(new.author.id, voter_id=0):
            karma[new.author.id] += new.ups - new.downs
    grow_branches(connection, replies)
    for post_id, new_ones in grown.items():
        grow_thread(
            connection,
            post_id,
            comments=len(new_ones),
            roots=sum(1 for comment in new_ones if comment.parent_key is None),
            last_comment_at=max(comment.new.created_at for comment in new_ones),
        )
    for author_id, earned in karma.items():
        add_karma(connection, author_id, earned)
    # At the end, because SQLite writes the search index out whenever another table is written in between.
    for new_ones in grown.values():
        for comment in new_ones:
            new = comment.new
            if new.state == "live":
                community = communities[new.post_id]
                index_comment(connection, known.ids[comment.key], new.writing.plain, community, new.author.name)
    asked = {comment.key for comment in comments}
    return ImportedIds(ids={key: comment_id for key, comment_id in known.ids.items() if key in asked}, added=added)


def _communities(connection: apsw.Connection, threads: Sequence[ThreadRef], post_ids: set[int]) -> dict[int, str]:
    """The community of each thread that comments are for, as far as the threads are known."""
    keep_threads(connection, [thread for thread in threads if thread.post_id in post_ids])
    rows = connection.execute(
        "SELECT post_id, community FROM json_each(?) CROSS JOIN thread ON post_id = value",
        (msgspec.json.encode(list(post_ids)).decode(),),
    )
    return dict(rows)
