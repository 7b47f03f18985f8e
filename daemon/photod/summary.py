"""A run of work in one line: from the first photo after a rest to the moment when nothing is left to do."""

import threading
import time
from collections import Counter

from photod.photos import Outcome, kind_of


class Summary:
    """Counts what became of the photos of one run; any thread may add."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._began: float | None = None
        self._last = 0.0

    def begin(self) -> None:
        """A photo sets out; the first one begins the run."""
        with self._lock:
            if self._began is None:
                self._began = time.monotonic()

    def add(self, outcome: Outcome) -> None:
        """Count one more finished photo."""
        with self._lock:
            self._last = time.monotonic()
            self._counts[kind_of(outcome)] += 1

    def take(self) -> dict[str, int | float] | None:
        """The run so far, with its length in seconds, and begin the next one; None if there was none."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
            began, self._began = self._began, None
            if not counts:
                return None
            return {**counts, "seconds": round(self._last - (self._last if began is None else began), 1)}
