"""Which photos show the same scene.

How alike two embeddings must be differs from model to model. So it is measured against the archive itself: as
alike as only one pair in so many of its photos is. See lens.py for what is done about models that see little
difference between any two photos.
"""

import numpy as np
from numpy.typing import NDArray

from photod_ctl.contents import Rows
from photod_ctl.lens import Vectors, lens_for

BURST_S = 3.0  # frames of one camera this close together are one burst and show one scene, however they look
# Within so many seconds, those show one scene that are as alike as only one pair in so many is.
SCENES = {10.0: 10, 60.0: 20, 600.0: 100}
TWINS = 10_000  # likewise where a date is missing
APART_S = 3600.0  # what lies this far apart is two scenes, so it tells how alike two scenes are
ENOUGH_PAIRS = 1000  # of those; with fewer all pairs must do

Pairs = NDArray[np.bool_]
"""[some, others]"""


def surely_same(some: Rows, others: Rows) -> Pairs:
    """Which are of one scene, however they look: they have the same bytes, or one camera took them in one burst."""
    bursts: Pairs = (_gaps(some, others) <= BURST_S) & (some["camera"][:, None] == others["camera"])
    copies: Pairs = some["bytes"][:, None] == others["bytes"]
    return bursts | copies


def may_be_same(some: Rows, others: Rows) -> Pairs:
    """Which are of one scene if they look alike; where a date is missing, that cannot be ruled out."""
    gaps = _gaps(some, others)
    return np.isnan(gaps) | (gaps <= max(SCENES))


class Likeness:
    """How alike two photos of an archive must look to show one scene, and whether they do."""

    def __init__(self, sample: Rows, vectors: Vectors) -> None:
        self._lens = lens_for(vectors)
        once = np.triu(np.ones((len(sample), len(sample)), bool), 1)
        apart = once & (_gaps(sample, sample) >= APART_S)  # they cannot be of one scene
        seen = self._lens(vectors)
        pairs = (seen @ seen.T)[apart if np.count_nonzero(apart) >= ENOUGH_PAIRS else once]
        self._limits = {rarity: _quantile(pairs, 1 - 1 / rarity) for rarity in (*SCENES.values(), TWINS)}

    def look_same(self, some: Rows, vectors: Vectors, others: Rows, their_vectors: Vectors) -> Pairs:
        """Which are of one scene by their looks, given how long after one another they were taken."""
        alike = self._lens(vectors) @ self._lens(their_vectors).T
        gaps = _gaps(some, others)
        same: Pairs = np.isnan(gaps) & (alike >= self._limits[TWINS])
        for within_s, rarity in SCENES.items():
            same |= (gaps <= within_s) & (alike >= self._limits[rarity])
        return same


def _gaps(some: Rows, others: Rows) -> NDArray[np.float64]:
    """[some, others]: seconds between them; NaN where a date is missing."""
    gaps: NDArray[np.float64] = np.abs(some["taken"][:, None] - others["taken"])
    return gaps


def _quantile(values: Vectors, part: float) -> float:
    return float(np.quantile(values, part)) if len(values) else np.inf
