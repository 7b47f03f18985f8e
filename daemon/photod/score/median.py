"""The running median of all scores, kept with two heaps."""

import heapq
import math
from collections.abc import Iterable

import numpy as np


class RunningMedian:
    """The median of what was added so far; O(log n) per score. Not locked: its owner sees to that.

    The lower half is a max-heap (stored negated), the upper half a min-heap; the lower is as long as the
    upper or one longer.
    """

    def __init__(self) -> None:
        self._lower: list[float] = []
        self._upper: list[float] = []

    def __len__(self) -> int:
        return len(self._lower) + len(self._upper)

    def add(self, score: float) -> None:
        """Take one more score in. NaN raises ValueError: it has no place in an order."""
        if math.isnan(score):
            raise ValueError("a score that is not a number has no median")
        if len(self._lower) > len(self._upper):
            heapq.heappush(self._upper, -heapq.heappushpop(self._lower, -score))
        else:
            heapq.heappush(self._lower, -heapq.heappushpop(self._upper, score))

    def seed(self, scores: Iterable[float]) -> None:
        """Begin again with `scores`; one sort instead of a heap operation for each."""
        # Not a list: of a million scores, one that is sorted and then taken apart leaves 60 MB behind.
        ordered = np.sort(np.fromiter(scores, np.float64))
        if np.isnan(ordered).any():
            raise ValueError("a score that is not a number has no median")
        half = (len(ordered) + 1) // 2
        self._lower = (-ordered[:half][::-1]).tolist()
        self._upper = ordered[half:].tolist()

    def median(self) -> float | None:
        """The middle score, or the mean of the two in the middle; None while there is none."""
        if not self._lower:
            return None
        if len(self._lower) > len(self._upper):
            return -self._lower[0]
        return (self._upper[0] - self._lower[0]) / 2
