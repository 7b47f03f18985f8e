"""Looking after a database: backups made while it is in use, and a thorough look at whether it tells the truth."""

import errno
import hashlib
import math
import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from photod.errors import DatabaseError
from photod.files import give_to_owner_of
from photod.fingerprints import fingerprint_of, notice
from photod.held import open_beside
from photod.photos import EMBEDDING_DTYPE, Fingerprint
from photod.store.backups import BACKUP_DIRECTORY, backups_of, damage, is_sound
from photod.store.connection import ask_once, create
from photod.store.errors import DamagedError, damaged, database_errors, refuse_links
from photod.store.reading import fetched
from photod.store.schema import LINKED_SINCE, from_sql, unsigned, user_version

UNIT_TOLERANCE = 2e-3  # an embedding's length may differ that much from 1: float16 rounds each coordinate
SCORE_TOLERANCE = 0.05  # points; a score was given before its embedding was rounded

CUT_SHORT_S = 3600.0  # a backup that nothing was added to for so long was cut short
_PARTIAL = ".part"

_SAMPLE = "missing_since IS NULL ORDER BY random() LIMIT ?"
_RULES = (
    ("photos of no content", "SELECT count(*) FROM photo WHERE sha256 NOT IN (SELECT sha256 FROM content)"),
    (
        "photos called scored, of contents without a score",
        "SELECT count(*) FROM photo JOIN content USING (sha256) WHERE state = 'scored' AND score IS NULL",
    ),
    (
        "scores without the embedding that they came from",
        """SELECT count(*) FROM content JOIN model ON model.id = content.model WHERE NOT EXISTS
        (SELECT 1 FROM embedding WHERE embedding.content = content.id AND embedding.tower = model.tower)""",
    ),
    ("embeddings of no content", "SELECT count(*) FROM embedding WHERE content NOT IN (SELECT id FROM content)"),
    ("scores outside 0 to 10", "SELECT count(*) FROM content WHERE score NOT BETWEEN 0 AND 10"),
)
_LINKED_RULES = (
    (
        "contents whose photos are counted wrongly",
        """SELECT count(*) FROM content WHERE photos <> (SELECT count(*) FROM photo
            WHERE photo.content = content.id AND photo.state = 'scored' AND photo.missing_since IS NULL)""",
    ),
    (
        "photos whose hash is not that of their content",
        """SELECT count(*) FROM photo JOIN content ON content.id = photo.content
            WHERE photo.sha256 <> content.sha256""",
    ),
    (
        "models whose photos are counted wrongly",
        """SELECT count(*) FROM model WHERE photos <> (
            SELECT total(photos) FROM content WHERE content.model = model.id)""",
    ),
    (
        "missing photos too many or too few in their index",  # a partial one: SQLite 3.53 counts no entries of it
        """SELECT abs((SELECT count(*) FROM photo INDEXED BY photo_missing WHERE missing_since IS NOT NULL)
            - (SELECT count(*) FROM photo NOT INDEXED WHERE missing_since IS NOT NULL))""",
    ),
)


@dataclass(frozen=True, slots=True)
class Report:
    """What `verify` looked at, and what is wrong."""

    findings: tuple[str, ...]  # a line each; none if all is well
    photos: int
    hashed: int  # files read again; those whose bytes differ are among the findings
    rescored: int  # scores computed again


def copy_database(path: Path, target: Path) -> None:
    """Copy a database to `target` while others use it: whole and checked, or not at all.

    Raises DamagedError if the database is damaged, DatabaseError where the copy fails.
    """

    def copy(source: sqlite3.Connection) -> None:
        try:
            with database_errors(target):
                _copy(source, target)
        except DatabaseError as error:
            if not isinstance(error.__cause__, OSError) and (how := damage(source)):  # or its disk cannot read it
                raise damaged(path, how) from error
            if isinstance(error, DamagedError):
                raise DatabaseError(f"backup {target} cannot be read back", "check the disk it lies on") from error
            raise

    ask_once(path, copy)


def _copy(source: sqlite3.Connection, target: Path) -> None:
    partial = target.with_name(target.name + _PARTIAL)
    target.parent.mkdir(exist_ok=True)
    partial.unlink(missing_ok=True)  # what was left of another one, or a link in its place
    _need_room(source, target.parent)
    create(partial)
    try:
        with closing(sqlite3.connect(partial)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, which needs no other beside it
        if not is_sound(partial):
            raise damaged(target, "it does not pass SQLite's check")
        os.replace(partial, target)
    finally:
        with suppress(FileNotFoundError):
            partial.unlink()


def _need_room(source: sqlite3.Connection, place: Path) -> None:
    """Raises OSError where a copy has no room: to find that out by filling the disk would take it from others, the
    daemon's own commits among them."""
    (pages,), (size,) = (source.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "page_size"))
    room = os.statvfs(place)
    if room.f_blocks and pages * size > room.f_bavail * room.f_frsize:  # some filesystems of FUSE tell nothing
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def add_backup(path: Path, keep: int) -> Path:
    """Make one more of the rotating backups beside a database and drop all but `keep`. Raises DatabaseError."""
    target = _backup_now(path)
    refuse_links(path.parent, target.parent)
    copy_database(path, target)
    with database_errors(path):
        give_to_owner_of(path, target.parent, target)
        for old in _past_backups(path, target)[keep:]:
            old.unlink()
        for left in target.parent.glob(f"{path.stem}-*{path.suffix}{_PARTIAL}*"):
            with suppress(OSError):
                if left.lstat().st_mtime < time.time() - CUT_SHORT_S:
                    left.unlink()
    return target


