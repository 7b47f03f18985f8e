"""The scans of a folder that were asked for, one after the other, a directory a step."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator

from photod.watch.flight import Flight
from photod.watch.listing import Comparison
from photod.watch.survey import Survey
from photod.watch.worklist import Worklist


class Scans:
    """Any thread may request and ask; `step` and `clear` are for the folder's own thread.

    A scan only compares, and remembers the directories that have work and how much; what an earlier model scored
    is scored again after it. `may_begin` is asked before each: whether the folder is there.
    """

    def __init__(self, survey: Survey, flight: Flight, work: Worklist, may_begin: Callable[[], bool]) -> None:
        self._survey = survey
        self._flight = flight
        self._work = work
        self._may_begin = may_begin
        self._lock = threading.Lock()
        self._requests: deque[str] = deque()  # subtrees
        self._scan: Iterator[tuple[str, Comparison]] | None = None
        self._below = ""  # of the one that goes on
        self.began = time.monotonic()  # when the last one of the whole folder did

    def __len__(self) -> int:
        """How many are requested or going on."""
        return len(self._requests) + (self._scan is not None)

    def request(self, below: str) -> bool:
        """Have the tree at `below` ('': the folder) compared; False if that is requested already."""
        with self._lock:
            if below in self._requests:
                return False
            self._requests.append(below)
            return True

    def clear(self) -> None:
        """Drop all: the folder is not there."""
        self._scan = None
        with self._lock:
            self._requests.clear()

    def step(self) -> bool:
        """Go one directory further, or begin the next scan; False when there is none."""
        if self._scan is None:
            return self._begin()
        step = next(self._scan, None)
        if step is None:
            self._work.rescore(self._below)
            self._scan = None
        else:
            directory, comparison = step
            self._flight.compared(len(comparison.work) + comparison.stale, comparison.unchanged)
            self._work.remember(directory, [path for path, _ in comparison.work])
        return True

    def _begin(self) -> bool:
        with self._lock:
            if not self._requests:
                return False
        if not self._may_begin():  # which clears the requests that nobody can do
            return False
        with self._lock:
            self._below = self._requests.popleft()
            self._scan = self._survey.compare_tree(self._below)
        if not self._below:
            self.began = time.monotonic()
        return True
