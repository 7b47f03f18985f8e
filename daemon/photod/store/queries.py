"""The questions that the daemon and the client ask a folder's database. Nothing here writes."""

import json
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from photod.channel import Closed
from photod.photos import Facts, Fingerprint, PhotoRow, Scored, StalePage, Unscoreable, Verdict
from photod.store.connection import database_errors, open_readable
from photod.store.schema import from_sql, signed, to_sql

_PRESENT = "photo.missing_since IS NULL"
_SCORED = f"FROM content JOIN photo USING (sha256) WHERE photo.state = 'scored' AND {_PRESENT}"
_CURRENT = "(SELECT id FROM model WHERE current = 1)"
# Only where some score is an earlier model's does this ask which ones: that takes as long as all the rest.
_KNOWN = """
    SELECT path, size, mtime_ns, ctime_ns, inode, missing_since IS NOT NULL,
           CASE WHEN EXISTS (SELECT 1 FROM model WHERE current = 0
                             AND EXISTS (SELECT 1 FROM content WHERE content.model = model.id))
           THEN (SELECT model IS NOT NULL AND model <> (SELECT id FROM model WHERE current = 1)
                 FROM content WHERE content.sha256 = photo.sha256)
           ELSE 0 END
    FROM photo WHERE directory = ?"""
_PAGE = 256  # photos looked at for one page of stale ones
_STREAMED = 4096  # rows in memory of an answer that is streamed
_BEFORE_ALL = (2**63 - 1, 2**63 - 1)


@dataclass(frozen=True, slots=True)
class RankedPhoto:
    """A row of a ranking."""

    path: str  # relative to the folder
    sha256: str
    score: float
    facts: Facts


@dataclass(frozen=True, slots=True)
class Bounds:
    """Which ranked photos are meant. Dates are the camera's; photos without one lie outside any bound on dates."""

    since: str | None = None  # "2021", "2021-07" or "2021-07-14"
    until: str | None = None  # likewise, and with all of that year, month or day
    month: int | None = None  # of any year, 1 to 12
    min_score: float | None = None


EVERYTHING = Bounds()


@dataclass(frozen=True, slots=True)
class FailedPhoto:
    """A photo that could not be decoded."""

    path: str
    sha256: str
    reason: str


@dataclass(frozen=True, slots=True)
class PhotoDetails:
    """Everything the database knows about one path. Times are seconds since 1970, UTC."""

    path: str
    sha256: str
    state: str
    reason: str | None
    score: float | None
    facts: Facts | None
    model: dict[str, Any] | None  # the identity that gave the score
    size: int
    mtime: float
    first_seen_at: int
    committed_at: int
    scored_at: int | None
    missing_since: int | None


@dataclass(frozen=True, slots=True)
class Totals:
    """How many photos a folder has."""

    scored: int  # by the current model
    stale: int  # scored by an earlier model, waiting for the current one
    unscoreable: int
    missing: int


