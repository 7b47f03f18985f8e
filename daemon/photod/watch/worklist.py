"""The photos of a folder that need work, on their way to the pipeline. Owned by the folder's thread."""

import os
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from photod.fingerprints import fingerprint_at
from photod.photos import Candidate, Fingerprint
from photod.watch.flight import Flight
from photod.watch.lease import Writing, probe
from photod.watch.settle import Ages, Settle
from photod.watch.stale import Stale

FRESH_S = 60.0  # after its mtime, a file is taken to hold bytes that nobody has seen yet


class _Behind(NamedTuple):
    """A directory of the backlog."""

    photos: int  # that need work
    found: float  # when, in monotonic seconds


class Worklist:
    """Arrivals settle and go first, then the backlog, then what an earlier model scored.

    The backlog is remembered by directory, and listed when there is room; the stale ones are in the database.
    A directory may be looked at many times before there is room for its photos: each waits here once.
    """

    def __init__(
        self,
        folder: str,
        quiet_s: float,
        flight: Flight,
        offer: Callable[[Candidate], bool],
        expect: Callable[[], None],
        stale: Stale,
    ) -> None:
        self.settle = Settle(quiet_s)
        self._folder = folder
        self._ages = Ages(quiet_s, time.time(), time.monotonic())
        self._flight = flight
        self._offer = offer
        self._expect = expect
        self._arrivals: deque[Candidate] = deque()  # settled, waiting for room
        self._backlog: dict[str, _Behind] = {}  # by directory
        self._feeding: deque[Candidate] = deque()  # the backlog directory in hand
        self._queued: set[str] = set()  # the photos in these two queues
        self._behind = 0  # photos in the backlog
        self._stale = stale

    def __len__(self) -> int:
        """How many wait, but for the unstable ones, which wait without end."""
        settling = len(self.settle) - len(self.settle.unstable)
        return settling + len(self._arrivals) + len(self._feeding) + self._behind + len(self._stale)

    def clear(self) -> None:
        """Drop everything: the folder is not there."""
        self.settle.clear()
        self._arrivals.clear()
        self._feeding.clear()
        self._queued.clear()
        self._backlog.clear()
        self._behind = 0
        self._stale.clear()

    def rescore(self, below: str) -> None:
        """Have what an earlier model scored in the tree at `below` scored again, when nothing else waits."""
        self._stale.begin(below)

    def consider(self, path: str, fingerprint: Fingerprint, *, urgent: bool) -> bool:
        """Queue a photo that needs work, at once if its own timestamps prove that it is quiet.

        False: it is under way already, or waits as it is.
        """
        if path in self._flight or path in self._queued:
            return False
        now, wall = time.monotonic(), time.time()
        changed = self._ages.changed(fingerprint, wall, now)
        behind = self._backlog.get(os.path.dirname(path))
        if urgent and behind is not None and changed < behind.found:
            return False  # a scan has seen it already, and it comes with its directory
        settling = path in self.settle or self.settle.settles_too_often(path, now)
        if settling or not self._ages.prove_quiet(fingerprint, wall, now, self._probe(path)):
            if urgent and wall - fingerprint.mtime_ns / 1e9 < FRESH_S:
                self._expect()
            return self.settle.observe(path, fingerprint, now, changed)
        if urgent:
            self._queue_arrival(path, fingerprint, landed=now)
            self.settle.settled(path, now)
        else:
            self._feeding.append(Candidate(self._folder, path, fingerprint))
            self._queued.add(path)
        return True

    def remember(self, directory: str, paths: list[str]) -> None:
        """These photos in a directory need work when there is room."""
        self._forget_behind(directory)
        work = sum(
            path not in self.settle and path not in self._flight and path not in self._queued for path in paths
        )
        if work:
            self._backlog[directory] = _Behind(work, time.monotonic())
            self._behind += work

    def look_at_settled(self) -> set[str]:
        """Look once more at the files whose quiet time is over, and queue those that have settled.

        Returns the directories in which some are gone: there may have been no event that was heeded. A file that
        has become a link is gone: whether that leads out of the folder, a listing finds out.
        """
        now, bereft = time.monotonic(), set()
        for path in self.settle.due(now):
            location = os.path.join(self._folder, path)
            seen, landed = fingerprint_at(location), self.settle.landed(path)
            if seen != self.settle.last_seen(path) and os.path.islink(location):
                seen = None
            if self.settle.judge(path, seen, self._probe(path), now) and seen is not None:
                self._queue_arrival(path, seen, landed)
            elif seen is None:
                bereft.add(os.path.dirname(path))
        return bereft

    def next_due(self) -> float | None:
        """When to look again, in monotonic seconds; None when nothing settles."""
        return self.settle.next_due()

    def feed(self, work_in: Callable[[str], list[tuple[str, Fingerprint]]]) -> bool:
        """Hand on what there is room for: arrivals, backlog, stale ones. True if there may be more to do at once.

        `work_in` lists a directory again, since the backlog only remembers which ones have work.
        """
        if not (self._drain(self._arrivals) and self._drain(self._feeding)):
            return False
        if not self._backlog:
            for path, fingerprint in self._stale.take():
                self.consider(path, fingerprint, urgent=False)
            return bool(self._feeding or self._stale.goes_on)
        directory = next(iter(self._backlog))
        for path, fingerprint in work_in(directory):
            self.consider(path, fingerprint, urgent=False)
        self._forget_behind(directory)
        return True

    def _forget_behind(self, directory: str) -> None:
        if (behind := self._backlog.pop(directory, None)) is not None:
            self._behind -= behind.photos

    def _queue_arrival(self, path: str, fingerprint: Fingerprint, landed: float) -> None:
        self._arrivals.append(Candidate(self._folder, path, fingerprint, landed))
        self._queued.add(path)

    def _drain(self, candidates: deque[Candidate]) -> bool:
        """Hand candidates on while there is room; True when none is left."""
        while candidates:
            self._flight.begin(candidates[0])
            if not self._offer(candidates[0]):
                self._flight.cancel(candidates[0])
                return False
            self._queued.discard(candidates.popleft().path)
        return True

    def _probe(self, path: str) -> Writing:
        return probe(os.path.join(self._folder, path))
