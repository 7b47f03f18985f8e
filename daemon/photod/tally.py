"""What people want to know of the work as a whole: how fast it goes, and where the scores lie."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable

from photod.photos import Judged, Outcome, Scored
from photod.score.median import RunningMedian

RATE_WINDOW_S = 60.0


class Tally:
    """Counts finished photos; any thread may add and ask."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._median = RunningMedian()
        self._seconds: deque[list[float]] = deque()  # [start of the second, photos finished in it]

    def seed(self, scores: Iterable[float]) -> None:
        """Begin the median with scores given earlier."""
        with self._lock:
            self._median.seed(scores)

    def add(self, outcome: Outcome) -> None:
        """Count one more finished photo."""
        now = self._clock()
        with self._lock:
            if isinstance(outcome, Judged) and isinstance(outcome.verdict, Scored) and not outcome.duplicate:
                self._median.add(outcome.verdict.score)
            if not self._seconds or now - self._seconds[-1][0] >= 1.0:
                self._seconds.append([now, 0])
            self._seconds[-1][1] += 1
            self._drop_old(now)

    def median(self) -> float | None:
        """The median of all scores so far; None when there are none."""
        with self._lock:
            return self._median.median()

    def rate(self) -> float:
        """Photos per second over the last minute, or since the work began if that is less."""
        now = self._clock()
        with self._lock:
            self._drop_old(now)
            if not self._seconds:
                return 0.0
            return sum(count for _, count in self._seconds) / max(1.0, now - self._seconds[0][0])

    def _drop_old(self, now: float) -> None:
        while self._seconds and now - self._seconds[0][0] > RATE_WINDOW_S:
            self._seconds.popleft()
