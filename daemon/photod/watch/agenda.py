"""Which directories are dirty. Pure data with a lock: events mark, the folder's thread takes."""

import threading

MARKS_MOST = 1024  # more dirty directories than this are cheaper to walk as trees


class Agenda:
    """A bounded set of dirty directories, oldest first; it collapses upward instead of growing.

    A directory that was just looked at may rest: ten thousand files that land in it are not ten thousand
    listings. Times are monotonic seconds.
    """

    def __init__(self) -> None:
        self._marks: dict[str, bool] = {}  # directory -> with everything below it
        self._resting: dict[str, float] = {}  # directory -> until when
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._marks)

    def mark(self, directory: str, *, subtree: bool = False) -> None:
        """Note that `directory` (relative to the folder, '' for the folder) must be looked at."""
        with self._lock:
            if any(self._marks.get(above, False) for above in _lineage(directory)):
                return
            self._marks[directory] = subtree
            if len(self._marks) > MARKS_MOST:
                self._collapse()

    def take(self, now: float) -> tuple[str, bool] | None:
        """The next directory to look at, and whether everything below it is meant; None when there is none now."""
        with self._lock:
            self._resting = {rester: until for rester, until in self._resting.items() if until > now}
            for directory in self._marks:
                if directory not in self._resting:
                    return directory, self._marks.pop(directory)
        return None

    def rest(self, directory: str, until: float) -> None:
        """Do not give this directory out before `until`."""
        with self._lock:
            self._resting[directory] = until

    def next_due(self) -> float | None:
        """When `take` will next have something; None while nothing is marked."""
        with self._lock:
            return min((self._resting.get(directory, 0.0) for directory in self._marks), default=None)

    def clear(self) -> None:
        """Forget all marks."""
        with self._lock:
            self._marks.clear()

    def _collapse(self) -> None:
        trees = {directory.partition("/")[0] for directory in self._marks}
        too_many = len(trees) > MARKS_MOST // 2 or "" in trees
        self._marks = {"": True} if too_many else dict.fromkeys(sorted(trees), True)


def _lineage(directory: str) -> list[str]:
    """The directory and all above it, up to ''."""
    parts = directory.split("/") if directory else []
    return ["/".join(parts[:depth]) for depth in range(len(parts) + 1)]
