"""The tables, and how older databases become current ones.

A `content` is some bytes, named by their SHA-256; a `photo` is a path that points at a content. A score belongs
to the content, so a copy needs none of its own. Embeddings lie in a table apart: those of a CLIP model are more
than twice the size of the rest, and ranking must not page through them.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache, partial

from photod.store.keeping import BY_CONTENT, COUNTS_AND_HISTORY

_NO_NAMES = frozenset({"", ".", ".."})  # of no file: a path that begins with / has an empty first one, too
APPLICATION_ID = 0x70686F64  # "phod", in the file's header for `file` and for us

_V1 = """
CREATE TABLE tower (
    id          INTEGER PRIMARY KEY,
    key         TEXT NOT NULL UNIQUE              -- what an embedding depends on
);
CREATE TABLE model (
    id          INTEGER PRIMARY KEY,
    key         TEXT NOT NULL UNIQUE,             -- what a score depends on
    tower       INTEGER NOT NULL REFERENCES tower (id),
    description TEXT NOT NULL,                    -- the identity as JSON
    current     INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX model_current ON model (current) WHERE current = 1;

CREATE TABLE content (
    id          INTEGER PRIMARY KEY,
    sha256      TEXT NOT NULL UNIQUE,             -- lower-case hex
    width       INTEGER,                          -- upright, pixels
    height      INTEGER,
    taken_at    TEXT,                             -- the camera's local time, YYYY-MM-DD HH:MM:SS
    camera      TEXT,
    score       REAL,                             -- 0 to 10; NULL: could not be decoded
    model       INTEGER REFERENCES model (id),    -- which one gave the score
    scored_at   INTEGER,                          -- seconds since 1970, UTC
    CHECK ((score IS NULL) = (model IS NULL))
);
CREATE INDEX content_by_score ON content (model, score DESC);

CREATE TABLE embedding (
    content     INTEGER NOT NULL REFERENCES content (id) ON DELETE CASCADE,
    tower       INTEGER NOT NULL REFERENCES tower (id),
    vector      BLOB NOT NULL,                    -- little-endian float16, unit length
    UNIQUE (content, tower)
);

CREATE TABLE photo (
    id            INTEGER PRIMARY KEY,
    path          TEXT NOT NULL UNIQUE,           -- relative to the folder; a BLOB where the name is not UTF-8
    directory     TEXT NOT NULL,                  -- the path up to its last slash; '' at the top
    size          INTEGER NOT NULL,
    mtime_ns      INTEGER NOT NULL,
    ctime_ns      INTEGER NOT NULL,
    inode         INTEGER NOT NULL,
    sha256        TEXT NOT NULL REFERENCES content (sha256),
    state         TEXT NOT NULL CHECK (state IN ('scored', 'unscoreable')),
    reason        TEXT,                           -- why it is unscoreable
    first_seen_at INTEGER NOT NULL,               -- seconds since 1970, UTC
    committed_at  INTEGER NOT NULL,
    missing_since INTEGER,                        -- when a listing first lacked it; NULL: it is there
    CHECK ((state = 'unscoreable') = (reason IS NOT NULL))
);
CREATE INDEX photo_by_directory ON photo (directory);
CREATE INDEX photo_by_content ON photo (sha256);
CREATE INDEX photo_present ON photo (state) WHERE missing_since IS NULL;

CREATE TABLE folder (
    only        INTEGER PRIMARY KEY CHECK (only = 1),
    compared_at INTEGER                           -- coverage: when the whole folder was last compared, UTC
);
INSERT INTO folder (only) VALUES (1);

-- For people with the sqlite3 shell: scores of the current model, for photos that are there.
CREATE VIEW scores AS
    SELECT photo.path, content.score, photo.size, photo.mtime_ns / 1e9 AS mtime
    FROM photo JOIN content USING (sha256) JOIN model ON model.id = content.model
    WHERE photo.state = 'scored' AND photo.missing_since IS NULL AND model.current = 1;
"""

_V2 = """
-- When the row of a deleted photo may go: see tombstones.py.
ALTER TABLE folder ADD COLUMN confirmed_at INTEGER;   -- a whole comparison without any error, UTC
ALTER TABLE folder ADD COLUMN confirmed_on TEXT;      -- the identity of the filesystem it was made on
-- A file that moved is found again by its inode.
CREATE INDEX photo_by_inode ON photo (inode);
"""

_V3 = """
-- Contents that a device had when it failed, and that have no verdict yet.
CREATE TABLE suspect (
    sha256      TEXT PRIMARY KEY,
    failures    INTEGER NOT NULL                  -- in a row
) WITHOUT ROWID;
"""

# Photos that an earlier model scored are scored again newest first, a page of this index at a time.
_V4 = "CREATE INDEX photo_by_age ON photo (mtime_ns, id) WHERE missing_since IS NULL;"

KEPT_SINCE = 5  # the version from which on counts and history are kept

_V6 = """
-- An index of all photos that are there served only to find the few that are unscoreable.
DROP INDEX photo_present;
CREATE INDEX photo_unscoreable ON photo (state) WHERE state = 'unscoreable' AND missing_since IS NULL;
-- A content that is added after its photos comes with their number.
CREATE TRIGGER content_added AFTER INSERT ON content WHEN NEW.photos > 0 BEGIN
    UPDATE model SET photos = photos + NEW.photos WHERE id = NEW.model;
END;
"""

LINKED_SINCE = 7  # the version from which on photos name their content by its row

# By its row, which grows with the photos, instead of by its hash: what lies side by side is written side by side.
_V7 = f"""
CREATE TABLE linked_photo (
    id            INTEGER PRIMARY KEY,
    path          TEXT NOT NULL UNIQUE,           -- relative to the folder; a BLOB where the name is not UTF-8
    directory     TEXT NOT NULL,                  -- the path up to its last slash; '' at the top
    size          INTEGER NOT NULL,
    mtime_ns      INTEGER NOT NULL,
    ctime_ns      INTEGER NOT NULL,
    inode         INTEGER NOT NULL,
    content       INTEGER NOT NULL REFERENCES content (id),
    sha256        TEXT NOT NULL,                  -- the content's, for other programs
    state         TEXT NOT NULL CHECK (state IN ('scored', 'unscoreable')),
    reason        TEXT,                           -- why it is unscoreable
    first_seen_at INTEGER NOT NULL,               -- seconds since 1970, UTC
    committed_at  INTEGER NOT NULL,
    missing_since INTEGER,                        -- when a listing first lacked it; NULL: it is there
    CHECK ((state = 'unscoreable') = (reason IS NOT NULL))
);
INSERT INTO linked_photo
    SELECT photo.id, path, directory, size, mtime_ns, ctime_ns, inode, content.id, sha256, state, reason,
           first_seen_at, committed_at, missing_since
    FROM photo CROSS JOIN content USING (sha256) ORDER BY photo.id;
DROP VIEW scores;
DROP TABLE photo;
ALTER TABLE linked_photo RENAME TO photo;
CREATE INDEX photo_by_directory ON photo (directory);
CREATE INDEX photo_by_content ON photo (content);
CREATE INDEX photo_by_inode ON photo (inode);
CREATE INDEX photo_by_age ON photo (mtime_ns, id) WHERE missing_since IS NULL;
CREATE INDEX photo_missing ON photo (missing_since) WHERE missing_since IS NOT NULL;
CREATE INDEX photo_unscoreable ON photo (state) WHERE state = 'unscoreable' AND missing_since IS NULL;
{BY_CONTENT}
CREATE VIEW scores AS
    SELECT photo.path, content.score, photo.size, photo.mtime_ns / 1e9 AS mtime
    FROM photo JOIN content ON content.id = photo.content JOIN model ON model.id = content.model
    WHERE photo.state = 'scored' AND photo.missing_since IS NULL AND model.current = 1;
"""

_V8 = """
-- What was ever mounted inside the folder: while it is not there, its photos keep their rows. See tombstones.py.
CREATE TABLE mounted (
    path        TEXT NOT NULL,                    -- relative to the folder; a BLOB where the name is not UTF-8
    filesystem  TEXT NOT NULL,                    -- its identity
    PRIMARY KEY (path, filesystem)
) WITHOUT ROWID;
"""


# Statistics of how a database was once, young and small, say, mislead whoever asks it later. Without any, SQLite
# takes the index that fits a question best, as all questions here mean it to.
_V9 = """
DROP TABLE IF EXISTS sqlite_stat1;
DROP TABLE IF EXISTS sqlite_stat4;
"""


def run_script(connection: sqlite3.Connection, script: str) -> None:
    """Run the statements of a script; `executescript` would commit the transaction that it is part of."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            connection.execute(pending)
            pending = ""


class ForeignError(sqlite3.DatabaseError):
    """A database holds what photod never writes: a stranger may have made it."""


# MIGRATIONS[n] takes a database from user_version n to n + 1. Append only: released steps never change.
MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = tuple(
    partial(run_script, script=script) for script in (_V1, _V2, _V3, _V4, COUNTS_AND_HISTORY, _V6, _V7, _V8, _V9)
)
VERSION = len(MIGRATIONS)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the database to VERSION, each step in a transaction of its own; the connection is in autocommit."""
    connection.execute("PRAGMA foreign_keys = OFF")  # a table that is made anew takes nothing of others with it
    try:
        for version in range(user_version(connection), VERSION):
            with transaction(connection):
                MIGRATIONS[version](connection)
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {version + 1}")
    finally:
        connection.execute("PRAGMA foreign_keys = ON")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commits at the end, or rolls back; takes the write lock at once, so that nothing fails half-way."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # some errors, such as a full disk, have rolled back already
            connection.execute("ROLLBACK")
        raise


# All that would do more than keep rows: triggers, views, virtual tables, and whatever else a crafted file may hold.
_PROGRAMS = """
    SELECT type, name, sql FROM sqlite_master WHERE NOT (
        type = 'table' AND sql LIKE 'CREATE TABLE %' OR type = 'index' AND (
            sql IS NULL OR sql LIKE 'CREATE INDEX %' OR sql LIKE 'CREATE UNIQUE INDEX %'))"""


def refuse_programs(connection: sqlite3.Connection, version: int) -> None:
    """Raises ForeignError where a database would do what photod's of its version do not: hang its reader, say.

    Views that somebody added under names of their own are let be: nothing of photod's asks them.
    """
    own, names = _programs_of(version)
    found = frozenset(connection.execute(_PROGRAMS))
    for kind, name, _ in found - own:
        # A view is one, and of that name: SQLite refuses a list whose words make something else than it says.
        if kind != "view" or name.lower() in names:
            raise ForeignError(f"its {kind} {name!r} is not photod's (if you made it, drop it)")
    for kind, name, _ in own - found:
        raise ForeignError(f"it lacks the {kind} {name!r}")


@cache
def _programs_of(version: int) -> tuple[frozenset[tuple[str, ...]], frozenset[str]]:
    """Those of a database of that version which was just made, and the names of its tables and views."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        for step in MIGRATIONS[:version]:
            step(fresh)
        names = fresh.execute("SELECT lower(name) FROM sqlite_master WHERE type IN ('table', 'view')")
        return frozenset(fresh.execute(_PROGRAMS)), frozenset(name for (name,) in names)


def user_version(connection: sqlite3.Connection) -> int:
    """The schema version that the database says it has; 0 for a new file."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def to_sql(path: str) -> str | bytes:
    """A path as it is stored: text, or bytes where the name is not UTF-8, which SQLite's TEXT would refuse."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return os.fsencode(path)
    return path


def from_sql(path: str | bytes) -> str:
    """The inverse of `to_sql`. Raises ForeignError for what does not lie in the folder: `..`, say."""
    if not isinstance(path, str | bytes):
        raise ForeignError("a path in it is none")
    name = path if isinstance(path, str) else os.fsdecode(path)
    if "\0" in name or not _NO_NAMES.isdisjoint(name.split("/")):
        raise ForeignError(f"it names {name!r}, which is no path inside its folder")
    return name


def directory_from_sql(path: str | bytes) -> str:
    """The same for a directory, which may be the folder itself: ''."""
    return from_sql(path) if path else ""


def signed(inode: int) -> int:
    """An inode as it is stored: those of network filesystems fill 64 bits, and SQLite's integers are signed."""
    return inode - (1 << 64) if inode >= 1 << 63 else inode


def unsigned(stored: int) -> int:
    """The inverse of `signed`."""
    return stored % (1 << 64)
