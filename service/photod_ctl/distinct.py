"""One photo for each scene: bursts and near-duplicates give way to the best of them.

How alike two embeddings must be differs from model to model. So it is measured against the archive itself: as
alike as only one pair in so many of its photos is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photod.photos import EMBEDDING_DTYPE
from photod_ctl.ranking import Place

BURST_S = 10.0  # frames of one camera this close together show one scene, however they look
SCENE_S = 600.0  # and this close together if they look alike
SCENE_PAIRS = 100  # alike: as only one pair in 100 of the archive
TWIN_PAIRS = 10_000  # where a date is missing: as only one pair in 10,000
SAMPLE = 2000  # photos whose pairs tell what is alike
ROWS = 4096  # looked at in one go

Vectors = NDArray[np.float32]
"""[photos, dimensions], unit length; zeros where there is no embedding."""
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

    def __init__(self, sample: Vectors) -> None:
        pairs = (sample @ sample.T)[np.triu_indices(len(sample), 1)]
        self._scene = float(np.quantile(pairs, 1 - 1 / SCENE_PAIRS)) if len(pairs) else np.inf
        self._twin = float(np.quantile(pairs, 1 - 1 / TWIN_PAIRS)) if len(pairs) else np.inf

    def same(self, some: _Looks, others: _Looks) -> NDArray[np.bool_]:
        """[some, others]: whether two photos show the same scene."""
        if not len(others.taken):
            return np.zeros((len(some.taken), 0), bool)
        alike = some.vectors @ others.vectors.T
        gap = np.abs(some.taken[:, None] - others.taken[None, :])
        one_camera = some.camera[:, None] == others.camera[None, :]
        burst = one_camera & (gap <= BURST_S)
        scene = (gap <= SCENE_S) & (alike >= self._scene)
        twin = np.isnan(gap) & (alike >= self._twin)
        copies = some.sha256[:, None] == others.sha256[None, :]
        same: NDArray[np.bool_] = burst | scene | twin | copies
        return same


def _sample(places: Sequence[Place], embeddings: Embeddings) -> Vectors:
    some = places[:: max(1, len(places) // SAMPLE)][:SAMPLE]
    return vectors_of(some, embeddings(some))


def _seconds(taken_at: str | None) -> float:
    if taken_at is None:
        return float("nan")
    try:
        return datetime.fromisoformat(taken_at).timestamp()
    except ValueError:  # a camera's clock may say the 0th of month 0
        return float("nan")
