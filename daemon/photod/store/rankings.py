"""The questions about ranked photos. Each goes through the index of scores, which has all but names and cameras.

photod has SQLite keep no statistics, since those of a young database mislead when it has grown, and without them
SQLite would begin with the photos. So the order of each join is given (CROSS JOIN).
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path
from typing import Any, Literal

from photod.photos import Facts
from photod.store.reading import ReadOnly
from photod.store.schema import from_sql, to_sql

_CURRENT = "(SELECT id FROM model WHERE current = 1)"
_THERE = "photo.state = 'scored' AND photo.missing_since IS NULL"
_WITH_PHOTOS = f"CROSS JOIN photo ON photo.content = content.id AND {_THERE}"


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


class Rankings(ReadOnly):
    """The ranked photos of a folder: those that the current model has scored.

    With `model`, the key of an earlier one, those that still have its scores.
    """

    def __init__(self, path: Path, model: str | None = None) -> None:
        super().__init__(path)
        self._model = _CURRENT
        if model is not None:
            row = self._one("SELECT id FROM model WHERE key = ?", model)
            self._model = str(int(row[0])) if row else "NULL"
        self._ranked = f"content.model = {self._model} AND content.photos > 0"

    def top(
        self, count: int, *, below: str = "", bounds: Bounds = EVERYTHING, worst: bool = False
    ) -> list[RankedPhoto]:
        """The `count` best photos, best first, or the worst; with `below`, only those in that subdirectory."""
        where, arguments = below_condition(below)
        within, limits = _within(bounds)
        joined = self._joined(below)
        return self._each(
            _ranked_photo,
            f"""
            SELECT photo.path, content.sha256, score, width, height, taken_at, camera {joined} {where} {within}
            ORDER BY score {"" if worst else "DESC"}, photo.path LIMIT ?""",
            *arguments,
            *limits,
            count,
        )

    def scores(self, below: str = "") -> Iterator[float]:
        """The scores of all ranked photos, in no order."""
        photos, ranked, arguments = self._counted(below)
        rows = self._stream(f"SELECT score, {photos} {ranked}", *arguments)
        return chain.from_iterable(repeat(score, photos) for score, photos in rows)

    def given(self) -> Iterator[float]:
        """The scores that the current model gave, one for each content, in no order; by an index alone."""
        rows = self._stream(f"SELECT score FROM content WHERE model = {_CURRENT}")
        return (score for (score,) in rows)

    def ranked(self, below: str = "") -> int:
        """How many photos are ranked."""
        if below:
            where, arguments = below_condition(below)
            return int(self._one(f"SELECT count(*) {self._joined(below)} {where}", *arguments)[0])
        row = self._one(f"SELECT photos FROM model WHERE id = {self._model}")
        return int(row[0]) if row else 0

    def higher(self, falling: Sequence[float]) -> list[int]:
        """How many photos are ranked above each of these scores, which fall. Looks at no score twice."""
        counts, total, ceiling = [], 0, 11.0
        for score in falling:
            ranked = f"FROM content WHERE {self._ranked} AND score > ? AND score <= ?"
            total += self._one(f"SELECT coalesce(sum(photos), 0) AS photos {ranked}", score, ceiling)[0]
            ceiling = score
            counts.append(total)
        return counts

    def histogram(self, below: str = "") -> dict[int, int]:
        """How many photos are ranked in each half point, from 0 to 20."""
        photos, ranked, arguments = self._counted(below)
        return dict(self._all(f"SELECT CAST(score * 2 AS INTEGER), sum({photos}) {ranked} GROUP BY 1", *arguments))

    def points(self, below: str = "") -> float:
        """The sum of the scores of all ranked photos."""
        photos, ranked, arguments = self._counted(below)
        return float(self._one(f"SELECT total(score * {photos}) AS points {ranked}", *arguments)[0])

    def counted_scores(self, low: float, high: float, below: str = "") -> Iterator[tuple[float, int]]:
        """The scores from `low` on and lower than `high`, lowest first, with how many ranked photos have each.

        A score may come more than once.
        """
        photos, ranked, arguments = self._counted(below)
        within = f"{ranked} AND score >= ? AND score < ? ORDER BY score"
        return self._stream(f"SELECT score, {photos} {within}", *arguments, low, high)

    def means(self, by: Literal["year", "camera"], below: str = "") -> list[tuple[str | None, int, float]]:
        """Ranked photos and their mean score by the year they were taken in, or by camera; None: not known."""
        label = {"year": "substr(taken_at, 1, 4)", "camera": "camera"}[by]
        if below:
            where, arguments = below_condition(below)
            sql = f"SELECT {label} AS {by}, count(*), avg(score) AS mean {self._joined(below)} {where} GROUP BY 1"
            return self._all(sql, *arguments)
        # The index has no cameras; to read the table from its beginning is quicker then, hence the plus.
        ranked = self._ranked if by == "year" else f"+{self._ranked}"
        return self._all(f"""
            SELECT {label} AS {by}, sum(photos), sum(score * photos) / sum(photos) AS mean FROM content
            WHERE {ranked} GROUP BY 1""")

    def duplicates(self, below: str = "") -> tuple[int, int]:
        """How many ranked photos repeat the bytes of another, and how many bytes they take."""
        where, arguments = below_condition(below)
        if below:
            columns = "count(*) AS photos, size"
            each = f"SELECT {columns} {self._joined(below)} {where} GROUP BY content.id"
        else:
            columns = "photos, (SELECT size FROM photo WHERE photo.content = content.id) AS size"
            each = f"SELECT {columns} FROM content WHERE {self._ranked} AND photos > 1"
        sums = "coalesce(sum(photos - 1), 0), coalesce(sum((photos - 1) * size), 0)"
        files, size = self._one(f"SELECT {sums} FROM ({each})", *arguments)
        return files, size

    def contents(
        self, below: str = "", bounds: Bounds = EVERYTHING
    ) -> Iterator[tuple[int, str, float, int, str | None, str | None]]:
        """Each content of the photos that `top` ranks, in no order.

        Its row, its SHA-256, its score, how many of those photos have it, and when and by what they were taken.
        """
        within, limits = _within(bounds)
        if below:
            where, arguments = below_condition(below)
            ranked, photos, each = f"{self._joined(below)} {where}", "count(*)", "GROUP BY content.id"
        else:  # the index has neither cameras nor hashes, hence the plus
            ranked, photos, each, arguments = f"FROM content WHERE +{self._ranked}", "photos", "", []
        sql = f"SELECT content.id, content.sha256, score, {photos}, taken_at, camera {ranked} {within} {each}"
        return self._stream(sql, *arguments, *limits)

    def contents_scored(self, score: float, below: str = "") -> list[int]:
        """The content of each ranked photo with exactly this score, by the photos' paths."""
        where, arguments = below_condition(below)
        sql = f"SELECT content.id {self._joined('')} {where} AND score = ? ORDER BY photo.path"
        return [content for (content,) in self._all(sql, *arguments, score)]

    def embeddings_of(self, contents: Sequence[int]) -> dict[int, bytes]:
        """The ranking model's embeddings of those contents that have one, as EMBEDDING_DTYPE."""
        sql = f"""
            SELECT content, vector FROM json_each(?) CROSS JOIN embedding ON embedding.content = json_each.value
            AND tower = (SELECT tower FROM model WHERE id = {self._model})"""
        return dict(self._all(sql, json.dumps(list(contents))))

    def embedding(self, sha256: str) -> bytes | None:
        """The ranking model's embedding of a content, as EMBEDDING_DTYPE, if it has one."""
        row = self._one(
            f"""SELECT vector FROM content JOIN embedding ON embedding.content = content.id
            WHERE sha256 = ? AND tower = (SELECT tower FROM model WHERE id = {self._model})
            AND length(vector) % 2 = 0""",
            sha256,
        )
        return row[0] if row else None

    def all_embeddings(self) -> Iterator[tuple[str, bytes]]:
        """SHA-256 and embedding of every ranked content, in the order in which they lie on the disk."""
        return self._stream(f"""
            SELECT sha256, vector FROM embedding CROSS JOIN content ON content.id = embedding.content
            WHERE tower = (SELECT tower FROM model WHERE id = {self._model}) AND {self._ranked}""")

    def photo_with(self, sha256: str) -> RankedPhoto | None:
        """A ranked photo with these bytes, the first by path."""
        return self._first_photo("content.sha256 = ?", sha256)

    def photo_of(self, content: int, below: str = "") -> RankedPhoto | None:
        """The first by path of the ranked photos with this content."""
        where, arguments = below_condition(below)
        return self._first_photo(f"content.id = ? {where}", content, *arguments)

    def _first_photo(self, condition: str, *arguments: object) -> RankedPhoto | None:
        photos = self._each(
            _ranked_photo,
            f"""SELECT photo.path, content.sha256, score, width, height, taken_at, camera {self._joined("")}
            AND {condition} ORDER BY photo.path LIMIT 1""",
            *arguments,
        )
        return photos[0] if photos else None

    def _counted(self, below: str) -> tuple[str, str, list[str | bytes]]:
        """For sums over photos: how many one row stands for, the rows, and their arguments."""
        if not below:
            return "photos", f"FROM content WHERE {self._ranked}", []
        where, arguments = below_condition(below)
        return "1", f"{self._joined(below)} {where}", arguments

    def _joined(self, below: str) -> str:
        """Ranked contents with their photos: best first without sorting, or beginning with a directory's photos."""
        if below:
            return f"FROM photo CROSS JOIN content ON content.id = photo.content WHERE {_THERE} AND {self._ranked}"
        return f"FROM content {_WITH_PHOTOS} WHERE {self._ranked}"


def _ranked_photo(path: str | bytes, sha256: str, score: float, *facts: Any) -> RankedPhoto:
    return RankedPhoto(from_sql(path), sha256, score, Facts(*facts))


def below_condition(directory: str) -> tuple[str, list[str | bytes]]:
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
