"""The only writer of a folder's database."""

import fcntl
import json
import math
import os
import sqlite3
import time
import weakref
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from photod.errors import BusyError
from photod.photos import Fingerprint, Judged, ModelIdentity, Scored, Unscoreable
from photod.store.backups import log_beside
from photod.store.connection import BUSY_TIMEOUT_S, open_writable
from photod.store.errors import database_errors, refuse_links
from photod.store.rankings import below_condition
from photod.store.reading import fetched
from photod.store.schema import directory_from_sql, migrate, signed, to_sql, transaction
from photod.store.tombstones import Swept, Tombstones

RESCORE_ROWS = 8192  # embeddings in memory at once: 8 MB

# The photos that point at it came before it.
_ADD_CONTENT = """
    INSERT INTO content (id, sha256, width, height, taken_at, camera, score, model, scored_at, photos)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, (
        SELECT count(*) FROM photo WHERE content = ?1 AND state = 'scored' AND missing_since IS NULL))"""
_CHANGE_CONTENT = """
    UPDATE content SET width = ?3, height = ?4, taken_at = ?5, camera = ?6, score = ?7, model = ?8, scored_at = ?9
    WHERE id = ?1 AND model IS NOT ?8"""
_PUT_PHOTO = """
    INSERT INTO photo (path, directory, size, mtime_ns, ctime_ns, inode, content, sha256, state, reason,
                       first_seen_at, committed_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (path) DO UPDATE SET
        size = excluded.size, mtime_ns = excluded.mtime_ns, ctime_ns = excluded.ctime_ns, inode = excluded.inode,
        content = excluded.content, sha256 = excluded.sha256, state = excluded.state, reason = excluded.reason,
        committed_at = excluded.committed_at, missing_since = NULL"""


