"""The comment room's SQLite file: tables, indexes, and why each is there."""

from upthread.storage.outbox import SQLITE_TABLE as OUTBOX_TABLE
from upthread.storage.outbox import SQLITE_TIMES as OUTBOX_TIMES
from upthread.storage.sqlite import Layout

_COMMENTS = """
-- What is kept of a post from its first comment on. `roots` are the comments at the top.
CREATE TABLE thread (
    post_id INTEGER PRIMARY KEY,
    author_id INTEGER NOT NULL,
    title TEXT NOT NULL,
    community TEXT NOT NULL,
    comments INTEGER NOT NULL DEFAULT 0,
    roots INTEGER NOT NULL DEFAULT 0,
    last_comment_at INTEGER NOT NULL DEFAULT 0,
    revision INTEGER NOT NULL DEFAULT 0,
    post_revision INTEGER NOT NULL DEFAULT 0
) STRICT;

-- AUTOINCREMENT: the id of a comment is never given to another. `parent_id` is 0 at the top. `above` are the ids of all
-- comments above, from the top down, joined with dots.
-- `branch` says with one number what a comment hangs on, another comment or a post, so that one index finds replies and
-- tops alike. `tie` repeats the id because SQLite seeks to (key, id) in an index only if id is a column of its own
-- there; with the row id it would walk through all comments of equal key, and most of a thread have no votes.
CREATE TABLE comment (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tie INTEGER GENERATED ALWAYS AS (id) VIRTUAL,
    post_id INTEGER NOT NULL REFERENCES thread,
    parent_id INTEGER NOT NULL,
    branch INTEGER GENERATED ALWAYS AS (iif(parent_id = 0, -post_id, parent_id)) VIRTUAL,
    above TEXT NOT NULL,
    author_id INTEGER NOT NULL,
    author_name TEXT NOT NULL,
    author_email TEXT NOT NULL,
    html TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    edited_at INTEGER,
    ups INTEGER NOT NULL,
    downs INTEGER NOT NULL,
    score INTEGER GENERATED ALWAYS AS (ups - downs) VIRTUAL,
    best REAL NOT NULL,
    controversy REAL NOT NULL,
    replies INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'live' CHECK (state IN ('live', 'deleted', 'removed')),
    revisions INTEGER NOT NULL DEFAULT 1,
    import_key TEXT
) STRICT;

-- The replies of a comment in each order. Deleted ones are among them: they keep their place.
CREATE INDEX comment_by_best ON comment (branch, best, tie);
CREATE INDEX comment_by_score ON comment (branch, score, tie);
CREATE INDEX comment_by_created_at ON comment (branch, created_at, tie);
CREATE INDEX comment_by_controversy ON comment (branch, controversy, tie);

-- Flat lists: the newest of the site, of a post, of a person. Of guests and of nobody there is no list.
CREATE INDEX comment_by_time ON comment (created_at, tie) WHERE state = 'live';
CREATE INDEX comment_by_post_time ON comment (post_id, created_at, tie) WHERE state = 'live';
CREATE INDEX comment_by_author_time ON comment (author_id, created_at, tie) WHERE author_id > 0;
CREATE UNIQUE INDEX comment_by_import_key ON comment (import_key) WHERE import_key IS NOT NULL;

-- The newest revision is the source of what is shown.
CREATE TABLE comment_revision (
    comment_id INTEGER NOT NULL REFERENCES comment,
    number INTEGER NOT NULL,
    text TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (comment_id, number)
) STRICT;

-- Community and author are words of the index, so `author:` costs an intersection and not a scan.
CREATE VIRTUAL TABLE comment_search USING fts5 (text, community, author, tokenize = 'unicode61 remove_diacritics 2');
"""

_MARKS = """
-- By comment first: votes come in bursts on the same threads, whose rows then share pages.
CREATE TABLE comment_vote (
    comment_id INTEGER NOT NULL REFERENCES comment,
    voter_id INTEGER NOT NULL,
    vote INTEGER NOT NULL CHECK (vote IN (-1, 1)),
    PRIMARY KEY (comment_id, voter_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE saved_comment (
    person_id INTEGER NOT NULL,
    comment_id INTEGER NOT NULL REFERENCES comment,
    saved_at INTEGER NOT NULL,
    PRIMARY KEY (person_id, comment_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX saved_comment_by_time ON saved_comment (person_id, saved_at, comment_id);

CREATE TABLE author_karma (
    author_id INTEGER PRIMARY KEY,
    karma INTEGER NOT NULL,
    revision INTEGER NOT NULL
) STRICT;
"""

_SENT_TIMES = """
-- Only where a comment came by the original's contract, which gives times back as they were sent.
ALTER TABLE comment ADD COLUMN sent_created_at TEXT;
"""

LAYOUT = Layout(
    name="comment",
    application_id=0x75706331,  # "upc1"
    migrations=(_COMMENTS + _MARKS + OUTBOX_TABLE, _SENT_TIMES, OUTBOX_TIMES),
)
"""What the comment room keeps in its file."""
