"""Listing a directory, and comparing the listing with what the database knows."""

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from photod.config import DATABASE_DIRECTORY
from photod.fingerprints import fingerprint_of, forgetful, notice
from photod.photos import LAST_NS, Fingerprint, KnownPhoto, PhotoRow
from photod.watch.ignore import Rules

_PLACE = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_WAY = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC  # asks for the right to enter alone


@dataclass(frozen=True, slots=True)
class Listing:
    """What a directory holds right now. Paths are relative to the folder."""

    photos: set[PhotoRow] = field(default_factory=set)  # as they would be known if they had not changed
    directories: list[str] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)  # photos that cannot be looked at, and why


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the listing of one directory means."""

    new: list[tuple[str, Fingerprint]] = field(default_factory=list)  # not known under this path
    changed: list[tuple[str, Fingerprint]] = field(default_factory=list)
    unchanged: int = 0
    stale: int = 0  # unchanged, but an earlier model scored them
    missing: list[str] = field(default_factory=list)  # known, and not in the listing
    returned: list[str] = field(default_factory=list)  # known as missing, there again unchanged

    @property
    def work(self) -> list[tuple[str, Fingerprint]]:
        """What must be read."""
        return self.new + self.changed

    def without(self, paths: Collection[str]) -> "Comparison":
        """The same with these new paths counted as unchanged."""
        new = [(path, fingerprint) for path, fingerprint in self.new if path not in paths]
        return replace(self, new=new, unchanged=self.unchanged + len(self.new) - len(new))


@contextmanager
def entered(folder: str, directory: str) -> Iterator[int]:
    """Open `directory` (relative to the folder), unless a symlink below the folder leads to it: the descriptor.

    Goes step by step, since any part of the way may become a symlink at any moment. Raises OSError, for a symlink
    NotADirectoryError.
    """
    names = directory.split("/") if directory else []
    place = os.open(folder, _WAY if names else _PLACE)
    try:
        while names:
            name = names.pop(0)
            above, place = place, os.open(name, (_WAY if names else _PLACE) | os.O_NOFOLLOW, dir_fd=place)
            os.close(above)
        yield place
    finally:
        os.close(place)


def list_directory(place: int, folder: str, directory: str, rules: Rules) -> Listing:
    """The photos and subdirectories of `directory` (relative to the folder), which `place` is. Raises OSError.

    PermissionError also where the directory can be listed and nothing in it looked at. The body of the loop is run
    for every photo of a folder at every look, and does nothing that the look does not need: through the descriptor
    the kernel finds a name without walking a path.
    """
    photos: set[PhotoRow] = set()
    directories: list[str] = []
    unreadable: dict[str, str] = {}
    prefix = directory + "/" if directory else ""
    is_photo, enters, last_ns = rules.is_photo, rules.enters, LAST_NS
    notice(place)
    with os.scandir(place) as entries:
        for entry in entries:
            name = entry.name
            path = prefix + name
            if is_photo(path, name):
                try:
                    plain = entry.is_file(follow_symlinks=False)
                    seen = entry.stat(follow_symlinks=False) if plain else _behind_link(folder, path, entry)
                except (FileNotFoundError, NotADirectoryError):
                    continue  # vanished: the next listing tells
                except OSError as error:
                    if entry.is_symlink():
                        continue  # a loop, say
                    if isinstance(error, PermissionError):
                        raise
                    unreadable[path] = error.strerror or str(error)
                    continue
                if seen is not None:
                    mtime_ns, ctime_ns = seen.st_mtime_ns, seen.st_ctime_ns
                    if forgetful or not 0 <= mtime_ns <= ctime_ns <= last_ns:  # rare: others need no call
                        photos.add((path, *fingerprint_of(seen), 0, 0))
                    else:
                        photos.add((path, seen.st_size, mtime_ns, ctime_ns, seen.st_ino, 0, 0))
                    continue
            if entry.is_dir(follow_symlinks=False) and enters(path):
                directories.append(path)
    return Listing(photos, directories, unreadable)


def compare(listing: Listing, known: Collection[PhotoRow]) -> Comparison:
    """What is to be done so that the database agrees with the listing.

    A photo that is just as the database says is in both, and takes no further thought.
    """
    rows = set(known)
    odd = {row[0]: KnownPhoto(*row).fingerprint for row in listing.photos - rows}
    changed, missing, returned, stale = [], [], [], 0
    for photo in (KnownPhoto(*row) for row in rows - listing.photos):
        fingerprint = odd.pop(photo.path, None)
        if fingerprint is None:
            if not photo.missing and photo.path not in listing.unreadable:
                missing.append(photo.path)
        elif fingerprint != photo.fingerprint or (photo.stale and photo.missing):
            changed.append((photo.path, fingerprint))
        elif photo.stale:
            stale += 1
        else:
            returned.append(photo.path)
    unchanged = len(listing.photos) - len(odd) - len(changed) - stale
    return Comparison(sorted(odd.items()), sorted(changed), unchanged, stale, sorted(missing), sorted(returned))


def _behind_link(folder: str, path: str, entry: os.DirEntry[str]) -> os.stat_result | None:
    """What a symlink points at, if that is a regular file inside the folder and not photod's; None otherwise."""
    if not (entry.is_symlink() and entry.is_file()):
        return None
    target = os.path.realpath(os.path.join(folder, path))
    inside = os.path.realpath(folder).rstrip("/") + "/"
    if not target.startswith(inside) or DATABASE_DIRECTORY in target.removeprefix(inside).split("/"):
        return None
    return os.stat(target)
