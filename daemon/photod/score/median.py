"""The running median of all scores, kept with two heaps."""

import heapq
import math
from collections.abc import Iterable


class RunningMedian:
    """The median of what was added so far; O(log n) per score. Owned by one thread.

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
        ordered = sorted(scores)
        if any(map(math.isnan, ordered)):
            raise ValueError("a score that is not a number has no median")
        half = (len(ordered) + 1) // 2
        self._lower = [-score for score in reversed(ordered[:half])]
        self._upper = ordered[half:]

    def median(self) -> float | None:
        """The middle score, or the mean of the two in the middle; None while there is none."""
        if not self._lower:
            return None
        if len(self._lower) > len(self._upper):
            return -self._lower[0]
        return (self._upper[0] - self._lower[0]) / 2
