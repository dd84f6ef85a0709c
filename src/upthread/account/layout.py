"""What the account service keeps in its SQLite file."""

from upthread.storage import outbox
from upthread.storage.sqlite import Layout

TABLES = """
CREATE TABLE person (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL UNIQUE,
    password_hash TEXT,
    created_at INTEGER NOT NULL,
    is_admin INTEGER NOT NULL DEFAULT 0,
    bio TEXT NOT NULL DEFAULT '',
    bio_html TEXT NOT NULL DEFAULT '',
    settings TEXT NOT NULL DEFAULT '{}',
    deleted_at INTEGER
) STRICT;

CREATE TABLE karma (
    person_id INTEGER NOT NULL REFERENCES person (id),
    source TEXT NOT NULL,
    karma INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (person_id, source)
) STRICT, WITHOUT ROWID;

CREATE VIEW profile AS
SELECT
    person.*,
    coalesce((SELECT karma FROM karma WHERE person_id = person.id AND source = 'post'), 0) AS post_karma,
    coalesce((SELECT karma FROM karma WHERE person_id = person.id AND source = 'comment'), 0) AS comment_karma
FROM person;

-- The words of each bio, with the person's id as rowid. A copy, because bios are short and few people have one.
CREATE VIRTUAL TABLE bio_words USING fts5 (bio, tokenize = 'unicode61 remove_diacritics 2');

CREATE TABLE session (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    token_hash BLOB NOT NULL UNIQUE,
    person_id INTEGER NOT NULL REFERENCES person (id),
    created_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ip TEXT NOT NULL,
    user_agent TEXT NOT NULL
) STRICT;
CREATE INDEX session_of_person ON session (person_id, last_seen_at);
CREATE INDEX session_expiry ON session (expires_at);

CREATE TABLE attempt (
    key BLOB PRIMARY KEY,
    times TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX attempt_expiry ON attempt (expires_at);

-- comment_id is 0 for a mention in a post: NULLs would all differ, and the UNIQUE would not hold.
CREATE TABLE notice (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    person_id INTEGER NOT NULL REFERENCES person (id),
    kind TEXT NOT NULL,
    author_id INTEGER NOT NULL,
    author_name TEXT NOT NULL,
    post_id INTEGER NOT NULL,
    comment_id INTEGER NOT NULL,
    title TEXT NOT NULL,
    community TEXT NOT NULL,
    excerpt TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    is_read INTEGER NOT NULL DEFAULT 0,
    UNIQUE (person_id, post_id, comment_id)
) STRICT;
CREATE INDEX notice_inbox ON notice (person_id, created_at, id);
CREATE INDEX notice_unread ON notice (person_id, created_at, id) WHERE NOT is_read;
CREATE INDEX notice_author ON notice (author_id);
"""

LAYOUT = Layout(
    name="account", application_id=0x75704163, migrations=(outbox.SQLITE_TABLE + TABLES, outbox.SQLITE_TIMES)
)