class Reader:
    """A read-only view of a folder's database; any thread may ask. Methods raise DatabaseError.

    Ranked are the photos that the current model has scored; or, with `model`, the key of an earlier one, those
    that still have its scores.
    """

    def __init__(self, path: Path, model: str | None = None) -> None:
        self.path = path
        self._lock = threading.Lock()  # for what follows: sqlite3 connections serve one thread at a time
        self._closed = False
        with database_errors(path):
            self._db = open_readable(path)
        self._model = _CURRENT
        if model is not None:
            row = self._one("SELECT id FROM model WHERE key = ?", model)
            self._model = str(int(row[0])) if row else "NULL"
        self._ranked = f"{_SCORED} AND content.model = {self._model}"

    def close(self) -> None:
        """Close the connection; who still asks is told Closed, which ends a thread in good order."""
        with self._lock:
            self._closed = True
            self._db.close()

    def known(self, directory: str) -> list[PhotoRow]:
        """The photos directly in `directory` (relative, '' at the top), missing ones too."""
        rows = self._all(_KNOWN, to_sql(directory))
        return [row if type(row[0]) is str and row[4] >= 0 else _as_seen(row) for row in rows]

    def paths_of(self, fingerprint: Fingerprint) -> list[str]:
        """The paths, missing ones too, whose file had this fingerprint: where a file may have come from."""
        rows = self._all(
            "SELECT path FROM photo WHERE inode = ? AND size = ? AND mtime_ns = ? AND ctime_ns = ?",
            signed(fingerprint.inode), fingerprint.size, fingerprint.mtime_ns, fingerprint.ctime_ns,
        )  # fmt: skip
        return [from_sql(path) for (path,) in rows]

    def links_of(self, inode: int) -> list[str]:
        """The paths of photos that are there, whose file had this inode: several are hard links."""
        rows = self._all(f"SELECT path FROM photo WHERE inode = ? AND {_PRESENT}", signed(inode))
        return [from_sql(path) for (path,) in rows]

    def directories(self, below: str = "") -> list[str]:
        """Every directory that holds photos which are not missing; with `below`, it and those inside it."""
        where, arguments = _below(below)
        rows = self._all(f"SELECT DISTINCT directory FROM photo WHERE {_PRESENT} {where}", *arguments)
        return [from_sql(directory) for (directory,) in rows]

    def count_stale(self, below: str = "") -> int:
        """How many photos an earlier model scored, and the current one not yet."""
        where, arguments = _below(below)
        row = self._one(
            f"""
            SELECT count(*) {_SCORED} AND content.model IN (SELECT id FROM model WHERE current = 0) {where}""",
            *arguments,
        )
        return int(row[0])

    def stale(self, below: str = "", place: tuple[int, int] | None = None) -> StalePage:
        """The next of those photos, newest first. Looks at so many rows and no more, so a page may be empty."""
        where, arguments = _below(below)
        rows = self._all(
            f"""
            SELECT path, size, mtime_ns, ctime_ns, inode, photo.id,
                   content.model IN (SELECT id FROM model WHERE current = 0) AND state = 'scored'
            FROM (SELECT * FROM photo INDEXED BY photo_by_age WHERE {_PRESENT} AND (mtime_ns, id) < (?, ?) {where}
                  ORDER BY mtime_ns DESC, id DESC LIMIT {_PAGE}) AS photo JOIN content USING (sha256)
            ORDER BY mtime_ns DESC, photo.id DESC""",
            *(place or _BEFORE_ALL),
            *arguments,
        )
        photos = tuple(
            (from_sql(path), Fingerprint(size, mtime, ctime, inode % 2**64))
            for path, size, mtime, ctime, inode, _, stale in rows
            if stale
        )
        return StalePage(photos, (rows[-1][2], rows[-1][5]) if len(rows) == _PAGE else None)

    def verdict(self, sha256: str, model_key: str) -> Verdict | None:
        """The verdict of the model named by `model_key` on these bytes, if there is one."""
        row = self._one(
            """
            SELECT width, height, taken_at, camera, score, vector
            FROM content JOIN model ON model.id = content.model AND model.key = ?
            JOIN embedding ON embedding.content = content.id AND embedding.tower = model.tower
            WHERE sha256 = ?""",
            model_key,
            sha256,
        )
        if row:
            return Scored(sha256, Facts(*row[:4]), row[4], row[5])
        row = self._one("SELECT reason FROM photo WHERE sha256 = ? AND state = 'unscoreable' LIMIT 1", sha256)
        return Unscoreable(sha256, row[0]) if row else None

    def scores(self, below: str = "") -> Iterator[float]:
        """The scores of all ranked photos, in no order."""
        where, arguments = _below(below)
        return (score for (score,) in self._stream(f"SELECT score {self._ranked} {where}", *arguments))

    def given(self) -> Iterator[float]:
        """The scores that the current model gave, one for each content, lowest first; by an index alone."""
        rows = self._stream(
            "SELECT score FROM content WHERE model = (SELECT id FROM model WHERE current = 1) ORDER BY score"
        )
        return (score for (score,) in rows)

    def top(
        self, count: int, *, below: str = "", bounds: Bounds = EVERYTHING, worst: bool = False
    ) -> list[RankedPhoto]:
        """The `count` best photos, best first, or the worst; with `below`, only those in that subdirectory."""
        where, arguments = _below(below)
        within, limits = _within(bounds)
        rows = self._all(
            f"""
            SELECT photo.path, sha256, score, width, height, taken_at, camera {self._ranked} {where} {within}
            ORDER BY score {"" if worst else "DESC"}, photo.path LIMIT ?""",
            *arguments,
            *limits,
            count,
        )
        return [RankedPhoto(from_sql(path), sha, score, Facts(*facts)) for path, sha, score, *facts in rows]

    def embeddings(self, sha256s: Sequence[str]) -> dict[str, bytes]:
        """The ranking model's embeddings of those contents that have one, as EMBEDDING_DTYPE."""
        sql = f"""
            SELECT sha256, vector FROM json_each(?) JOIN content ON content.sha256 = json_each.value
            JOIN embedding ON embedding.content = content.id
            WHERE tower = (SELECT tower FROM model WHERE id = {self._model})"""
        return dict(self._all(sql, json.dumps(list(sha256s))))

    def histogram(self) -> dict[int, int]:
        """How many contents are ranked in each half point, from 0 to 20; by the index alone."""
        return dict(
            self._all(f"""
            SELECT CAST(score * 2 AS INTEGER), count(*) FROM content WHERE model = {self._model} GROUP BY 1""")
        )

    def means(self, by: Literal["year", "camera"], below: str = "") -> list[tuple[str | None, int, float]]:
        """Ranked photos and their mean score by the year they were taken in, or by camera; None: not known."""
        where, arguments = _below(below)
        label = {"year": "substr(taken_at, 1, 4)", "camera": "camera"}[by]
        return self._all(f"SELECT {label}, count(*), avg(score) {self._ranked} {where} GROUP BY 1", *arguments)

    def duplicates(self) -> tuple[int, int]:
        """How many photos repeat the bytes of another, and how many bytes they take."""
        files, size = self._one(f"""
            SELECT total(n - 1), total((n - 1) * size)
            FROM (SELECT count(*) AS n, max(size) AS size FROM photo WHERE {_PRESENT} GROUP BY sha256)""")
        return int(files), int(size)

    def ranked(self, *, above: float = -1.0, below: str = "") -> int:
        """How many photos are ranked, counting only scores higher than `above`."""
        where, arguments = _below(below)
        if above < 0 and not below and self._model == _CURRENT:
            return self.totals().scored
        row = self._one(f"SELECT count(*) {self._ranked} {where} AND score > ?", *arguments, above)
        return int(row[0]) if row else 0

    def failed(self) -> list[FailedPhoto]:
        """The photos that could not be decoded, by path."""
        rows = self._all(
            f"""SELECT path, sha256, reason FROM photo
            WHERE state = 'unscoreable' AND {_PRESENT} ORDER BY path"""
        )
        return [FailedPhoto(from_sql(path), sha256, reason) for path, sha256, reason in rows]

    def details(self, path: str) -> PhotoDetails | None:
        """All about one photo, by its path relative to the folder."""
        row = self._one(
            """
            SELECT photo.sha256, state, reason, score, width, height, taken_at, camera, description,
                   size, mtime_ns / 1e9, first_seen_at, committed_at, scored_at, missing_since
            FROM photo JOIN content USING (sha256) LEFT JOIN model ON model.id = content.model
            WHERE path = ?""",
            to_sql(path),
        )
        if row is None:
            return None
        sha256, state, reason, score, width, height, taken_at, camera, model, *times = row
        return PhotoDetails(
            path, sha256, state, reason, score,
            Facts(width, height, taken_at, camera) if width else None,
            json.loads(model) if model else None,
            *times,
        )  # fmt: skip

    def copies(self, sha256: str) -> list[str]:
        """The paths of all photos with these bytes."""
        rows = self._all(f"SELECT path FROM photo WHERE sha256 = ? AND {_PRESENT} ORDER BY path", sha256)
        return [from_sql(path) for (path,) in rows]

    def totals(self) -> Totals:
        """How many photos are scored, stale, unscoreable, missing."""
        present = dict(self._all(f"SELECT state, count(*) FROM photo WHERE {_PRESENT} GROUP BY state"))
        stale = self.count_stale()
        missing = self._one("SELECT count(*) FROM photo WHERE missing_since IS NOT NULL")
        return Totals(
            scored=present.get("scored", 0) - stale,
            stale=stale,
            unscoreable=present.get("unscoreable", 0),
            missing=missing[0] if missing else 0,
        )

    def model(self) -> dict[str, Any] | None:
        """The identity of the current model."""
        row = self._one("SELECT description FROM model WHERE current = 1")
        return json.loads(row[0]) if row else None

    def earlier_models(self) -> list[tuple[str, dict[str, Any]]]:
        """Key and identity of the models whose scores some photos still have, the latest first."""
        rows = self._all(
            f"""
            SELECT key, description FROM model WHERE current = 0 AND EXISTS
            (SELECT 1 {_SCORED} AND content.model = model.id) ORDER BY id DESC"""
        )
        return [(key, json.loads(description)) for key, description in rows]

    def model_key(self) -> str | None:
        """The key of the current model's identity."""
        row = self._one("SELECT key FROM model WHERE current = 1")
        return str(row[0]) if row else None

    def compared_at(self) -> int | None:
        """When the whole folder was last compared with this database, in seconds since 1970."""
        row = self._one("SELECT compared_at FROM folder")
        return row[0] if row else None

    def _all(self, sql: str, *arguments: object) -> list[Any]:
        with database_errors(self.path), self._lock:
            if self._closed:
                raise Closed
            return self._db.execute(sql, arguments).fetchall()

    def _stream(self, sql: str, *arguments: object) -> Iterator[Any]:
        """Rows as they come, for answers that are as long as the archive; others may ask in between."""
        cursor = None
        while True:
            with database_errors(self.path), self._lock:
                if self._closed:
                    raise Closed
                cursor = cursor or self._db.execute(sql, arguments)
                rows = cursor.fetchmany(_STREAMED)
            if not rows:
                return
            yield from rows

    def _one(self, sql: str, *arguments: object) -> Any:
        return next(iter(self._all(sql, *arguments)), None)


