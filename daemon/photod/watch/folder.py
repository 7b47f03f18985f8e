"""One folder under watch: a thread that turns dirty directories and scans into candidates."""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from photod.logs import get_logger
from photod.photos import (
    Candidate,
    Compared,
    Fingerprint,
    KnownPhoto,
    Missing,
    Note,
    Outcome,
    Passed,
    Returned,
)
from photod.watch.agenda import Agenda
from photod.watch.counts import Counts
from photod.watch.ignore import Rules
from photod.watch.scan import Comparison, compare, list_directory, look
from photod.watch.settle import Settle

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a folder's watcher needs from the rest of the program."""

    known: Callable[[str], dict[str, KnownPhoto]]  # the database's photos directly in a directory
    known_directories: Callable[[str], list[str]]  # those of the database at and below a directory
    offer: Callable[[Candidate], bool]  # hand a candidate on; False: no room now
    note: Callable[[Note], None]
    is_itself: Callable[[], bool]  # the folder is there, and not an empty mount point


class FolderWatcher:
    """Looks at dirty directories first, then feeds the backlog, then goes on with a scan.

    A scan only compares, and remembers the directories that have work and how much; their photos are
    listed again when there is room for them. So the backlog stays in the folder, not in memory, and the
    amount of work is known early. All but the methods marked so are for the folder's own thread.
    """

    def __init__(self, path: str, rules: Rules, surroundings: Surroundings, quiet_s: float) -> None:
        self.path = path
        self.agenda = Agenda()
        self._rules = rules
        self._around = surroundings
        self._quiet_s = quiet_s
        self._settle = Settle(quiet_s)
        self._walk: list[str] = []  # directories below a dirty tree, still to be looked at
        self._arrivals: deque[Candidate] = deque()  # settled, waiting for room
        self._backlog: dict[str, int] = {}  # directory -> photos that need work
        self._feeding: deque[Candidate] = deque()  # the backlog directory in hand
        self._scan: Iterator[None] | None = None

        self._lock = threading.Lock()  # guards what follows; others report and ask
        self._wake = threading.Event()
        self._stopping = False
        self._paused = False
        self._quiescent = False
        self._requests: deque[str] = deque()  # subtrees to scan
        self._in_flight: dict[str, Fingerprint] = {}
        self._touched: set[str] = set()  # in flight, and seen to change meanwhile
        self._unreadable: dict[str, tuple[Fingerprint, str]] = {}
        self._counts = Counts()

    # For any thread.

    def mark(self, directory: str, *, subtree: bool = False) -> None:
        """Have a directory looked at."""
        self.agenda.mark(directory, subtree=subtree)
        self.wake()

    def request_scan(self, below: str = "") -> None:
        """Have the folder, or the tree at `below`, compared with the database."""
        with self._lock:
            if below not in self._requests:
                self._requests.append(below)
        self.wake()

    def finished(self, outcome: Outcome) -> None:
        """Hear what became of a candidate of this folder."""
        path = outcome.candidate.path
        with self._lock:
            self._in_flight.pop(path, None)
            self._counts = self._counts.after(outcome)
            self._unreadable.pop(path, None)
            if isinstance(outcome, Passed) and outcome.why == "unreadable":
                self._unreadable[path] = (outcome.candidate.fingerprint, outcome.reason)
            look_again = path in self._touched or (isinstance(outcome, Passed) and outcome.why != "unreadable")
            self._touched.discard(path)
        if look_again:
            self.agenda.mark(os.path.dirname(path))
        self.wake()

    def counts(self) -> Counts:
        """What became of the photos so far, and how many are pending."""
        with self._lock:
            pending = len(self._in_flight) + len(self._settle) + len(self._arrivals) + len(self._feeding)
            return replace(self._counts, pending=pending + sum(self._backlog.values()))

    def unreadable(self) -> list[tuple[str, str]]:
        """The photos that could not be read, with the system's words; they are tried again at the next scan."""
        with self._lock:
            return [(path, reason) for path, (_, reason) in self._unreadable.items()]

    def state(self) -> str:
        """One word for people: comparing, scoring, or idle."""
        if self._scan is not None or self._requests:
            return "comparing"
        return "idle" if self.idle() else "scoring"

    def idle(self) -> bool:
        """Whether everything that was asked for is done, committed included."""
        with self._lock:
            return self._quiescent and not (self._requests or self._in_flight or len(self.agenda))

    def pause(self, paused: bool) -> None:
        """Hand nothing on while paused; what is seen meanwhile is kept."""
        self._paused = paused
        self.wake()

    def wake(self) -> None:
        """There may be something to do."""
        self._wake.set()

    def stop(self) -> None:
        """Have `run` return soon."""
        self._stopping = True
        self.wake()

    # The folder's own thread.

    def run(self) -> None:
        """Work until stopped."""
        while not self._stopping:
            self._wake.clear()
            # Each part does a little and says whether there may be more.
            parts = (self._look_at_dirty, self._look_at_settled, self._feed, self._compare_on)
            busy = [part() for part in parts]
            if not any(busy):
                self._rest()

    def _rest(self) -> None:
        due = self._settle.next_due()
        nothing_left = due is None and not (self._arrivals or self._feeding or self._backlog)
        with self._lock:
            self._quiescent = nothing_left
        self._wake.wait(None if due is None else max(0.0, due - time.monotonic()))
        with self._lock:
            self._quiescent = False

    def _look_at_dirty(self) -> bool:
        if self._walk:
            self._look(self._walk.pop(), subtree=True)
            return True
        mark = self.agenda.take()
        if mark is None:
            return False
        self._look(*mark)
        return True

    def _look(self, directory: str, subtree: bool) -> None:
        comparison, below = self._compare(directory)
        if comparison is None:
            return
        for path, fingerprint in comparison.work:
            if not self._known_unreadable(path, fingerprint):
                self._consider(path, fingerprint, urgent=True)
        if subtree:
            self._walk.extend(below)

    def _look_at_settled(self) -> bool:
        now = time.monotonic()
        for path, fingerprint in self._settle.due(now):
            seen = look(self.path, path)
            if seen == fingerprint:
                self._arrivals.append(self._candidate(path, seen, urgent=True))
                self._settle.forget(path)
            elif seen is None:
                self._settle.forget(path)
            else:
                self._settle.observe(path, seen, now)
        return False

    def _feed(self) -> bool:
        """Hand on what there is room for: arrivals, then the backlog."""
        if self._paused:
            return False
        return self._drain(self._arrivals) and (self._drain(self._feeding) and self._take_backlog())

    def _drain(self, candidates: deque[Candidate]) -> bool:
        """Hand candidates on while there is room; True when none is left."""
        while candidates:
            if self._begin(candidates[0]) and not self._around.offer(candidates[0]):
                with self._lock:
                    del self._in_flight[candidates[0].path]
                return False
            candidates.popleft()
        return True

    def _begin(self, candidate: Candidate) -> bool:
        """Put a candidate in flight; False when it is already, since two looks brought it up."""
        with self._lock:
            before = self._in_flight.setdefault(candidate.path, candidate.fingerprint)
            if before is candidate.fingerprint:
                return True
            if before != candidate.fingerprint:
                self._touched.add(candidate.path)
            return False

    def _take_backlog(self) -> bool:
        if not self._backlog:
            return False
        directory = next(iter(self._backlog))
        comparison, _ = self._compare(directory)
        for path, fingerprint in comparison.work if comparison else ():
            self._consider(path, fingerprint, urgent=False)
        del self._backlog[directory]
        return True

    def _consider(self, path: str, fingerprint: Fingerprint, *, urgent: bool) -> None:
        """Queue a photo that needs work, at once if its own timestamps prove that it is quiet."""
        with self._lock:
            if path in self._in_flight:
                if self._in_flight[path] != fingerprint:
                    self._touched.add(path)
                return
        age_s = time.time() - fingerprint.ctime_ns / 1e9
        if age_s < self._quiet_s or path in self._settle:
            self._settle.observe(path, fingerprint, time.monotonic())
        elif urgent:
            self._arrivals.append(self._candidate(path, fingerprint, urgent=True))
        else:
            self._feeding.append(self._candidate(path, fingerprint, urgent=False))

    def _candidate(self, path: str, fingerprint: Fingerprint, *, urgent: bool) -> Candidate:
        return Candidate(self.path, path, fingerprint, urgent)

    def _compare_on(self) -> bool:
        """Go one directory further with the scan, or begin the next one."""
        if self._scan is None:
            if not self._requests:
                return False
            with self._lock:
                start = self._requests.popleft()
            self._scan = self._scan_steps(start)
        if next(self._scan, self) is self:  # exhausted
            self._scan = None
        return True

    def _scan_steps(self, start: str) -> Iterator[None]:
        """Compare the tree at `start`, a directory a step."""
        if not self._around.is_itself():
            log.warning("folder_absent", folder=self.path)
            return
        began = time.monotonic()
        visited: set[str] = set()
        failed: list[str] = []
        stack = [start]
        while stack:
            directory = stack.pop()
            visited.add(directory)
            comparison, below = self._compare(directory)
            if comparison is None:
                failed.append(directory)
                continue
            stack.extend(sorted(below, reverse=True))
            work = sum(not self._in_hand(path) for path, _ in comparison.work)
            with self._lock:
                self._counts = self._counts.after_comparing(len(comparison.work), comparison.unchanged)
            if work:
                self._backlog[directory] = work
            yield
        for directory in self._around.known_directories(start):
            if directory not in visited and not _inside(directory, failed):
                self._compare(directory)
                yield
        if not start and not failed:
            self._around.note(Compared(self.path))
        log.debug("compared", folder=self.path, directories=len(visited), seconds=time.monotonic() - began)

    def _compare(self, directory: str) -> tuple[Comparison | None, list[str]]:
        """Compare one directory; note what is missing or back. None where it cannot be listed."""
        known = self._around.known(directory)
        try:
            listing = list_directory(self.path, directory, self._rules)
        except (FileNotFoundError, NotADirectoryError):
            self._note_missing([path for path, row in known.items() if not row.missing])
            return None, []
        except OSError as error:
            log.warning("unlisted", folder=self.path, path=directory, reason=error.strerror)
            return None, []
        comparison = compare(listing, known)
        self._note_missing(comparison.missing)
        if comparison.returned:
            self._around.note(Returned(self.path, tuple(comparison.returned)))
        return comparison, listing.directories

    def _note_missing(self, paths: list[str]) -> None:
        if paths and self._around.is_itself():
            self._around.note(Missing(self.path, tuple(paths)))

    def _in_hand(self, path: str) -> bool:
        return path in self._settle or path in self._in_flight

    def _known_unreadable(self, path: str, fingerprint: Fingerprint) -> bool:
        with self._lock:
            return self._unreadable.get(path, (None,))[0] == fingerprint


def _inside(directory: str, trees: list[str]) -> bool:
    return any(directory == tree or directory.startswith(tree + "/") or not tree for tree in trees)
