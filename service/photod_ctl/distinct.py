"""One photo for each scene: bursts and near-duplicates give way to the best of them.

How alike two embeddings must be differs from model to model. So it is measured against the archive itself: as
alike as only one pair in so many of its photos is. See lens.py for what is done about models that see little
difference between any two photos.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photod.photos import EMBEDDING_DTYPE
from photod_ctl.lens import Vectors, lens_for
from photod_ctl.ranking import Place

BURST_S = 3.0  # frames of one camera this close together show one scene, however they look
# Within so many seconds, those show one scene that are as alike as only one pair in so many is.
SCENES = {10.0: 10, 60.0: 20, 600.0: 100}
TWINS = 10_000  # likewise where a date is missing
SAMPLE = 2000  # photos whose pairs tell what is alike
APART_S = 3600.0  # what lies this far apart is two scenes, so it tells how alike two scenes are
ENOUGH_PAIRS = 1000  # of those; with fewer all pairs must do
ROWS = 4096  # looked at in one go

Embeddings = Callable[[Sequence[Place]], dict[str, bytes]]


@dataclass
class Scene:
    """The best photo of a scene, and how many others show it."""

    best: Place
    others: int = 0


def scenes(places: Sequence[Place], count: int, embeddings: Embeddings) -> list[Scene]:
    """The `count` best scenes of a whole ranking, best first; `embeddings` answers by SHA-256."""
    likeness = _Likeness(_sample(places, embeddings))
    kept: list[Scene] = []
    seen = _Looks.of([], np.zeros((0, 0), np.float32))
    for start in range(0, len(places), ROWS):
        some = places[start : start + ROWS]
        looks = _Looks.of(some, vectors_of(some, embeddings(some)))
        same = likeness.same(looks, seen)  # [some, kept]
        for row, place in enumerate(some):
            scene = int(np.argmax(same[row])) if same.shape[1] and same[row].any() else None
            if scene is not None:
                kept[scene].others += 1
            elif len(kept) < count:
                kept.append(Scene(place))
                new = looks.only(row)
                seen = seen.and_(new)
                same = np.hstack([same, likeness.same(looks, new)])
    return kept


def vectors_of(places: Sequence[Place], embeddings: dict[str, bytes]) -> Vectors:
    """Embeddings as rows of a matrix, in the order of the places."""
    length = max(map(len, embeddings.values()), default=0) // np.dtype(EMBEDDING_DTYPE).itemsize
    vectors = np.zeros((len(places), length), np.float32)
    for row, place in enumerate(places):
        if vector := embeddings.get(place.photo.sha256):
            vectors[row] = np.frombuffer(vector, EMBEDDING_DTYPE)
    return np.nan_to_num(vectors)


@dataclass
class _Looks:
    """What is compared of some photos."""

    vectors: Vectors
    taken: NDArray[Any]  # seconds; NaN where the date is missing
    camera: NDArray[Any]
    sha256: NDArray[Any]

    @classmethod
    def of(cls, places: Sequence[Place], vectors: Vectors) -> "_Looks":
        return cls(
            vectors,
            np.array([_seconds(place.photo.facts.taken_at) for place in places], np.float64),
            np.array([place.photo.facts.camera or "" for place in places], object),
            np.array([place.photo.sha256 for place in places], object),
        )

    def only(self, row: int) -> "_Looks":
        place = slice(row, row + 1)
        return _Looks(self.vectors[place], self.taken[place], self.camera[place], self.sha256[place])

    def and_(self, more: "_Looks") -> "_Looks":
        if not len(self.taken):
            return more
        return _Looks(
            np.vstack([self.vectors, more.vectors]),
            np.concatenate([self.taken, more.taken]),
            np.concatenate([self.camera, more.camera]),
            np.concatenate([self.sha256, more.sha256]),
        )


class _Likeness:
    """Which photos show the same scene."""

    def __init__(self, sample: _Looks) -> None:
        self._lens = lens_for(sample.vectors)
        places = np.triu_indices(len(sample.taken), 1)
        vectors = self._lens(sample.vectors)
        pairs = (vectors @ vectors.T)[places]
        gaps = np.abs(sample.taken[:, None] - sample.taken[None, :])[places]
        if np.count_nonzero(gaps >= APART_S) >= ENOUGH_PAIRS:
            pairs = pairs[gaps >= APART_S]  # they cannot be of one scene
        self._limits = {rarity: _quantile(pairs, 1 - 1 / rarity) for rarity in (*SCENES.values(), TWINS)}

    def same(self, some: _Looks, others: _Looks) -> NDArray[np.bool_]:
        """[some, others]: whether two photos show the same scene."""
        if not len(others.taken):
            return np.zeros((len(some.taken), 0), bool)
        alike = self._lens(some.vectors) @ self._lens(others.vectors).T
        gap = np.abs(some.taken[:, None] - others.taken[None, :])
        same: NDArray[np.bool_] = some.sha256[:, None] == others.sha256[None, :]
        same |= (gap <= BURST_S) & (some.camera[:, None] == others.camera[None, :])
        for within_s, rarity in SCENES.items():
            same |= (gap <= within_s) & (alike >= self._limits[rarity])
        same |= np.isnan(gap) & (alike >= self._limits[TWINS])
        return same


def _sample(places: Sequence[Place], embeddings: Embeddings) -> _Looks:
    some = places[:: max(1, len(places) // SAMPLE)][:SAMPLE]
    return _Looks.of(some, vectors_of(some, embeddings(some)))


def _quantile(values: Vectors, part: float) -> float:
    return float(np.quantile(values, part)) if len(values) else np.inf


def _seconds(taken_at: str | None) -> float:
    if taken_at is None:
        return float("nan")
    try:
        return datetime.fromisoformat(taken_at).timestamp()
    except ValueError:  # a camera's clock may say the 0th of month 0
        return float("nan")
