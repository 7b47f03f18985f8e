"""The questions that the daemon and the client ask a folder's database. Nothing here writes."""

import json
from dataclasses import dataclass
from typing import Any

from photod.photos import Facts, Fingerprint, PhotoRow, Scored, StalePage, Unscoreable, Verdict
from photod.store.errors import reading_errors
from photod.store.rankings import EVERYTHING, Bounds, RankedPhoto, Rankings, below_condition
from photod.store.reading import foreign_rows
from photod.store.schema import ForeignError, directory_from_sql, from_sql, signed, to_sql, unsigned

__all__ = [
    "EVERYTHING", "Bounds", "EarlierContent", "EarlierScore", "FailedPhoto", "PhotoDetails", "RankedPhoto",
    "Reader", "Totals",
]  # fmt: skip

_PRESENT = "photo.missing_since IS NULL"
_PHOTOS_WITH = "photo JOIN content ON content.id = photo.content WHERE content.sha256 = ?"
# Only where some score is an earlier model's does this ask which ones: that takes as long as all the rest.
_KNOWN = """
    SELECT path, size, mtime_ns, ctime_ns, inode, missing_since IS NOT NULL,
           CASE WHEN EXISTS (SELECT 1 FROM model WHERE current = 0
                             AND EXISTS (SELECT 1 FROM content WHERE content.model = model.id))
           THEN (SELECT photo.state = 'scored' AND model <> (SELECT id FROM model WHERE current = 1)
                 FROM content WHERE content.id = photo.content)
           ELSE 0 END
    FROM photo WHERE directory = ?"""
_PAGE = 256  # photos looked at for one page of stale ones
_BEFORE_ALL = (2**63 - 1, 2**63 - 1)


@dataclass(frozen=True, slots=True)
class FailedPhoto:
    """A photo that could not be decoded."""

    path: str
    sha256: str
    reason: str
    committed_at: int  # when that was found, seconds since 1970, UTC


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


@dataclass(frozen=True, slots=True)
class EarlierScore:
    """A score that a later model's has replaced."""

    score: float
    scored_at: int
    model: dict[str, Any]  # its identity


@dataclass(frozen=True, slots=True)
class EarlierContent:
    """What a path held before."""

    sha256: str
    score: float | None  # None: could not be decoded
    until: int


