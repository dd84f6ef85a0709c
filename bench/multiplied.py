"""A small post file made large: its posts again and again with other ids, times and votes, directly in SQL.

A copy has the title, text, link and comment count of its original. Its time is one of the last two years, so that more
posts mean more posts a day. Its community is the original's or a twin of that, because there have to be more than 200.
Ranks are those of :mod:`upthread.ranking`. Every post's text ends in a word that it shares with 19 others, whatever the
size of the site, so that a search for a rare word has the same hits to show.
"""

# ruff: noqa: S608 - what is put into the statements are names and numbers from this file

from contextlib import closing
from pathlib import Path

import apsw

from upthread import ranking
from upthread.databases import file_in
from upthread.post.layout import LAYOUT
from upthread.storage.sqlite import prepare

SPAN = 2 * 365 * ranking.DAY
COMMUNITIES = 240
FOLLOWED = 200
VOTED = 300
"""Posts at the top of the hot order that the reader has voted on."""
AUTHORS = 400
"""People who wrote the posts: those whom the importer made up, by id."""
SHARING = 20
SHUFFLE = 7919
"""A prime: by steps of this the originals, which come community by community, are taken each once and mixed."""
READER = "(SELECT id FROM accounts.person WHERE name = 'bench_reader')"


def rare_word(post_id: int, posts: int) -> str:
    """The word that this post shares with 19 others."""
    return f"zq{post_id % (posts // SHARING)}x"


def make(base: Path, folder: Path, posts: int, now: int) -> None:
    """Make the folder's post file, of this many posts; the account file is there already."""
    file = file_in(folder, "post")
    prepare(file, LAYOUT)
    with closing(apsw.Connection(str(file))) as connection:
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-400000", "locking_mode=EXCLUSIVE"):
            connection.execute(f"PRAGMA {pragma}")
        for name in ("hot", "active", "controversy", "community_activity"):
            connection.create_scalar_function(name, getattr(ranking, name), -1, deterministic=True)
        connection.execute("ATTACH ? AS base", (str(base),))
        connection.execute("ATTACH ? AS accounts", (str(file_in(folder, "account")),))
        indexes = _without_indexes(connection)
        connection.execute("BEGIN")
        _copy_posts(connection, posts, now, *_copy_communities(connection))
        for index in indexes:
            connection.execute(index)
        _finish(connection, posts)
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode=WAL")


def _without_indexes(connection: apsw.Connection) -> list[str]:
    """Drop the indexes of posts, to be made again when all rows are there, which takes a tenth of the time."""
    found = list(
        connection.execute(
            "SELECT name, sql FROM main.sqlite_schema WHERE type = 'index' AND tbl_name = 'post' AND sql IS NOT NULL"
        )
    )
    for name, _ in found:
        connection.execute(f"DROP INDEX {name}")
    return [sql for _, sql in found]


