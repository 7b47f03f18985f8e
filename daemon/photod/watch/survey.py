"""Comparing a folder with its database, a directory at a time, and noting what needs no reading."""

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from photod.files import is_gone, is_inside
from photod.filesystem import filesystem_identity, mounts_below
from photod.logs import get_logger
from photod.photos import Compared, KnownPhoto, Missing, Moved, Note, Retry, Returned
from photod.watch.flight import Flight
from photod.watch.ignore import Rules
from photod.watch.inotify import DirectoryWatches
from photod.watch.listing import Comparison, Listing, compare, entered, list_directory
from photod.watch.presence import Presence
from photod.watch.surroundings import Surroundings

log = get_logger(__name__)


class Survey:
    """Compares one folder, and has `note` hear what needs no reading.

    For the folder's own thread; others may ask for `unlisted`.
    """

    def __init__(
        self, folder: str, rules: Rules, around: Surroundings, note: Callable[[Note], None], flight: Flight
    ) -> None:
        self.folder = folder
        self._flight = flight
        self.watches: DirectoryWatches | None = None
        self.unlisted: dict[str, str] = {}  # directories that cannot be listed, and why
        self._rules = rules
        self._around = around
        self._note = note
        self._living: set[str] = set()  # directories seen since the last scan began
        # Directory -> hash of its listing, where that was just what the database knows: until it looks otherwise,
        # the database need not be asked, which costs as much as listing does. Replaced to forget, never emptied.
        self._agreed: dict[str, int] = {}
        self._rewritten: deque[str] = deque()  # directories whose rows have changed, whatever was agreed

    def compare_directory(self, directory: str) -> tuple[Comparison, list[str]]:
        """Compare one directory; note what is missing, back or moved. Returns what is left, and what is below.

        Where a rule excludes it, by now, or a symlink below the folder leads to it, nothing is there.
        """
        known = directory in self._agreed  # then the rules, which stay the same, let it in before
        if directory and not known and not self._rules.enters(directory):
            return self._left(directory)
        try:
            with entered(self.folder, directory) as place:
                if (watches := self.watches) is not None:
                    watches.watch(directory)  # before the listing, so that nothing falls between the two
                listing = list_directory(place, self.folder, directory, self._rules)
        except (FileNotFoundError, NotADirectoryError):
            return self._left(directory)
        except OSError as error:
            self._living.add(directory)
            if directory not in self.unlisted:
                log.warning("unlisted", folder=self.folder, path=directory, reason=error.strerror)
            self.unlisted = self.unlisted | {directory: error.strerror or str(error)}
            return Comparison(), []
        self._flight.listed(directory, listing.photos, listing.unreadable)
        self._living.add(directory)
        if directory in self.unlisted:
            self.unlisted = {path: reason for path, reason in self.unlisted.items() if path != directory}
        comparison = self._without_moved(self._compared(directory, listing))
        self._note_paths(Missing, comparison.missing)
        self._note_paths(Returned, comparison.returned)
        return comparison, listing.directories

    def compare_tree(self, start: str) -> Iterator[tuple[str, Comparison]]:
        """Compare the tree at `start`, a directory a step, and then what the database knows besides."""
        began = time.monotonic()
        filesystem = self._identity()
        visited: set[str] = set()
        stack = [start]
        self._living.clear()
        while stack:
            directory = stack.pop()
            visited.add(directory)
            comparison, below = self.compare_directory(directory)
            stack.extend(sorted(below, reverse=True))
            yield directory, comparison
        unlisted = [directory for directory in self.unlisted if directory in visited]
        for directory in self._around.known_directories(start):
            if directory not in visited and not any(is_inside(directory, tree) for tree in unlisted):
                yield directory, self.compare_directory(directory)[0]
        if not start and not self._is_away():

            def is_there(directory: str) -> bool:  # nothing is known of what lies in one that could not be listed
                return directory in self._living or any(is_inside(directory, tree) for tree in unlisted)

            if (watches := self.watches) is not None:
                watches.keep_only(is_there)
            self._flight.keep_only(is_there)
            self.unlisted = {path: reason for path, reason in self.unlisted.items() if path in self._living}
            mounts = self._mounts()
            sure = filesystem if mounts is not None and not unlisted and filesystem == self._identity() else ""
            self._note(Compared(self.folder, sure, mounts or ()))
        log.debug("compared", folder=self.folder, directories=len(visited), seconds=time.monotonic() - began)

    def forget_agreed(self) -> None:
        """Ask the database about every directory again, since its rows changed though no file did. Any thread."""
        self._agreed = {}

    def rewritten(self, directories: Iterable[str]) -> None:
        """Ask the database about these again, since their rows were just changed. Any thread.

        A look that is under way may have read the old rows and call them agreed after this; the next drops that.
        """
        self._rewritten.extend(directories)

    def _compared(self, directory: str, listing: Listing) -> Comparison:
        agreed, looks = self._agreed, hash(frozenset(listing.photos))
        while self._rewritten:
            agreed.pop(self._rewritten.popleft(), None)
        if agreed.get(directory) == looks:
            return Comparison(unchanged=len(listing.photos))
        agreed.pop(directory, None)
        known = self._around.known(directory)  # only now: what is committed between is in flight, or known
        if len(known) == len(listing.photos) and listing.photos.issuperset(known):
            agreed[directory] = looks
        return compare(listing, known)

    def _without_moved(self, comparison: Comparison) -> Comparison:
        """Note the photos that came here from elsewhere unchanged: they need no reading.

        Size, mtime, ctime and inode all agree, and the old path is gone. With the same ctime nobody has written
        to the file, nor made another one with its inode: birth time could not tell the first. A file renamed by
        itself has a new ctime, and is read; the files of a directory that was renamed keep theirs. Where inode
        numbers do not last, all that came are read.
        """
        moves = []
        for path, fingerprint in comparison.new:
            if not fingerprint.inode:
                continue
            old = next((old for old in self._around.paths_of(fingerprint) if self._is_gone(old)), None)
            if old is not None:
                moves.append((old, path, fingerprint))
        if not moves:
            return comparison
        self._note(Moved(self.folder, tuple(moves)))
        moved = {path for _, path, _ in moves}
        return comparison.without(moved)

    def _is_away(self) -> bool:
        """Whether the folder is not here as itself. Having been seen so, it is compared when it is back."""
        return self._around.presence() is not Presence.HERE

    def _is_gone(self, path: str) -> bool:
        return is_gone(os.path.join(self.folder, path))

    def _left(self, directory: str) -> tuple[Comparison, list[str]]:
        """No walk comes here any more, nor to what lies below: the directory's photos are missing.

        Nothing follows where the whole folder is away.
        """
        if self._is_away():
            return Comparison(), []
        self._agreed.pop(directory, None)
        if (watches := self.watches) is not None:
            watches.forget(directory)
        if any(is_inside(path, directory) for path in self.unlisted):
            self.unlisted = {path: why for path, why in self.unlisted.items() if not is_inside(path, directory)}
        self._flight.left(directory)
        self._note_paths(Missing, [row[0] for row in self._around.known(directory) if not KnownPhoto(*row).missing])
        return Comparison(), []

    def _note_paths(self, kind: type[Missing] | type[Returned], paths: list[str]) -> None:
        if paths and not self._is_away():
            self._note(kind(self.folder, tuple(paths)))

    def _mounts(self) -> tuple[tuple[str, str], ...] | None:
        """What is mounted inside the folder, and counts; None where that cannot be found out."""
        try:
            mounts = mounts_below(self.folder)
        except OSError:
            return None
        return tuple((place, filesystem) for place, filesystem in mounts.items() if self._rules.enters(place))

    def _identity(self) -> str:
        try:
            return filesystem_identity(self.folder)
        except OSError:
            return ""


def directories_of(note: Note) -> set[str]:
    """The directories of the photos that a note is about, under their old names as well."""
    match note:
        case Missing() | Returned():
            paths = note.paths
        case Moved():
            paths = tuple(path for old, new, _ in note.moves for path in (old, new))
        case Retry():
            return set(note.forgotten)
        case _:
            paths = ()
    return {os.path.dirname(path) for path in paths}