def _as_seen(row: PhotoRow) -> PhotoRow:
    """A row as a listing shows its photo: names that are not UTF-8 are text, inodes are positive."""
    path, size, mtime_ns, ctime_ns, inode, missing, stale = row
    return from_sql(path), size, mtime_ns, ctime_ns, inode % 2**64, missing, stale


def _below(directory: str) -> tuple[str, list[str | bytes]]:
    """A condition for the photos in a subdirectory at any depth, and its arguments."""
    if not directory:
        return "", []
    inside, after = directory + os.sep, directory + chr(ord(os.sep) + 1)  # `after` sorts right behind all inside
    ranges = "photo.directory >= ? AND photo.directory < ?"  # once for text, once for bytes, which sort apart
    return f"AND (photo.directory = ? OR {ranges} OR {ranges})", [
        to_sql(directory), to_sql(inside), to_sql(after), os.fsencode(inside), os.fsencode(after),
    ]  # fmt: skip


def _within(bounds: Bounds) -> tuple[str, list[str | float]]:
    """A condition for the photos within bounds, and its arguments."""
    conditions: list[tuple[str, str | float]] = []
    if bounds.since is not None:
        conditions.append(("taken_at >= ?", bounds.since))
    if bounds.until is not None:
        conditions.append((f"substr(taken_at, 1, {len(bounds.until)}) <= ?", bounds.until))
    if bounds.month is not None:
        conditions.append(("substr(taken_at, 6, 2) = ?", f"{bounds.month:02}"))
    if bounds.min_score is not None:
        conditions.append(("score >= ?", bounds.min_score))
    return "".join(f" AND {condition}" for condition, _ in conditions), [value for _, value in conditions]
