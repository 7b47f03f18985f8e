"""Looking at what events marked: directories, and trees that came or went."""

import time
from collections.abc import Callable

from photod.files import is_inside
from photod.photos import Fingerprint
from photod.watch.agenda import Agenda
from photod.watch.survey import Survey

REST_S = 0.25  # a directory that was just looked at rests, and longer the longer the look took
REST_LOOKS = 5  # times as long as the look


class DirtyWalk:
    """Takes marks from the agenda and walks them, a directory a step. Owned by the folder's thread."""

    def __init__(
        self,
        agenda: Agenda,
        survey: Survey,
        known_directories: Callable[[str], list[str]],
        consider: Callable[[str, Fingerprint], None],
    ) -> None:
        self._agenda = agenda
        self._survey = survey
        self._known_directories = known_directories
        self._consider = consider
        self._stack: list[tuple[str, bool]] = []  # still to be looked at, and whether with all below
        self._done: set[str] = set()  # looked at since the last mark was taken

    def clear(self) -> None:
        """Drop everything: the folder is not there."""
        self._agenda.clear()
        self._stack.clear()

    def step(self) -> bool:
        """Look at one directory, if there is a dirty one; False if not."""
        if not self._stack and not self._take():
            return False
        directory, subtree = self._stack.pop()
        if directory not in self._done:
            self._done.add(directory)
            self._look(directory, subtree)
        return True

    def _take(self) -> bool:
        mark = self._agenda.take(time.monotonic())
        if mark is None:
            return False
        self._done.clear()
        directory, subtree = mark
        if subtree:
            self._add_known(directory)
        self._stack.append(mark)  # looked at first: the others are only what it does not reach
        return True

    def _look(self, directory: str, subtree: bool) -> None:
        began = time.monotonic()
        reopened = directory in self._survey.unlisted
        comparison, below = self._survey.compare_directory(directory)
        if reopened and directory not in self._survey.unlisted:  # nothing was told of what went meanwhile
            self._add_known(directory)
        for path, fingerprint in comparison.work:
            self._consider(path, fingerprint)
        if subtree or reopened:
            self._stack += [(each, True) for each in below]
        now = time.monotonic()
        self._agenda.rest(directory, now + max(REST_S, REST_LOOKS * (now - began)))

    def _add_known(self, tree: str) -> None:
        """Look at the directories, too, that may be gone: with photos in the database, or not listed so far."""
        unlisted = [directory for directory in self._survey.unlisted if is_inside(directory, tree)]
        self._stack += [(directory, False) for directory in (*self._known_directories(tree), *unlisted)]