class Reader(Rankings):
    """A read-only view of a folder's database; any thread may ask. Methods raise DatabaseError."""

    def known(self, directory: str) -> list[PhotoRow]:
        """The photos directly in `directory` (relative, '' at the top), missing ones too.

        To be compared with a listing: one that is in none may have any name, and must not be looked for by it.
        """
        rows = self._all_unseen(_KNOWN, to_sql(directory))
        with reading_errors(self.path), foreign_rows():
            return [row if type(row[0]) is str and row[4] >= 0 else _as_seen(row) for row in rows]

    def paths_of(self, fingerprint: Fingerprint) -> list[str]:
        """The paths, missing ones too, whose file had this fingerprint: where a file may have come from."""
        return self._each(
            from_sql, "SELECT path FROM photo WHERE inode = ? AND size = ? AND mtime_ns = ? AND ctime_ns = ?",
            signed(fingerprint.inode), fingerprint.size, fingerprint.mtime_ns, fingerprint.ctime_ns,
        )  # fmt: skip

    def links_of(self, inode: int) -> list[str]:
        """The paths of photos that are there, whose file had this inode: several are hard links."""
        return self._each(from_sql, f"SELECT path FROM photo WHERE inode = ? AND {_PRESENT}", signed(inode))

    def directories(self, below: str = "") -> list[str]:
        """Every directory that holds photos which are not missing; with `below`, it and those inside it."""
        where, arguments = below_condition(below)
        sql = f"SELECT DISTINCT directory FROM photo WHERE {_PRESENT} {where}"
        return self._each(directory_from_sql, sql, *arguments)

    def count_stale(self, below: str = "") -> int:
        """How many photos an earlier model scored, and the current one not yet."""
        if not below:
            return int(self._one("SELECT coalesce(sum(photos), 0) AS photos FROM model WHERE current = 0")[0])
        where, arguments = below_condition(below)
        row = self._one(
            f"""
            SELECT count(*) FROM photo CROSS JOIN content ON content.id = photo.content
            WHERE state = 'scored' AND {_PRESENT}
            AND content.model IN (SELECT id FROM model WHERE current = 0) {where}""",
            *arguments,
        )
        return int(row[0])

    def stale(self, below: str = "", place: tuple[int, int] | None = None) -> StalePage:
        """The next of those photos, newest first. Looks at so many rows and no more, so a page may be empty."""
        where, arguments = below_condition(below)
        rows = self._all(
            f"""
            SELECT path, size, mtime_ns, ctime_ns, inode, photo.id,
                   content.model IN (SELECT id FROM model WHERE current = 0) AND state = 'scored'
            FROM (SELECT * FROM photo INDEXED BY photo_by_age WHERE {_PRESENT} AND (mtime_ns, id) < (?, ?) {where}
                  ORDER BY mtime_ns DESC, id DESC LIMIT {_PAGE}) AS photo
            JOIN content ON content.id = photo.content
            ORDER BY mtime_ns DESC, photo.id DESC""",
            *(place or _BEFORE_ALL),
            *arguments,
        )
        with reading_errors(self.path):
            photos = tuple(
                (from_sql(path), Fingerprint(size, mtime, ctime, unsigned(inode)))
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
        # It may be of another folder, whose database a stranger has made.
        if row and 0 <= row[4] <= 10:
            return Scored(sha256, Facts(*row[:4]), row[4], row[5])
        row = self._one(f"SELECT reason FROM {_PHOTOS_WITH} AND state = 'unscoreable' LIMIT 1", sha256)
        return Unscoreable(sha256, row[0]) if row else None

    def failed(self, latest: int | None = None, below: str = "") -> list[FailedPhoto]:
        """The photos that could not be decoded, by path; or so many of them, the latest first.

        With `below`, only those in that subdirectory.
        """
        where, arguments = below_condition(below)
        order = "path" if latest is None else "committed_at DESC, id DESC"
        return self._each(
            _failed_photo,
            f"""SELECT path, sha256, reason, committed_at FROM photo
            WHERE state = 'unscoreable' AND {_PRESENT} {where} ORDER BY {order} LIMIT ?""",
            *arguments,
            -1 if latest is None else latest,
        )

    def details(self, path: str) -> PhotoDetails | None:
        """All about one photo, by its path relative to the folder."""

        def details(*row: Any) -> PhotoDetails:
            sha256, state, reason, score, width, height, taken_at, camera, model, size, mtime_ns, *times = row
            return PhotoDetails(
                path, sha256, state, reason, score,
                Facts(width, height, taken_at, camera) if width else None,
                _identity(model) if model else None,
                size, mtime_ns / 1e9, *times,
            )  # fmt: skip

        found = self._each(
            details,
            """
            SELECT photo.sha256, state, reason, score AS any_score, width, height, taken_at, camera, description,
                   size, mtime_ns, first_seen_at, committed_at, scored_at, missing_since
            FROM photo LEFT JOIN content ON content.id = photo.content AND state = 'scored'
            LEFT JOIN model ON model.id = content.model WHERE path = ?""",
            to_sql(path),
        )
        return found[0] if found else None

    def earlier_scores(self, sha256: str) -> list[EarlierScore]:
        """The scores that these bytes had by other models, the latest first."""
        return self._each(
            lambda score, moment, model: EarlierScore(score, moment, _identity(model)),
            """
            SELECT earlier_score.score, earlier_score.scored_at, description FROM content
            JOIN earlier_score ON earlier_score.content = content.id JOIN model ON model.id = earlier_score.model
            WHERE sha256 = ? AND earlier_score.model IS NOT content.model ORDER BY earlier_score.scored_at DESC""",
            sha256,
        )

    def earlier_contents(self, path: str) -> list[EarlierContent]:
        """What this path held before, the latest first; the last few only."""
        rows = self._all(
            """
            SELECT earlier_content.sha256, score AS any_score, until
            FROM photo JOIN earlier_content ON photo = photo.id WHERE path = ? ORDER BY earlier_content.id DESC""",
            to_sql(path),
        )
        return [EarlierContent(*row) for row in rows]

    def copies(self, sha256: str) -> list[str]:
        """The paths of all photos with these bytes."""
        return self._each(from_sql, f"SELECT path FROM {_PHOTOS_WITH} AND {_PRESENT} ORDER BY path", sha256)

    def totals(self) -> Totals:
        """How many photos are scored, stale, unscoreable, missing."""
        (unscoreable,) = self._one(f"SELECT count(*) FROM photo WHERE state = 'unscoreable' AND {_PRESENT}")
        (scored,) = self._one("SELECT coalesce(sum(photos), 0) AS photos FROM model WHERE current = 1")
        return Totals(scored, self.count_stale(), unscoreable, self.missing())

    def missing(self, below: str = "") -> int:
        """How many photos a listing of their directory lacked; with `below`, only those in that subdirectory."""
        where, arguments = below_condition(below)
        return int(self._one(f"SELECT count(*) FROM photo WHERE missing_since IS NOT NULL {where}", *arguments)[0])

    def model(self) -> dict[str, Any] | None:
        """The identity of the current model."""
        current = self._each(_identity, "SELECT description FROM model WHERE current = 1")
        return current[0] if current else None

    def earlier_models(self) -> list[tuple[str, dict[str, Any]]]:
        """Key and identity of the models whose scores some photos still have, the latest first."""
        return self._each(
            lambda key, description: (key, _identity(description)),
            "SELECT key, description FROM model WHERE current = 0 AND photos > 0 ORDER BY id DESC",
        )

    def model_key(self) -> str | None:
        """The key of the current model's identity."""
        row = self._one("SELECT key FROM model WHERE current = 1")
        return str(row[0]) if row else None

    def compared_at(self) -> int | None:
        """When the whole folder was last compared with this database, in seconds since 1970."""
        row = self._one("SELECT compared_at FROM folder")
        return row[0] if row else None


def _identity(description: str) -> dict[str, Any]:
    """A model's identity, as it was written down. Raises ForeignError where it says too little."""
    model: dict[str, Any] = json.loads(description)
    names = [model[name] for name in ("name", "architecture", "weights_sha256")]
    prompts = [word for good, bad in model["prompts"] for word in (good, bad)]
    if not all(isinstance(word, str) for word in names + prompts):
        raise ForeignError("a model in it is none")
    return model


def _failed_photo(path: str | bytes, sha256: str, reason: str, committed_at: int) -> FailedPhoto:
    return FailedPhoto(from_sql(path), sha256, reason, committed_at)


def _as_seen(row: PhotoRow) -> PhotoRow:
    """A row as a listing shows its photo: names that are not UTF-8 are text, inodes are positive."""
    path, size, mtime_ns, ctime_ns, inode, missing, stale = row
    return from_sql(path), size, mtime_ns, ctime_ns, unsigned(inode), missing, stale
