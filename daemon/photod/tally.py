"""What people want to know of the work as a whole: how fast it goes, what came of it, and where the scores lie."""

import threading
import time
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Iterable

from photod.photos import Judged, Outcome, Passed, Scored, kind_of
from photod.score.median import RunningMedian
from photod.wire import LAST_ERRORS, Latency

RATE_WINDOW_S = 60.0
# Of the time from landing to commit, in seconds: settling takes two, a poll five minutes, quiet hours half a day.
LATENCY_BOUNDS_S = (2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 14400.0, 86400.0)
KINDS = ("scored", "duplicates", "unscoreable", "unreadable", "vanished", "changed")


class Tally:
    """Counts finished photos; any thread may add and ask. `clock` goes only forward, `wall` tells the time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._wall = wall
        self._lock = threading.Lock()
        self._median = RunningMedian()
        self._seconds: deque[list[float]] = deque()  # [start of the second, photos finished in it]
        self._kinds = Counter(dict.fromkeys(KINDS, 0))
        self._told = self._kinds.copy()  # those of the runs that were taken
        self._began: float | None = None  # the run that goes on
        self._last = 0.0  # when the last photo was finished
        self._latencies = [0] * (len(LATENCY_BOUNDS_S) + 1)  # how many up to each bound, and above the last
        self._latency_sum_s = 0.0
        self._unreadable: deque[tuple[float, str, str]] = deque(maxlen=LAST_ERRORS)

    def begin(self) -> None:
        """A photo sets out; the first one after `take_run` begins a run of work."""
        with self._lock:
            if self._began is None:
                self._began = self._clock()

    def take_run(self) -> dict[str, int | float] | None:
        """How many photos ended how in the run of work so far, and its seconds; the next one begins after it.

        None if none has ended yet.
        """
        with self._lock:
            counts = self._kinds - self._told
            if not counts:
                return None
            self._told = self._kinds.copy()
            began, self._began = self._began, None
            return {**counts, "seconds": round(self._last - (self._last if began is None else began), 1)}

    def seed(self, scores: Iterable[float]) -> None:
        """Begin the median, again, with scores given earlier; nobody may add any meanwhile."""
        median = RunningMedian()
        median.seed(scores)  # takes its time, in which others may ask
        with self._lock:
            self._median = median

    def add(self, outcome: Outcome) -> None:
        """Count one more finished photo."""
        now = self._clock()
        with self._lock:
            self._kinds[kind_of(outcome)] += 1
            self._last = now
            if isinstance(outcome, Judged) and isinstance(outcome.verdict, Scored):
                if not outcome.duplicate:
                    self._median.add(outcome.verdict.score)
                if outcome.candidate.landed is not None:
                    self._add_latency(now - outcome.candidate.landed)
            if isinstance(outcome, Passed) and outcome.why == "unreadable":
                self._note_unreadable(outcome.candidate.location, outcome.reason)
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

    def unreadable(self) -> list[tuple[float, str, str]]:
        """The last photos that could not be read: when (seconds since 1970), which, and the system's words."""
        with self._lock:
            return list(self._unreadable)

    def finished(self) -> dict[str, int]:
        """How many photos ended how since the start."""
        with self._lock:
            return dict(self._kinds)

    def latency(self) -> Latency:
        """How long arrivals took from landing to the commit of their score; backlog is not counted.

        A photo has landed when its bytes were first seen as they were scored, its writer having closed it. The
        clock goes only forward and stands still while the machine is suspended. `buckets`: [upper bound in
        seconds, how many took at most that]; those above the last bound are in `count` alone.
        """
        with self._lock:
            counts, total = list(self._latencies), self._latency_sum_s
        buckets = [[bound, sum(counts[: place + 1])] for place, bound in enumerate(LATENCY_BOUNDS_S)]
        return {"buckets": buckets, "count": sum(counts), "sum_s": total}

    def _note_unreadable(self, location: str, reason: str) -> None:
        """One that is tried at every scan must not crowd out the others."""
        others = [each for each in self._unreadable if each[1] != location]
        self._unreadable = deque([*others, (self._wall(), location, reason)], LAST_ERRORS)

    def _add_latency(self, seconds: float) -> None:
        self._latencies[bisect_left(LATENCY_BOUNDS_S, seconds)] += 1
        self._latency_sum_s += seconds

    def _drop_old(self, now: float) -> None:
        while self._seconds and now - self._seconds[0][0] > RATE_WINDOW_S:
            self._seconds.popleft()