def _copy_communities(connection: apsw.Connection) -> tuple[int, int]:
    """Communities, each with its twins: how many there were, and how many there are of each."""
    there = connection.execute("SELECT max(id) FROM base.community").get
    twins = -(-COMMUNITIES // there)
    for twin in range(twins):
        ending = f"_{twin}" if twin else ""
        connection.execute(
            f"""
            INSERT INTO community (id, name, name_folded, title, created_at)
            SELECT id + {twin * there}, substr(name, 1, 26) || '{ending}', substr(name_folded, 1, 26) || '{ending}',
                title, created_at FROM base.community
            """
        )
        connection.execute(
            f"INSERT INTO community_text SELECT community_id + {twin * there}, description, description_html, rules,"
            " rules_html FROM base.community_text"
        )
    return there, twins


def _copy_posts(connection: apsw.Connection, posts: int, now: int, communities: int, twins: int) -> None:
    """All posts, with their texts and what they are found by."""
    connection.execute(
        f"""
        CREATE TEMP TABLE original AS SELECT row_number() OVER (ORDER BY id) - 1 AS place, * FROM base.post
        WHERE state = 'live' AND id <= {posts}
        """
    )
    connection.execute("CREATE UNIQUE INDEX temp.original_place ON original (place)")
    originals = connection.execute("SELECT count(*) FROM original").get
    connection.execute(
        f"""
        CREATE TEMP VIEW copy AS
        WITH RECURSIVE number (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n < {posts} - 1)
        SELECT n, n / {originals} AS turn, (n * 7919 + 13) % 1009 / 1009.0 AS chance, original.*
        FROM number CROSS JOIN original ON place = n * {SHUFFLE} % {originals}
        """
    )
    # The first turn keeps the originals' ids, because the threads are kept under these.
    new_id = f"iif(turn = 0, copy.id, (SELECT max(id) FROM original) + n - {originals} + 1)"
    created_at = f"{now} - {SPAN} + CAST((n + chance) * {SPAN / posts} AS INTEGER)"
    connection.execute(
        f"""
        INSERT INTO post (id, community_id, title, url, domain, link_key, author_id, author_name, author_email,
            created_at, day, ups, downs, score, hot, active, controversy, comments, last_comment_at, flair, nsfw,
            locked, has_text, import_key)
        SELECT post_id, community_id + turn * (1 + place) % {twins} * {communities}, title, url, domain, link_key,
            author, (SELECT name FROM accounts.person WHERE person.id = author), '', at,
            at / 86400, up, down, up - down, hot(up - down, at), active(up - down, at, last), controversy(up, down),
            comments, last, flair, nsfw, locked, has_text, import_key || '_' || turn
        FROM (
            SELECT *, {new_id} AS post_id, {created_at} AS at, 1 + n * 31 % {AUTHORS} AS author,
                CAST(ups * (0.05 + chance) AS INTEGER) + 1 AS up, CAST(downs * (0.05 + chance) AS INTEGER) AS down,
                iif(comments, min({created_at} + CAST(chance * 172800 AS INTEGER), {now}), 0) AS last
            FROM copy
        )
        """
    )
    word = f"' zq' || (made.post_id % {posts // SHARING}) || 'x'"
    connection.execute(f"CREATE TEMP TABLE made AS SELECT {new_id} AS post_id, id AS original_id, turn FROM copy")
    connection.execute(
        "INSERT INTO post_text SELECT made.post_id, html FROM made"
        " CROSS JOIN base.post_text ON post_text.post_id = original_id"
    )
    connection.execute(
        f"""
        INSERT INTO post_revision SELECT made.post_id, 1, title, text || {word}, created_at
        FROM made CROSS JOIN base.post_revision AS revision ON revision.post_id = original_id AND number = 1
        """
    )
    connection.execute(
        f"""
        INSERT INTO post_search (rowid, title, text, community, author, domain)
        SELECT made.post_id, words.title, words.text || {word},
            (SELECT name FROM main.community AS home WHERE home.id = post.community_id), author_name, post.domain
        FROM made CROSS JOIN base.post_search AS words ON words.rowid = original_id
            CROSS JOIN main.post ON post.id = made.post_id
        """
    )


def _finish(connection: apsw.Connection, posts: int) -> None:
    """Counts of communities, and what the reader has done."""
    connection.execute(
        """
        UPDATE main.community SET (posts, activity) = (
            SELECT count(*), community_activity(0, max(created_at), max(count(*), 1))
            FROM main.post INDEXED BY post_by_community_created_at
            WHERE community_id = community.id AND state = 'live'
        ) WHERE id IN (SELECT community_id FROM main.post)
        """
    )
    connection.execute(
        f"INSERT INTO subscription SELECT {READER}, id FROM main.community ORDER BY posts DESC LIMIT {FOLLOWED}"
    )
    connection.execute("UPDATE main.community SET subscribers = 1 WHERE id IN (SELECT community_id FROM subscription)")
    connection.execute(
        f"""
        INSERT INTO post_vote SELECT id, {READER}, 1 FROM main.post INDEXED BY post_by_hot
        WHERE state = 'live' ORDER BY hot DESC, tie DESC LIMIT {VOTED}
        """
    )
    made = connection.execute("SELECT count(*) FROM main.post").get
    if made != posts:
        raise RuntimeError(f"{made} posts were made instead of {posts}")
