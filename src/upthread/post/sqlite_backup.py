"""The post room's SQLite file as records of a backup, and back."""

from collections.abc import Iterator, Sequence

import apsw
from msgspec.structs import asdict

from upthread import links
from upthread.post.names import folded
from upthread.post.records import (
    CommunityRecord,
    PostKarma,
    PostKey,
    PostMarked,
    PostRecord,
    PostRoomRecord,
    PostVote,
    Subscription,
)
from upthread.post.sqlite_posts import MARK_TABLES
from upthread.post.sqlite_search import index_community, index_post
from upthread.ranking import utc_day
from upthread.storage.records import Counter, WaitingFact
from upthread.storage.sqlite_records import add, add_facts, read, read_counters, read_facts, set_counters

COMMUNITIES = """
SELECT id, name, title, description, rules, created_at, subscribers, posts, activity,
    (SELECT json_group_array(json_object('id', person_id, 'name', name))
     FROM (SELECT * FROM moderator WHERE community_id = id ORDER BY person_id)) AS moderators
FROM community JOIN community_text ON community_id = id ORDER BY id
"""
POSTS = """
SELECT id, community_id, url, author_id, author_name, author_email, created_at, sent_created_at, edited_at, ups, downs,
    comments, last_comment_at, thread_revision, told_revision, flair, nsfw, locked, state,
    (SELECT json_group_array(json_object('number', number, 'title', title, 'text', text, 'created_at', created_at))
     FROM (SELECT * FROM post_revision WHERE post_id = id ORDER BY number)) AS versions
FROM post ORDER BY id
"""
KEYS = "SELECT import_key AS key, id AS post_id FROM post WHERE import_key IS NOT NULL ORDER BY import_key"
VOTES = "SELECT post_id, voter_id, vote FROM post_vote ORDER BY post_id, voter_id"
MARKED = "SELECT '{mark}' AS mark, person_id, post_id, marked_at FROM {table} ORDER BY person_id, post_id"
SUBSCRIPTIONS = "SELECT person_id, community_id FROM subscription ORDER BY person_id, community_id"
KARMA = "SELECT author_id, karma, revision FROM author_karma ORDER BY author_id"


def read_all(connection: apsw.Connection) -> Iterator[PostRoomRecord]:
    """Everything that the room keeps."""
    yield from read(connection, CommunityRecord, COMMUNITIES)
    yield from read(connection, PostRecord, POSTS)
    yield from read(connection, PostKey, KEYS)
    yield from read(connection, PostVote, VOTES)
    for mark, table in MARK_TABLES.items():
        yield from read(connection, PostMarked, MARKED.format(mark=mark, table=table))
    yield from read(connection, Subscription, SUBSCRIPTIONS)
    yield from read(connection, PostKarma, KARMA)
    yield from read_facts(connection)
    yield from read_counters(connection)


def add_all(connection: apsw.Connection, records: Sequence[PostRoomRecord]) -> None:
    """Add records to a file that had none, in the order in which they were read."""
    _add_communities(connection, [record for record in records if isinstance(record, CommunityRecord)])
    _add_posts(connection, [record for record in records if isinstance(record, PostRecord)])
    keys = [asdict(record) for record in records if isinstance(record, PostKey)]
    connection.executemany("UPDATE post SET import_key = :key WHERE id = :post_id", keys)
    add(connection, "post_vote", [asdict(record) for record in records if isinstance(record, PostVote)])
    for mark, table in MARK_TABLES.items():
        marked = [record for record in records if isinstance(record, PostMarked) and record.mark == mark]
        add(
            connection,
            table,
            [{"person_id": each.person_id, "post_id": each.post_id, "marked_at": each.marked_at} for each in marked],
        )
    add(connection, "subscription", [asdict(record) for record in records if isinstance(record, Subscription)])
    add(connection, "author_karma", [asdict(record) for record in records if isinstance(record, PostKarma)])
    add_facts(connection, [record for record in records if isinstance(record, WaitingFact)])
    set_counters(connection, [record for record in records if isinstance(record, Counter)])


def _add_communities(connection: apsw.Connection, communities: Sequence[CommunityRecord]) -> None:
    for community in communities:
        texts = community.texts()
        columns = ("id", "name", "title", "created_at", "subscribers", "posts", "activity")
        row = {name: getattr(community, name) for name in columns}
        add(connection, "community", [{**row, "name_folded": folded(community.name)}])
        said = {name: text for name, text in asdict(texts).items() if name != "title"}
        add(connection, "community_text", [{"community_id": community.id, **said}])
        moderators = [
            {"community_id": community.id, "person_id": each.id, "name": each.name} for each in community.moderators
        ]
        add(connection, "moderator", moderators)
        index_community(connection, community.id, community.name, texts)


def _add_posts(connection: apsw.Connection, posts: Sequence[PostRecord]) -> None:
    if not posts:
        return
    written = [(post, post.writing()) for post in posts]
    add(
        connection,
        "post",
        [
            {
                **{name: value for name, value in asdict(post).items() if name != "versions"},
                **post.ranks._asdict(),
                "title": writing.title,
                "domain": links.domain(post.url),
                "link_key": links.key(post.url),
                "day": utc_day(post.created_at),
                "has_text": bool(writing.html),
                "revisions": post.revisions,
            }
            for post, writing in written
        ],
    )
    add(connection, "post_text", [{"post_id": post.id, "html": said.html} for post, said in written if said.html])
    versions = [{"post_id": post.id, **asdict(version)} for post in posts for version in post.versions]
    add(connection, "post_revision", versions)
    communities = dict(connection.execute("SELECT id, name FROM community"))
    # At the end, because SQLite writes the search index out whenever another table is written in between.
    for post, writing in written:
        if post.state == "live":
            community = communities[post.community_id]
            index_post(connection, post.id, writing, community, post.author_name, links.domain(post.url))
