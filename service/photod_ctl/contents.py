"""The ranked contents of several databases together, as columns: a million of them take 50 MB.

A content stands for all photos that have its bytes; they score alike and show the same.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cached_property
from itertools import count

import numpy as np
from numpy.typing import NDArray

from photod.photos import EMBEDDING_DTYPE
from photod.store.queries import Bounds, RankedPhoto, Reader
from photod_ctl.folders import Archive
from photod_ctl.lens import SAMPLE, Vectors

COLUMNS = np.dtype([
    ("member", np.int32),  # which database
    ("content", np.int64),  # its row there
    ("bytes", np.int64),  # equal where the bytes are: a hash of their SHA-256
    ("score", np.float64),
    ("photos", np.int32),
    ("taken", np.float64),  # seconds since 1970; NaN where the date is missing
    ("camera", np.int32),  # a number for each; photos without have one, too
])  # fmt: skip
Rows = NDArray[np.void]
"""[contents] of COLUMNS."""


class Contents:
    """The contents within bounds, best first, or worst first. Photos of equal scores are ranked by their paths."""

    def __init__(self, members: Sequence[tuple[Archive, Reader]], bounds: Bounds, worst: bool) -> None:
        self._members = members
        cameras = defaultdict[str, int](count().__next__)
        rows = np.concatenate([
            np.fromiter(_columns(number, member, bounds, cameras), COLUMNS)
            for number, member in enumerate(members)
        ])  # fmt: skip
        order = np.argsort(rows["score"] if worst else -rows["score"], kind="stable")
        self._rows = rows[order]
        ties = np.flatnonzero((np.diff(self._rows["score"]) == 0) & (np.diff(self._rows["member"]) == 0))
        begins = np.ones(len(rows), bool)
        begins[ties + 1] = False
        self._edges = np.append(np.flatnonzero(begins), len(rows))  # between contents of different scores

    def __len__(self) -> int:
        return len(self._rows)

    def blocks(self, size: int) -> Iterator[Rows]:
        """All in their order, so many at a time."""
        for start in range(0, len(self), size):
            stop = min(start + size, len(self))
            for tie in range(*np.searchsorted(self._edges, (start, stop))):
                self._put_in_order(tie)
            yield self._rows[start:stop]

    def after(self, first: int) -> Rows:
        """All but the `first` so many, in the order in which their embeddings lie on the disk.

        Those without a date come last: they must be compared with everything, and those with one need not.
        """
        rest = self._rows[first:]
        return rest[np.lexsort((rest["content"], np.isnan(rest["taken"])))]

    @cached_property
    def sample(self) -> Rows:
        """Those of every n-th photo of the ranking."""
        last = np.cumsum(self._rows["photos"], dtype=np.int64)  # place in the ranking behind each content's photos
        photos = int(last[-1]) if len(self) else 0
        places = np.arange(0, photos, max(1, photos // SAMPLE))[:SAMPLE]
        found = np.searchsorted(last, places, side="right")
        ties = np.searchsorted(self._edges, found, side="right") - 1
        for tie in np.unique(ties):
            start, stop = self._edges[tie : tie + 2]
            if stop - start > 1:
                before = last[start] - self._rows["photos"][start]
                found[ties == tie] = np.take(self._by_path(tie), places[ties == tie] - before, mode="clip")
        return self._rows[found]

    def vectors(self, rows: Rows) -> Vectors:
        """Their embeddings, [rows, dimensions]; zeros where there is none."""
        size = self._dimensions * np.dtype(EMBEDDING_DTYPE).itemsize
        stored = b"".join(found if len(found) == size else bytes(size) for found in self._embeddings(rows))
        vectors = np.frombuffer(stored, EMBEDDING_DTYPE).reshape(len(rows), self._dimensions).astype(np.float32)
        strange = ~np.isfinite(vectors.sum(axis=1))
        vectors[strange] = np.nan_to_num(vectors[strange])
        return vectors

    def first_photo(self, row: np.void) -> tuple[str, RankedPhoto] | None:
        """Of a content's photos the first by path, and its folder; None where only its database counts some."""
        archive, reader = self._members[row["member"]]
        photo = reader.photo_of(int(row["content"]), archive.below)
        return photo and (archive.folder, photo)

    @cached_property
    def _dimensions(self) -> int:
        return max(map(len, self._embeddings(self.sample)), default=0) // np.dtype(EMBEDDING_DTYPE).itemsize

    def _embeddings(self, rows: Rows) -> list[bytes]:
        """As they are stored; empty where there is none."""
        found = [
            reader.embeddings_of(rows["content"][rows["member"] == member].tolist())
            for member, (_, reader) in enumerate(self._members)
        ]
        places = zip(rows["member"].tolist(), rows["content"].tolist(), strict=True)
        return [found[member].get(content, b"") for member, content in places]

    def _put_in_order(self, tie: int) -> None:
        start, stop = self._edges[tie : tie + 2]
        if stop - start > 1:
            order = dict.fromkeys([*self._by_path(tie), *range(start, stop)])
            self._rows[start:stop] = self._rows[list(order)]

    def _by_path(self, tie: int) -> list[int]:
        """The row of each photo with this score, by the photos' paths."""
        start, stop = self._edges[tie : tie + 2]
        rows = {content: row for row, content in enumerate(self._rows["content"][start:stop].tolist(), start)}
        archive, reader = self._members[self._rows["member"][start]]
        contents = reader.contents_scored(float(self._rows["score"][start]), archive.below)
        return [rows[content] for content in contents if content in rows] or list(range(start, stop))


def _columns(
    number: int, member: tuple[Archive, Reader], bounds: Bounds, cameras: defaultdict[str, int]
) -> Iterator[tuple[int, int, int, float, int, float, int]]:
    archive, reader = member
    for content, sha256, score, photos, taken_at, camera in reader.contents(archive.below, bounds):
        yield number, content, hash(sha256), score, photos, _seconds(taken_at), cameras[camera or ""]


def _seconds(taken_at: str | None) -> float:
    if taken_at is None:
        return np.nan
    try:
        return datetime.fromisoformat(taken_at).timestamp()
    except ValueError:  # a camera's clock may say the 0th of month 0
        return np.nan
