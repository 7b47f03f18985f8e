"""The store's boundary: what SQLite or the disk raises becomes an error of ours, which says what to do."""

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from photod.errors import EXIT_BUSY, FULL, DatabaseError, PhotodError
from photod.files import is_gone
from photod.store.backups import log_beside, newest_good
from photod.store.schema import ForeignError

NO_RIGHT = ("SQLITE_CANTOPEN", "SQLITE_READONLY")  # what SQLite says where it may not write
NO_ROOM = ("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE")  # and where there is no room: for -shm, which even a reader makes
_MAKE_ROOM = "free some space on its disk, then start again"
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

    But for words that SQLite does not understand: they are a bug, or too new for it, and no database's fault.
    Who only `reads` is told how to come to read it, and not where else to write.
    """
    try:
        yield
    except PhotodError:
        raise
    except (UnicodeDecodeError, sqlite3.Error) as error:
        if isinstance(error, UnicodeDecodeError) or str(error).startswith("Could not decode"):  # module sqlite3
            raise damaged(path, "some of its text is none") from error
        name = getattr(error, "sqlite_errorname", "")
        if name == "SQLITE_ERROR" and "syntax error" in str(error):
            raise
        if isinstance(error, ForeignError) or name == "SQLITE_ERROR":  # or it lacks a table, say
            remedy = f"photod did not write that: move {path}* aside, then start again: everything is scored anew"
            raise DatabaseError(f"database {path}: {error}", remedy) from error
        if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            raise damaged(path, str(error)) from error
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            remedy = "end the program that holds it open for writing, then start again"
            raise LockedError(f"database {path}: {error}", remedy) from error
        forbidden = _reads_only(path) if reads and name.startswith(NO_RIGHT) else ""
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


def changed(path: Path) -> ChangedError:
    """The error for what was read in part, and is not what it was."""
    return ChangedError(f"database {path} changed while it was read", "ask again")


def refuse_links(*places: Path) -> None:
    """Nobody may lead photod out of its own directory by a link in its way. Raises DatabaseError."""
    for place in places:
        if place.is_symlink():
            raise DatabaseError(
                f"{place} is a symlink, and photod writes in its own directory only",
                f"take the link away, or {elsewhere(place)}",
            )


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
    return f"make its directory writable, or {elsewhere(path)}"


def elsewhere(path: Path) -> str:
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
    if error.errno == errno.EROFS and "STATE_DIRECTORY" in os.environ:  # systemd's unit says what may be written
        return (
            "restart the service, which may write only to what was there at its start (for a new folder call"
            f" `photod init` first); or, if the disk itself is read-only, {_make_writable(path)}"
        )
    return _make_writable(path) if error.errno in _FORBIDDEN else "check its disk, then start again"


def _remedy_for_sqlite(error: sqlite3.Error, path: Path) -> str:
    name = getattr(error, "sqlite_errorname", "")
    if name in NO_ROOM:
        return _MAKE_ROOM
    if name.startswith("SQLITE_CANTOPEN"):  # or there is no inode left for its log
        return f"see whether its disk takes new files (df -i), or {_make_writable(path)}"
    if name.startswith(("SQLITE_READONLY", "SQLITE_PERM")):
        return _make_writable(path)
    if name == "SQLITE_IOERR_WRITE":  # SQLite has no other word for a quota that is used up
        return "check the disk it lies on, and its owner's quota, then start again"
    return "check the disk it lies on, then start again"