def is_backup_due(path: Path, every_s: float) -> bool:
    """Whether the newest backup is that old and the database has changed since; looks at timestamps only.

    What is in its log alone comes into it at rest. Raises OSError.
    """
    newest = next((backup.stat().st_mtime for backup in _past_backups(path, _backup_now(path))), 0.0)
    return newest + every_s <= time.time() and path.stat().st_mtime > newest


def _backup_now(path: Path) -> Path:
    """What a backup made now is called."""
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    return path.parent / BACKUP_DIRECTORY / f"{path.stem}-{moment}{path.suffix}"


def _past_backups(path: Path, now: Path) -> list[Path]:
    """The rotating backups, the newest first, but for those made when the clock was ahead of `now`."""
    return [backup for backup in backups_of(path) if backup.name <= now.name]


def verify(
    path: Path, folder: Path, samples: int, score: Callable[[list[bytes]], Sequence[float]] | None = None
) -> Report:
    """Look at everything in a database that can be checked, and at some photos again.

    Raises DatabaseError where its structure is damaged, before anything else is looked at.
    Reads up to `samples` photos of the folder and compares their hashes; files that have changed since they were
    scored are left out. `score`, if given, takes stored embeddings of the current model and returns their scores.
    """

    def look(database: sqlite3.Connection) -> Report:
        if how := damage(database, "integrity_check"):
            raise damaged(path, how)
        version, findings = user_version(database), []
        if not version:  # nothing is in it yet
            return Report((), 0, 0, 0)
        (photos,) = database.execute("SELECT count(*) FROM photo").fetchone()
        rules = (*_RULES, *(_LINKED_RULES if version >= LINKED_SINCE else ()))
        for name, count in ((name, database.execute(rule).fetchone()[0]) for name, rule in rules):
            if count:
                findings.append(f"{count} {name}")
        hashed, wrong = _hash_again(database, folder, samples)
        findings += wrong
        rescored, wrong = _score_again(database, samples, score)
        return Report((*findings, *wrong), photos, hashed, rescored)

    return ask_once(path, look)


def _hash_again(database: sqlite3.Connection, folder: Path, samples: int) -> tuple[int, list[str]]:
    sql = f"SELECT path, size, mtime_ns, ctime_ns, inode, sha256 FROM photo WHERE {_SAMPLE}"
    rows = fetched(database.execute(sql, (samples,)))
    hashed, wrong = 0, []
    for name, size, mtime, ctime, inode, sha256 in rows:
        location = folder / from_sql(name)
        try:
            with open(location, "rb", opener=_open_at_once) as file:
                notice(file.fileno())
                if fingerprint_of(os.fstat(file.fileno())) != Fingerprint(size, mtime, ctime, unsigned(inode)):
                    continue
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            continue  # gone, whatever has its name now
        except OSError as error:
            wrong.append(f"{location}: {error.strerror}")
            continue
        hashed += 1
        if digest != sha256:
            wrong.append(f"{location}: its bytes changed, though its size and times did not")
    return hashed, wrong


def _open_at_once(location: str, flags: int) -> int:
    """As `open` wants it, and without waiting for whoever writes to a FIFO."""
    return open_beside(location, flags | os.O_NONBLOCK | os.O_NOCTTY)


def _score_again(
    database: sqlite3.Connection, samples: int, score: Callable[[list[bytes]], Sequence[float]] | None
) -> tuple[int, list[str]]:
    sql = f"""
        SELECT photo.path, score, vector FROM photo JOIN content USING (sha256)
        JOIN model ON model.id = content.model AND model.current = 1
        JOIN embedding ON embedding.content = content.id AND embedding.tower = model.tower WHERE {_SAMPLE}"""
    rows = fetched(database.execute(sql, (samples,)))
    wrong = [f"{from_sql(p)}: its embedding is damaged" for p, _, vector in rows if not _is_unit(vector)]
    if score is None or not rows or wrong:
        return 0, wrong
    again = score([vector for _, _, vector in rows])
    for (path, stored, _), now in zip(rows, again, strict=True):
        if abs(stored - now) > SCORE_TOLERANCE:
            wrong.append(f"{from_sql(path)}: its score is {stored:.3f}, its embedding gives {now:.3f}")
    return len(rows), wrong


def _is_unit(vector: bytes) -> bool:
    if len(vector) % 2:
        return False
    length = float(np.linalg.norm(np.frombuffer(vector, EMBEDDING_DTYPE).astype(np.float32)))
    return math.isclose(length, 1.0, abs_tol=UNIT_TOLERANCE)
