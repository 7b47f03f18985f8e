"""The photos of a folder that are on their way through the pipeline, and what became of those that were."""

import threading
from dataclasses import replace

from photod.photos import Candidate, Fingerprint, Outcome, Passed
from photod.watch.counts import Counts


class Flight:
    """Any thread may report and ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_flight: dict[str, Fingerprint] = {}
        self._touched: set[str] = set()  # in flight, and seen to change meanwhile
        self._unreadable: dict[str, tuple[Fingerprint, str]] = {}
        self._counts = Counts()

    def __len__(self) -> int:
        return len(self._in_flight)

    def __contains__(self, path: str) -> bool:
        return path in self._in_flight

    def begin(self, candidate: Candidate) -> bool:
        """Put a candidate in flight; False when it is already, since two looks brought it up."""
        with self._lock:
            before = self._in_flight.setdefault(candidate.path, candidate.fingerprint)
            if before is candidate.fingerprint:
                return True
            if before != candidate.fingerprint:
                self._touched.add(candidate.path)
            return False

    def cancel(self, candidate: Candidate) -> None:
        """There was no room for it after all."""
        with self._lock:
            del self._in_flight[candidate.path]

    def sees(self, path: str, fingerprint: Fingerprint) -> bool:
        """Hear how a file looks now; True if it is in flight, and so will be looked at again if it changed."""
        with self._lock:
            before = self._in_flight.get(path)
            if before is not None and before != fingerprint:
                self._touched.add(path)
            return before is not None

    def finish(self, outcome: Outcome) -> bool:
        """Hear what became of a candidate; True if its file must be looked at again."""
        path = outcome.candidate.path
        with self._lock:
            self._in_flight.pop(path, None)
            self._counts = self._counts.after(outcome)
            self._unreadable.pop(path, None)
            touched = path in self._touched
            self._touched.discard(path)
            if not isinstance(outcome, Passed):
                return touched
            if outcome.why == "unreadable":
                self._unreadable[path] = (outcome.candidate.fingerprint, outcome.reason)
                return touched
            return True

    def compared(self, work: int, unchanged: int) -> None:
        """One more directory was compared by a scan."""
        with self._lock:
            self._counts = self._counts.after_comparing(work, unchanged)

    def counts(self, waiting: int) -> Counts:
        """What became of the photos so far; so many wait, besides those in flight."""
        with self._lock:
            return replace(self._counts, pending=len(self._in_flight) + waiting)

    def is_unreadable(self, path: str, fingerprint: Fingerprint) -> bool:
        """Whether this file, as it is, could not be read."""
        with self._lock:
            return self._unreadable.get(path, (None,))[0] == fingerprint

    def unreadable(self) -> list[tuple[str, str]]:
        """The photos that could not be read, with the system's words."""
        with self._lock:
            return [(path, reason) for path, (_, reason) in self._unreadable.items()]
