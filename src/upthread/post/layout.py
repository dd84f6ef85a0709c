"""The post room's SQLite file: tables, indexes, and why each is there."""

from upthread.storage.outbox import SQLITE_TABLE as OUTBOX_TABLE
from upthread.storage.outbox import SQLITE_TIMES as OUTBOX_TIMES
from upthread.storage.sqlite import Layout

_COMMUNITIES = """
CREATE TABLE community (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tie INTEGER GENERATED ALWAYS AS (id) VIRTUAL,
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    subscribers INTEGER NOT NULL DEFAULT 0,
    posts INTEGER NOT NULL DEFAULT 0,
    activity REAL NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX community_by_subscribers ON community (subscribers, tie);
CREATE INDEX community_by_activity ON community (activity, tie);

-- Apart, because every post and comment rewrites its community's row.
CREATE TABLE community_text (
    community_id INTEGER PRIMARY KEY REFERENCES community,
    description TEXT NOT NULL,
    description_html TEXT NOT NULL,
    rules TEXT NOT NULL,
    rules_html TEXT NOT NULL
) STRICT;
CREATE VIRTUAL TABLE community_search USING fts5 (
    name, title, description, tokenize = 'unicode61 remove_diacritics 2'
);

CREATE TABLE moderator (
    community_id INTEGER NOT NULL REFERENCES community,
    person_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (community_id, person_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX moderator_by_person ON moderator (person_id);

CREATE TABLE subscription (
    person_id INTEGER NOT NULL,
    community_id INTEGER NOT NULL REFERENCES community,
    PRIMARY KEY (person_id, community_id)
) STRICT, WITHOUT ROWID;
"""

_POSTS = """
-- What feeds show and are ordered by. AUTOINCREMENT: the id of a post is never given to another.
-- `tie` repeats the id because SQLite seeks to (key, id) in an index only if id is a column of its own there; with the
-- row id it would walk through all the posts of equal key, and thousands of posts share a score.
CREATE TABLE post (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tie INTEGER GENERATED ALWAYS AS (id) VIRTUAL,
    community_id INTEGER NOT NULL REFERENCES community,
    title TEXT NOT NULL,
    url TEXT NOT NULL,
    domain TEXT NOT NULL,
    link_key INTEGER,
    author_id INTEGER NOT NULL,
    author_name TEXT NOT NULL,
    author_email TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    day INTEGER NOT NULL,
    edited_at INTEGER,
    ups INTEGER NOT NULL,
    downs INTEGER NOT NULL,
    score INTEGER NOT NULL,
    hot REAL NOT NULL,
    active REAL NOT NULL,
    controversy REAL NOT NULL,
    comments INTEGER NOT NULL DEFAULT 0,
    last_comment_at INTEGER NOT NULL DEFAULT 0,
    thread_revision INTEGER NOT NULL DEFAULT 0,
    told_revision INTEGER NOT NULL DEFAULT 0,
    flair TEXT NOT NULL,
    nsfw INTEGER NOT NULL,
    locked INTEGER NOT NULL,
    has_text INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'live' CHECK (state IN ('live', 'deleted', 'removed')),
    revisions INTEGER NOT NULL DEFAULT 1,
    import_key TEXT
) STRICT;

-- One index for each order of the whole site and of one community. They name live posts only, so a feed never reads
-- past deleted ones.
CREATE INDEX post_by_hot ON post (hot, tie) WHERE state = 'live';
CREATE INDEX post_by_active ON post (active, tie) WHERE state = 'live';
CREATE INDEX post_by_created_at ON post (created_at, tie) WHERE state = 'live';
CREATE INDEX post_by_score ON post (score, tie) WHERE state = 'live';
CREATE INDEX post_by_controversy ON post (controversy, tie) WHERE state = 'live' AND controversy > 0;
CREATE INDEX post_by_community_hot ON post (community_id, hot, tie) WHERE state = 'live';
CREATE INDEX post_by_community_active ON post (community_id, active, tie) WHERE state = 'live';
CREATE INDEX post_by_community_created_at ON post (community_id, created_at, tie) WHERE state = 'live';
CREATE INDEX post_by_community_score ON post (community_id, score, tie) WHERE state = 'live';
CREATE INDEX post_by_community_controversy ON post (community_id, controversy, tie)
    WHERE state = 'live' AND controversy > 0;

-- "Top of" a time: the best of each UTC day, merged. With `created_at` the exact start is found in the index itself.
CREATE INDEX post_by_day_score ON post (day, score, tie, created_at) WHERE state = 'live';
CREATE INDEX post_by_community_day_score ON post (community_id, day, score, tie, created_at) WHERE state = 'live';

CREATE INDEX post_by_author_created_at ON post (author_id, created_at, tie) WHERE state = 'live';
CREATE INDEX post_by_domain_created_at ON post (domain, created_at, tie) WHERE state = 'live' AND domain > '';
CREATE INDEX post_by_link ON post (community_id, link_key, created_at) WHERE state = 'live' AND link_key IS NOT NULL;
CREATE UNIQUE INDEX post_by_import_key ON post (import_key) WHERE import_key IS NOT NULL;

CREATE TABLE post_text (
    post_id INTEGER PRIMARY KEY REFERENCES post,
    html TEXT NOT NULL
) STRICT;

-- The newest revision is the source of what is shown.
CREATE TABLE post_revision (
    post_id INTEGER NOT NULL REFERENCES post,
    number INTEGER NOT NULL,
    title TEXT NOT NULL,
    text TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (post_id, number)
) STRICT;

-- Community, author and domain are words of the index, so `author:` costs an intersection and not a scan.
CREATE VIRTUAL TABLE post_search USING fts5 (
    title, text, community, author, domain, tokenize = 'unicode61 remove_diacritics 2'
);
"""

_MARKS = """
-- By post first: votes come in bursts on the same posts, whose rows then share pages.
CREATE TABLE post_vote (
    post_id INTEGER NOT NULL REFERENCES post,
    voter_id INTEGER NOT NULL,
    vote INTEGER NOT NULL CHECK (vote IN (-1, 1)),
    PRIMARY KEY (post_id, voter_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE saved_post (
    person_id INTEGER NOT NULL,
    post_id INTEGER NOT NULL REFERENCES post,
    marked_at INTEGER NOT NULL,
    PRIMARY KEY (person_id, post_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX saved_post_by_time ON saved_post (person_id, marked_at, post_id);

CREATE TABLE hidden_post (
    person_id INTEGER NOT NULL,
    post_id INTEGER NOT NULL REFERENCES post,
    marked_at INTEGER NOT NULL,
    PRIMARY KEY (person_id, post_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX hidden_post_by_time ON hidden_post (person_id, marked_at, post_id);

CREATE TABLE author_karma (
    author_id INTEGER PRIMARY KEY,
    karma INTEGER NOT NULL,
    revision INTEGER NOT NULL
) STRICT;
"""

_SENT_TIMES = """
-- Only where a post came by the original's contract, which gives times back as they were sent.
ALTER TABLE post ADD COLUMN sent_created_at TEXT;
"""

LAYOUT = Layout(
    name="post",
    application_id=0x7570506F,  # "upPo"
    migrations=(_COMMUNITIES + _POSTS + _MARKS + OUTBOX_TABLE, _SENT_TIMES, OUTBOX_TIMES),
)
"""What the post room keeps in its file."""
