"""The photos of a folder that are on their way through the pipeline, and what became of those that were."""

import os
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from photod.files import is_inside
from photod.photos import Candidate, Fingerprint, KnownPhoto, Outcome, Passed, PhotoRow
from photod.watch.counts import Counts


class Flight:
    """Any thread may report and ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_flight: dict[str, dict[str, Fingerprint]] = {}  # by directory, and then by path
        self._touched: set[str] = set()  # in flight, and seen to change meanwhile
        # By directory, and then by path; without a fingerprint: it could not even be looked at.
        self._unreadable: dict[str, dict[str, tuple[Fingerprint | None, str]]] = {}
        self._counts = Counts()
        self._number = 0

    def __len__(self) -> int:
        return self._number

    def __contains__(self, path: str) -> bool:
        return path in self._in_flight.get(os.path.dirname(path), ())

    def begin(self, candidate: Candidate) -> None:
        """Put a candidate in flight."""
        with self._lock:
            self._in_flight.setdefault(os.path.dirname(candidate.path), {})[candidate.path] = candidate.fingerprint
            self._number += 1

    def cancel(self, candidate: Candidate) -> None:
        """There was no room for it after all."""
        with self._lock:
            self._land(candidate.path)

    def listed(self, directory: str, photos: Collection[PhotoRow], unreadable: Mapping[str, str]) -> None:
        """Hear how a directory looks now: what is in flight there, and is gone or changed, is looked at again.

        Its verdict may be committed after this look, and no other event need follow. What could not be read, and
        is gone, is no trouble any more. `unreadable`: what could not be looked at, and why.
        """
        with self._lock:
            for path, fingerprint in self._in_flight.get(directory, {}).items():
                if KnownPhoto(path, *fingerprint) not in photos:
                    self._touched.add(path)
            if directory in self._unreadable:
                there = {photo[0] for photo in photos}
                for path, (read, _) in list(self._unreadable[directory].items()):
                    if read is None or path not in there:
                        self._forgive(path)
            if unreadable:
                troubles = self._unreadable.setdefault(directory, {})
                troubles.update((path, (None, reason)) for path, reason in unreadable.items())

    def left(self, tree: str) -> None:
        """Hear that no walk comes to a tree any more: what is in flight there is looked at again.

        What could not be read there is no trouble any more.
        """
        with self._lock:
            for directory, photos in self._in_flight.items():
                if is_inside(directory, tree):
                    self._touched.update(photos)
            for directory in [place for place in self._unreadable if is_inside(place, tree)]:
                del self._unreadable[directory]

    def keep_only(self, is_there: Callable[[str], bool]) -> None:
        """What could not be read in directories that are not there any more is gone."""
        with self._lock:
            self._unreadable = {place: photos for place, photos in self._unreadable.items() if is_there(place)}

    def finish(self, outcome: Outcome) -> bool:
        """Hear what became of a candidate; True if its file must be looked at again."""
        path = outcome.candidate.path
        with self._lock:
            self._land(path)
            self._counts = self._counts.after(outcome)
            self._forgive(path)
            touched = path in self._touched
            self._touched.discard(path)
            if not isinstance(outcome, Passed):
                return touched
            if outcome.why == "unreadable":
                trouble = (outcome.candidate.fingerprint, outcome.reason)
                self._unreadable.setdefault(os.path.dirname(path), {})[path] = trouble
                return touched
            return True

    def compared(self, work: int, unchanged: int) -> None:
        """One more directory was compared by a scan."""
        with self._lock:
            self._counts = self._counts.after_comparing(work, unchanged)

    def counts(self, waiting: int) -> Counts:
        """What became of the photos so far; so many wait, besides those in flight."""
        with self._lock:
            return replace(self._counts, pending=self._number + waiting)

    def is_unreadable(self, path: str, fingerprint: Fingerprint) -> bool:
        """Whether this file, as it is, could not be read."""
        with self._lock:
            return self._unreadable.get(os.path.dirname(path), {}).get(path, (None,))[0] == fingerprint

    def unreadable(self) -> list[tuple[str, str]]:
        """The photos that could not be read, with the system's words."""
        with self._lock:
            return [(path, reason) for photos in self._unreadable.values() for path, (_, reason) in photos.items()]

    def _forgive(self, path: str) -> None:
        directory = os.path.dirname(path)
        photos = self._unreadable.get(directory, {})
        photos.pop(path, None)
        if not photos:
            self._unreadable.pop(directory, None)

    def _land(self, path: str) -> None:
        directory = os.path.dirname(path)
        photos = self._in_flight.get(directory, {})
        if photos.pop(path, None) is not None:
            self._number -= 1
        if not photos:
            self._in_flight.pop(directory, None)
