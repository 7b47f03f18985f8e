"""How a database is opened, and the one place where SQLite's errors become ours."""

import errno
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import TypeVar

from photod.errors import EXIT_BUSY, FULL, DatabaseError, PhotodError
from photod.files import is_gone
from photod.held import hold
from photod.store.backups import backups_of, damage, log_beside, logs_of, newest_good
from photod.store.schema import VERSION, ForeignError, refuse_programs, user_version

T = TypeVar("T")

_NO_RIGHT = ("SQLITE_CANTOPEN", "SQLITE_READONLY")  # what SQLite says where it may not write
_MAKE_ROOM = "free some space on its disk, then start again"
BUSY_TIMEOUT_S = 30.0  # a reader's checkpoint or a backup may hold the file for moments, nobody for half a minute

_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
_TOO_MANY = (errno.EMFILE, errno.ENFILE)


class DamagedError(DatabaseError):
    """What is read of a database is not what was written."""


class LockedError(DatabaseError):
    """Another program holds a database open for writing. That passes by itself, so starting again is right."""

    exit_code = EXIT_BUSY


class ChangedError(DatabaseError):
    """A database that only its owner may lock changed while it was read. That passes, too."""

    exit_code = EXIT_BUSY


@contextmanager
def database_errors(path: Path, *, reads: bool = False) -> Iterator[None]:
    """The store's boundary: whatever SQLite or the disk raises inside becomes a DatabaseError that names `path`.

    Who only `reads` is told how to come to read it, and not where else to write.
    """
    try:
        yield
    except PhotodError:
        raise
    except ForeignError as error:
        remedy = f"photod did not write that: move {path}* aside, then start again: everything is scored anew"
        raise DatabaseError(f"database {path}: {error}", remedy) from error
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            raise damaged(path, str(error)) from error
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            remedy = "end the program that holds it open for writing, then start again"
            raise LockedError(f"database {path}: {error}", remedy) from error
        forbidden = _reads_only(path) if reads and name.startswith(_NO_RIGHT) else ""
        raise DatabaseError(f"database {path}: {error}", forbidden or _remedy_for_sqlite(error, path)) from error
    except OSError as error:
        forbidden = _reads_only(path) if reads and error.errno in _FORBIDDEN else ""
        remedy = forbidden or _remedy_for_disk(error, path)
        raise DatabaseError(f"database {path}: {error.strerror or error}", remedy) from error


def reading_errors(path: Path) -> AbstractContextManager[None]:
    """The boundary of who only reads."""
    return database_errors(path, reads=True)


def damaged(path: Path, how: str) -> DamagedError:
    """The error that a damaged database is answered with: it names the newest good backup.

    SQLite says the same where the disk cannot read what is whole, so nobody is told to throw it away at once.
    """
    backup = newest_good(path)
    restore = f"copy {backup} to {path}, " if backup else ""
    later = "what came later" if backup else "everything"
    writable = "; photod's user must be able to write the copy" if backup else ""
    remedy = (
        "look at the disk first (cable, drive, the system's log); if `photod-ctl verify FOLDER` then says so again,"
        f" move {path}* aside, {restore}then start again: {later} is scored anew{writable}"
    )
    return DamagedError(f"database {path} is damaged, or its disk cannot read it: {how}", remedy)


def refuse_links(*places: Path) -> None:
    """Nobody may lead photod out of its own directory by a link in its way. Raises DatabaseError."""
    for place in places:
        if place.is_symlink():
            raise DatabaseError(
                f"{place} is a symlink, and photod writes in its own directory only",
                f"take the link away, or {_elsewhere(place)}",
            )


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
        raise DatabaseError(f"database {path}: its filesystem cannot keep a write-ahead log", _elsewhere(path))
    # With WAL, NORMAL survives kill -9 whole; a power cut may take back the last commits, never half of one,
    # and those photos are simply scored again.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    # Contents are indexed by hash, so each new one touches pages anywhere: where few of them stay in memory and are
    # written back often, rows take twice as long at 100,000 photos as at 1,000 (benchmarks/growth.py).
    connection.execute("PRAGMA cache_size = -16000")  # KiB
    connection.execute("PRAGMA wal_autocheckpoint = 16000")  # pages, 64 MB
    connection.execute("PRAGMA journal_size_limit = 67108864")  # give the log's disk space back after a burst
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
        # A power cut may leave a file without its bytes. SQLite takes that for a new database.
        if not path.stat().st_size and backups_of(path):
            raise damaged(path, "it is empty, though it has been backed up") from None


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
        # In WAL mode even a reader wants to write -shm. Where it may not, and no log holds newer commits,
        # the file alone is the whole truth.
        database, *logs = looks = _looks(path)
        if not error.sqlite_errorname.startswith(_NO_RIGHT) or database is None or any(logs):
            raise
        connection = _connect_read_only(f"{uri}?immutable=1")
        connection.frozen = looks
    try:
        hold(path)
        with unchanged(connection, path):
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


def changed(path: Path) -> ChangedError:
    """The error for what was read in part, and is not what it was."""
    return ChangedError(f"database {path} changed while it was read", "ask again")


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


def _reads_only(path: Path) -> str:
    """What to do where the right to read is lacking, or that to write what reading needs."""
    if is_gone(str(path)):
        return "see whether its drive is mounted"
    try:
        log = log_beside(path)
    except OSError:
        log = None
    if log is None:
        return f"ask its owner for the right to read what is in {path.parent}, or run this as another user"
    return (
        f"it was not closed, and its last commits are in {log}: read it once as its owner,"
        f" or copy {path.name} and {log.name} together to where you may write"
    )


def _make_writable(path: Path) -> str:
    if os.access(path.parent, os.W_OK):
        for file in (path, *path.parent.glob(f"{path.name}-*")):
            if file.is_file() and not os.access(file, os.W_OK):
                return f"make {file} writable for the user that photod runs as"
    return f"make its directory writable, or {_elsewhere(path)}"


def _elsewhere(path: Path) -> str:
    """How to have the database elsewhere: below the state directory, if it is not there already."""
    from photod.config import state_directory  # imports pydantic: a reader starts without

    if path.is_relative_to(state_directory()):
        return "set XDG_STATE_HOME to a writable directory"
    return 'set database = "state" for this folder'


def _remedy_for_disk(error: OSError, path: Path) -> str:
    if error.errno in FULL:
        return _MAKE_ROOM
    if error.errno in _TOO_MANY:
        return "raise the limit of open files (ulimit -n, LimitNOFILE=), six for each folder, then start again"
    return _make_writable(path) if error.errno in _FORBIDDEN else "check its disk, then start again"


def _remedy_for_sqlite(error: sqlite3.Error, path: Path) -> str:
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith("SQLITE_FULL"):
        return _MAKE_ROOM
    if name.startswith("SQLITE_CANTOPEN"):  # or there is no inode left for its log
        return f"see whether its disk takes new files (df -i), or {_make_writable(path)}"
    if name.startswith(("SQLITE_READONLY", "SQLITE_PERM")):
        return _make_writable(path)
    if name == "SQLITE_IOERR_WRITE":  # SQLite has no other word for a quota that is used up
        return "check the disk it lies on, and its owner's quota, then start again"
    return "check the disk it lies on, then start again"
