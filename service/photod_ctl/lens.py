"""Embeddings made comparable.

A model that judges quality, as the built-in one does, sees little difference between any two photos: its embeddings
crowd around one direction, and what tells two scenes apart lies in the small rest. Subtracting what all have in
common, and stretching the rest so that each direction counts alike, brings it out. Of the 160 further frames of 40
bursts, made from photographs by crops, turns and exposure, half a minute apart and the scenes five minutes, 155
gave way with it, and 128 without; 5 and 3 of 81 scenes were taken for others.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

SAMPLE = 2000  # photos that tell what an archive's embeddings are like
CROWDED = 0.9  # the median cosine above which embeddings are stretched; CLIP's is around one half
DIRECTIONS = 32  # that are kept; more of them are noise
PHOTOS_EACH = 6  # photos needed for each direction; with few photos fewer directions are kept

Vectors = NDArray[np.float32]
"""[photos, dimensions], unit length; zeros where there is no embedding."""


def lens_for(sample: Vectors) -> Callable[[Vectors], Vectors]:
    """What to look at an archive's embeddings through, judging by some of them; returns unit vectors."""
    known = sample[np.any(sample != 0, axis=1)]
    directions = min(DIRECTIONS, len(known) // PHOTOS_EACH)
    if directions < 2 or np.median(known @ known.T) <= CROWDED:
        return lambda vectors: vectors
    centre = known.mean(axis=0)
    _, spread, axes = np.linalg.svd(known - centre, full_matrices=False)
    directions = min(directions, int(np.count_nonzero(spread > spread[0] * 1e-3)))
    stretched = axes[:directions].T / spread[:directions]

    def look(vectors: Vectors) -> Vectors:
        missing = ~np.any(vectors != 0, axis=1)
        seen: Vectors = (vectors - centre) @ stretched
        seen /= np.maximum(np.linalg.norm(seen, axis=1, keepdims=True), 1e-9)
        seen[missing] = 0
        return seen

    return look
