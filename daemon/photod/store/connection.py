"""How a database is opened: by its only writer, or to be read."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from photod.errors import DatabaseError
from photod.held import hold
from photod.store.backups import backups_of, damage, logs_of
from photod.store.errors import NO_RIGHT, NO_ROOM, ChangedError, changed, damaged, elsewhere, reading_errors
from photod.store.schema import VERSION, ForeignError, refuse_programs, user_version

T = TypeVar("T")

BUSY_TIMEOUT_S = 30.0  # a reader's checkpoint or a backup may hold the file for moments, nobody for half a minute


def open_writable(path: Path) -> sqlite3.Connection:
    """A connection for the only writer, in autocommit: transactions are begun and ended by name."""
    _make_sure_of(path)
    hold(path)
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    try:
        _prepare(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Set a writer's connection up, and see whether the database is whole, photod's, and not a newer one's."""
    _refuse_foreign(connection, path)
    # WAL: readers never wait for the writer, nor it for them; a commit is one append.
    if connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
        raise DatabaseError(f"database {path}: its filesystem cannot keep a write-ahead log", elsewhere(path))
    # With WAL, NORMAL survives kill -9 whole; a power cut may take back the last commits, never half of one,
    # and those photos are simply scored again.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    # Contents are indexed by hash, so each new one touches pages anywhere: where few of them stay in memory and are
    # written back often, rows take twice as long at 100,000 photos as at 1,000 (benchmarks/growth.py).
    connection.execute("PRAGMA cache_size = -16000")  # KiB
    connection.execute("PRAGMA wal_autocheckpoint = 16000")  # pages, 64 MB
    if how := damage(connection):
        raise damaged(path, how)
    connection.execute("PRAGMA shrink_memory")  # the check has filled the cache with pages that nobody asked for


def create(path: Path) -> None:
    """Make the file, writable for the group if the umask allows that. Raises FileExistsError.

    SQLite gives -wal and -shm the mode of the database: in a directory that a group shares, those that another
    member made by reading must not lock the writer out. A copy may become the database.
    """
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o664))


def _make_sure_of(path: Path) -> None:
    """Make the file unless it is there. Raises DamagedError where it was and is lost."""
    try:
        create(path)
    except FileExistsError:
        _refuse_emptied(path)


def _refuse_emptied(path: Path) -> None:
    """A power cut may leave a file without its bytes. SQLite takes that for a new database. Raises DamagedError."""
    if not path.stat().st_size and backups_of(path):
        raise damaged(path, "it is empty, though it has been backed up")


class ReadConnection(sqlite3.Connection):
    """A connection that cannot write."""

    # How the files looked, where SQLite takes them for unchangeable: it neither locks them nor looks whether they
    # are what they were, so answers out of files that changed meanwhile are wrong, or look like damage.
    frozen: "_Looks | None" = None


_Looks = tuple[tuple[int, int, int] | None, ...]


def open_readable(path: Path) -> ReadConnection:
    """A connection that cannot write: what is asked of it is asked within `unchanged`.

    Raises sqlite3.Error where there is no database.
    """
    uri = path.absolute().as_uri()
    try:
        connection = _connect_read_only(f"{uri}?mode=ro")
    except sqlite3.OperationalError as error:
        # In WAL mode even a reader wants to write -shm. Where it may not, or has no room, and no log holds newer
        # commits, the file alone is the whole truth.
        database, *logs = looks = _looks(path)
        if not error.sqlite_errorname.startswith(NO_RIGHT + NO_ROOM) or database is None or any(logs):
            raise
        connection = _connect_read_only(f"{uri}?immutable=1")
        connection.frozen = looks
    try:
        hold(path)
        with unchanged(connection, path):
            _refuse_emptied(path)
            _refuse_foreign(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def unchanged(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    """Raises ChangedError where answers from inside, or errors, come from files that somebody else changed."""
    try:
        yield
    except (sqlite3.Error, DatabaseError) as error:
        if _is_outdated(connection, path):
            raise changed(path) from error
        raise
    if _is_outdated(connection, path):
        raise changed(path)


def ask_once(path: Path, question: Callable[[sqlite3.Connection], T]) -> T:
    """Open a database to read it, ask, and close it; once more if it changed meanwhile. Raises DatabaseError."""
    with reading_errors(path):
        try:
            return _ask(path, question)
        except ChangedError:
            return _ask(path, question)


def _ask(path: Path, question: Callable[[sqlite3.Connection], T]) -> T:
    with closing(open_readable(path)) as connection, unchanged(connection, path):
        return question(connection)


def _is_outdated(connection: sqlite3.Connection, path: Path) -> bool:
    frozen = connection.frozen if isinstance(connection, ReadConnection) else None
    return frozen is not None and frozen != _looks(path)


def _looks(path: Path) -> _Looks:
    """What a database's file and its logs look like; None for one that is not there or empty."""
    return tuple(_look(file) for file in (path, *logs_of(path)))


def _look(file: Path) -> tuple[int, int, int] | None:
    try:
        status = file.stat()
    except FileNotFoundError:
        return None
    return (status.st_ino, status.st_mtime_ns, status.st_size) if status.st_size else None


def _connect_read_only(uri: str) -> ReadConnection:
    connection = sqlite3.connect(
        uri, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False,
        factory=ReadConnection,
    )  # fmt: skip
    try:
        user_version(connection)  # the first look at the file: opening alone touches nothing
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _refuse_foreign(connection: sqlite3.Connection, path: Path) -> None:
    """Nothing is asked of a database before it is known to be of photod's making. Raises DatabaseError."""
    connection.execute("PRAGMA trusted_schema = OFF")  # what is left of strangers' words may call no risky function
    version = user_version(connection)
    if version < 0:
        raise ForeignError(f"its schema is {version}")
    if version > VERSION:
        raise DatabaseError(
            f"database {path} has schema {version}, this photod knows {VERSION}", "install the newer photod"
        )
    refuse_programs(connection, version)
