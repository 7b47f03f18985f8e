"""One photo for each scene: bursts and near-duplicates give way to the best of them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from photod.store.queries import Bounds
from photod_ctl.contents import Contents, Rows
from photod_ctl.folders import Archive
from photod_ctl.likeness import Likeness, Pairs, may_be_same, surely_same
from photod_ctl.ranking import Group, Ranking, by_model, place_photos

ROWS = 1024  # contents looked at in one go
NONE = -1  # in the place of a scene's number


def rank_scenes(archives: Sequence[Archive], count: int, bounds: Bounds, worst: bool) -> list[Ranking]:
    """The best photos of the `count` best scenes, and how many others show each: one ranking for each model."""
    with by_model(archives) as groups:
        return [_rank_scenes(group, count, bounds, worst) for group in groups]


def _rank_scenes(group: Group, count: int, bounds: Bounds, worst: bool) -> Ranking:
    contents = Contents(group.members, bounds, worst)
    scenes = find_scenes(contents, count)
    found = [(contents.first_photo(row), photos) for row, photos in zip(scenes.best, scenes.photos, strict=True)]
    best = [(photo, int(photos)) for photo, photos in found if photo is not None]
    ranking = place_photos(group, [photo for photo, _ in best])
    others = (photos - 1 for _, photos in best)
    return replace(ranking, others=dict(zip(ranking.places, others, strict=True)))


def find_scenes(contents: Contents, count: int) -> "Scenes":
    """The `count` best scenes, best first, and of all photos those that show them."""
    scenes = Scenes(contents, count)
    done = 0
    for rows in contents.blocks(ROWS):
        scenes.add(rows)
        done += len(rows)
        if scenes.all_begun:
            break
    # From here on the order does not matter: each is of a scene that is known, or of none that is wanted.
    rest = contents.after(done)
    for start in range(0, len(rest), ROWS):
        scenes.add(rest[start : start + ROWS])
    return scenes


class Scenes:
    """The scenes found so far. A content is of the best one that it shows."""

    def __init__(self, contents: Contents, count: int) -> None:
        self._contents = contents
        self._count = count
        self._likeness = Likeness(contents.sample, contents.vectors(contents.sample))
        self.best: Rows = contents.sample[:0]  # of each scene
        self.photos = np.zeros(0, np.int64)  # how many show it, the best one, too
        self._vectors = contents.vectors(self.best)

    @property
    def all_begun(self) -> bool:
        """Whether there are as many scenes as are wanted."""
        return len(self.best) == self._count

    def add(self, rows: Rows) -> None:
        """Find the scene of each; contents that show a new one begin it, as long as more scenes are wanted."""
        scene = self._known_scenes(rows)
        unknown = np.flatnonzero(scene == NONE)
        if len(unknown) and not self.all_begun:
            scene[unknown] = self._begin_scenes(rows[unknown])
        known = scene != NONE
        self.photos = self.photos + np.bincount(
            scene[known], rows["photos"][known], minlength=len(self.best)
        ).astype(np.int64)

    def _known_scenes(self, rows: Rows) -> NDArray[np.int64]:
        same = surely_same(rows, self.best)
        maybe = may_be_same(rows, self.best)
        # Embeddings are loaded only of those that may look like a better scene than the one they surely show.
        undecided = np.flatnonzero(_first(same) != _first(same | maybe))
        if len(undecided):
            some, scenes = rows[undecided], np.flatnonzero(maybe[undecided].any(axis=0))
            vectors = self._contents.vectors(some)
            looks = self._likeness.look_same(some, vectors, self.best[scenes], self._vectors[scenes])
            same[np.ix_(undecided, scenes)] |= looks
        return _first(same)

    def _begin_scenes(self, rows: Rows) -> NDArray[np.int64]:
        vectors = self._contents.vectors(rows)
        same = surely_same(rows, rows) | self._likeness.look_same(rows, vectors, rows, vectors)
        scene = np.full(len(rows), NONE)
        best: list[int] = []
        while len(self.best) + len(best) < self._count and NONE in scene:
            row = int(np.argmax(scene == NONE))
            scene[same[row] & (scene == NONE)] = len(self.best) + len(best)
            best.append(row)
        self.best = np.concatenate([self.best, rows[best]])
        self._vectors = np.vstack([self._vectors, vectors[best]])
        self.photos = np.append(self.photos, np.zeros(len(best), np.int64))
        return scene


def _first(pairs: Pairs) -> NDArray[np.int64]:
    """For each row the first column that is true, or NONE."""
    if not pairs.shape[1]:
        return np.full(len(pairs), NONE)
    return np.where(pairs.any(axis=1), pairs.argmax(axis=1), NONE)