class Writer:
    """Owns a folder's database: opening takes its lock, so two processes never write one database.

    One that nobody holds any more closes itself. Not thread-safe: one thread calls it. Every method raises
    DatabaseError; opening raises BusyError, too.
    `suspects`: the contents that a device failed with before this start, and how often in a row; never changed.
    `compared_at`: coverage, in seconds since 1970; any thread may look.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._model = self._tower = 0
        lock = path.with_name("lock")
        with database_errors(path), ExitStack() as held:
            refuse_links(path.parent, lock, path)
            path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            held.callback(os.close, _take_lock(lock))
            self._db = open_writable(path)
            held.callback(self._db.close)
            migrate(self._db)
            self._tombstones = Tombstones(self._db)
            self.suspects: dict[str, int] = dict(fetched(self._db.execute("SELECT sha256, failures FROM suspect")))
            ((compared_at,),) = fetched(self._db.execute("SELECT max(compared_at) AS compared_at FROM folder"))
            self.compared_at: int | None = compared_at
            self._held = held.pop_all()
            weakref.finalize(self, self._held.close)

    def use_model(self, identity: ModelIdentity) -> None:
        """Make `identity` the current model; older scores stay until they are replaced, unranked."""
        with database_errors(self.path), transaction(self._db):
            self._db.execute("INSERT INTO tower (key) VALUES (?) ON CONFLICT DO NOTHING", (identity.tower,))
            (self._tower,) = self._db.execute("SELECT id FROM tower WHERE key = ?", (identity.tower,)).fetchone()
            self._db.execute(
                """INSERT INTO model (key, tower, description) VALUES (?, ?, ?)
                ON CONFLICT (key) DO UPDATE SET description = excluded.description""",  # its name may be another
                (identity.key, self._tower, json.dumps(identity.as_dict())),
            )
            (self._model,) = self._db.execute("SELECT id FROM model WHERE key = ?", (identity.key,)).fetchone()
            self._db.execute("UPDATE model SET current = 0 WHERE current <> 0 AND id <> ?", (self._model,))
            self._db.execute("UPDATE model SET current = 1 WHERE id = ? AND current <> 1", (self._model,))

    def rescore(self, score: Callable[[list[bytes]], Sequence[float]]) -> int:
        """Give a current score to every content whose embedding the current tower made; returns how many.

        `score` takes stored embeddings and returns their scores. No photo is read: this is what a changed
        prompt, or a return to an earlier model, costs. Embeddings that cannot be scored are dropped: their photos
        stay stale, and are read.
        """
        stale = """
            SELECT content.id, vector FROM content JOIN embedding ON embedding.content = content.id
            WHERE tower = ? AND model <> ? AND content.id > ? ORDER BY content.id LIMIT ?"""
        count = last = size = 0
        with database_errors(self.path), transaction(self._db):
            while rows := self._db.execute(stale, (self._tower, self._model, last, RESCORE_ROWS)).fetchall():
                size = size or _usual_size(vector for _, vector in rows)
                whole = [(row, each) for row, each in rows if isinstance(each, bytes) and len(each) == size]
                scores = score([vector for _, vector in whole]) if whole else ()
                given = {row: float(s) for (row, _), s in zip(whole, scores, strict=True) if math.isfinite(s)}
                self._db.executemany(
                    "UPDATE content SET score = ?, model = ?, scored_at = ? WHERE id = ?",
                    [(s, self._model, _now(), row) for row, s in given.items()],
                )
                self._db.executemany(
                    "DELETE FROM embedding WHERE content = ? AND tower = ?",
                    [(row, self._tower) for row, _ in rows if row not in given],
                )
                last = rows[-1][0]
                count += len(given)
            self._db.execute("PRAGMA shrink_memory")  # every content has passed through the cache
        return count

    def commit(self, judged: Sequence[tuple[Judged, bool]]) -> None:
        """Commit a group in one transaction: every verdict, and each photo that is still what was judged.

        The flag beside a photo says whether its path still has the judged fingerprint. A verdict without a
        photo is kept all the same: when the file turns up under another name, it costs no model.
        """
        verdicts = {j.verdict.sha256: j.verdict for j, _ in judged}
        with database_errors(self.path), transaction(self._db):
            known, new = self._rows_of(verdicts)
            rows = known | new
            scored = {rows[sha256]: v for sha256, v in verdicts.items() if isinstance(v, Scored)}
            contents = [self._content_row(row, v) for row, v in scored.items()]
            undecodable = [(row, sha256) for sha256, row in new.items() if row not in scored]
            # Photos first: a new content is then added with their number, and indexed by it once instead of thrice.
            self._db.execute("PRAGMA defer_foreign_keys = ON")  # in this transaction
            self._db.executemany(_PUT_PHOTO, [_photo_row(j, rows) for j, still_there in judged if still_there])
            self._db.executemany(_ADD_CONTENT, [content for content in contents if content[1] in new])
            self._db.executemany(_CHANGE_CONTENT, [content for content in contents if content[1] in known])
            self._db.executemany("INSERT INTO content (id, sha256) VALUES (?, ?)", undecodable)
            self._db.executemany(
                "INSERT INTO embedding (content, tower, vector) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                [(row, self._tower, v.embedding) for row, v in scored.items()],
            )
            if self.suspects:
                self._db.executemany("DELETE FROM suspect WHERE sha256 = ?", [(sha256,) for sha256 in verdicts])

    def mark_missing(self, paths: Iterable[str]) -> None:
        """Note that a listing lacked these photos. They keep their scores and are ranked no more."""
        rows = [(_now(), to_sql(path)) for path in paths]
        with database_errors(self.path), transaction(self._db):
            self._db.executemany(
                "UPDATE photo SET missing_since = ? WHERE path = ? AND missing_since IS NULL", rows
            )

    def mark_present(self, paths: Iterable[str]) -> None:
        """Note that photos once missing are back, unchanged."""
        with database_errors(self.path), transaction(self._db):
            self._db.executemany(
                "UPDATE photo SET missing_since = NULL WHERE path = ?", [(to_sql(path),) for path in paths]
            )

    def forget_unscoreable(self, below: str = "") -> frozenset[str]:
        """Forget the photos that could not be decoded, of a part or of all, and copies, which share their verdict.

        Returns their directories: the next look at these tries them again.
        """
        where, arguments = below_condition(below)
        unscoreable = "FROM photo WHERE state = 'unscoreable'"
        alike = f"{unscoreable} AND content IN (SELECT content {unscoreable} {where})"
        with database_errors(self.path), transaction(self._db):
            # RETURNING would say it in one, but not to the SQLite of RHEL 9, 3.34.
            rows = self._db.execute(f"SELECT DISTINCT directory {alike}", arguments).fetchall()
            self._db.execute(f"DELETE {alike}", arguments)
            return frozenset(directory_from_sql(directory) for (directory,) in rows)

    def move(self, moves: Iterable[tuple[str, str, Fingerprint]]) -> None:
        """Give photos new paths, as (old, new): the same files under other names. They keep their scores.

        A row whose file is another by now, or whose new path is taken, stays.
        """
        rows = [(to_sql(new), to_sql(os.path.dirname(new)), to_sql(old), *_stamps(f)) for old, new, f in moves]
        with database_errors(self.path), transaction(self._db):
            self._db.executemany(
                """
                UPDATE OR IGNORE photo SET path = ?, directory = ?, missing_since = NULL
                WHERE path = ? AND size = ? AND mtime_ns = ? AND ctime_ns = ? AND inode = ?""",
                rows,
            )

    def suspect(self, contents: Iterable[str]) -> None:
        """Note that a device failed, once more, while it had these contents; a verdict clears them."""
        with database_errors(self.path), transaction(self._db):
            self._db.executemany(
                """INSERT INTO suspect (sha256, failures) VALUES (?, 1)
                ON CONFLICT (sha256) DO UPDATE SET failures = failures + 1""",
                [(sha256,) for sha256 in contents],
            )

    def mark_compared(self, folder: str, filesystem: str, mounts: Mapping[str, str]) -> Swept:
        """Note that the whole folder has just been compared with this database, and what is mounted inside it.

        With the identity of its filesystem, there was no error, either: old tombstones may go. Returns what became
        of them. Where nothing has changed nothing is written.
        """
        with database_errors(self.path), transaction(self._db):
            self.compared_at = _now()
            self._db.execute("UPDATE folder SET compared_at = ? WHERE compared_at IS NULL", (self.compared_at,))
            self._tombstones.remember(mounts)
            return self._tombstones.confirm(folder, filesystem, mounts, _now()) if filesystem else Swept()

    def purge(self, folder: str, below: str = "") -> int:
        """Drop the rows of the missing photos, or of a part, that are not in the folder here; returns how many."""
        with database_errors(self.path), transaction(self._db):
            return self._tombstones.purge(folder, below)

    def settle(self) -> bool:
        """Bring the log back into the database, with its coverage, after which that file alone is the whole truth.

        Returns whether it is: not while somebody else has it open for an answer or a change. Nobody is waited for,
        and what fails here loses nothing: all is committed before.
        """
        with suppress(sqlite3.Error, OSError):
            if log_beside(self.path) is None:
                return True
            self._db.execute("PRAGMA busy_timeout = 0")
            try:
                self._db.execute(
                    "UPDATE folder SET compared_at = ?1 WHERE compared_at IS NOT ?1", (self.compared_at,)
                )
                busy, *_ = self._db.execute("PRAGMA wal_checkpoint (TRUNCATE)").fetchone()
                return not busy
            finally:
                self._db.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_S * 1000:.0f}")
        return False

    def close(self) -> None:
        """Close the database and give the lock back. All is committed before: what fails here loses nothing."""
        self.settle()
        with suppress(sqlite3.Error):
            self._held.close()

    def _rows_of(self, contents: Collection[str]) -> tuple[dict[str, int], dict[str, int]]:
        """The rows of those contents that are there, by hash, and those that the others will have."""
        named = "SELECT sha256, content.id FROM json_each(?) CROSS JOIN content ON content.sha256 = json_each.value"
        known = dict(self._db.execute(named, (json.dumps(list(contents)),)))
        (last,) = self._db.execute("SELECT coalesce(max(id), 0) FROM content").fetchone()
        new = (sha256 for sha256 in contents if sha256 not in known)
        return known, {sha256: row for row, sha256 in enumerate(new, last + 1)}

    def _content_row(self, row: int, verdict: Scored) -> tuple[object, ...]:
        facts = verdict.facts
        return (
            row, verdict.sha256, facts.width, facts.height, facts.taken_at, facts.camera,
            verdict.score, self._model, _now(),
        )  # fmt: skip


def _usual_size(vectors: Iterable[object]) -> int:
    """How many bytes most embeddings have; 0 where none of them is one."""
    sizes = Counter(len(vector) for vector in vectors if isinstance(vector, bytes) and len(vector) % 2 == 0)
    return max(sizes, key=sizes.__getitem__, default=0)


def _photo_row(judged: Judged, contents: Mapping[str, int]) -> tuple[object, ...]:
    candidate, verdict = judged.candidate, judged.verdict
    state, reason = ("unscoreable", verdict.reason) if isinstance(verdict, Unscoreable) else ("scored", None)
    return (
        to_sql(candidate.path), to_sql(os.path.dirname(candidate.path)),
        *_stamps(candidate.fingerprint), contents[verdict.sha256], verdict.sha256, state, reason, _now(), _now(),
    )  # fmt: skip


def _stamps(fingerprint: Fingerprint) -> tuple[int, int, int, int]:
    return fingerprint.size, fingerprint.mtime_ns, fingerprint.ctime_ns, signed(fingerprint.inode)


def _now() -> int:
    return int(time.time())


def _take_lock(path: Path) -> int:
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"photod, process {os.getpid()}".encode(), 0)
    except BlockingIOError:
        holder = os.pread(lock, 200, 0).decode(errors="replace").strip() or "another process"
        os.close(lock)
        raise BusyError(f"{path.parent} is in use by {holder}", "wait for it, or end it") from None
    except BaseException:
        os.close(lock)  # else this very process would be in its own way
        raise
    return lock
