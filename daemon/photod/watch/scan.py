"""Listing a directory, and comparing the listing with what the database knows."""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from photod.photos import Fingerprint, KnownPhoto
from photod.watch.ignore import Rules


@dataclass(frozen=True, slots=True)
class Listing:
    """What a directory holds right now. Paths are relative to the folder."""

    photos: dict[str, Fingerprint] = field(default_factory=dict)
    directories: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the listing of one directory means."""

    work: list[tuple[str, Fingerprint]] = field(default_factory=list)  # new, or changed
    unchanged: int = 0
    stale: int = 0  # unchanged, but an earlier model scored them
    missing: list[str] = field(default_factory=list)  # known, and not in the listing
    returned: list[str] = field(default_factory=list)  # known as missing, there again unchanged

    def without(self, paths: Collection[str]) -> "Comparison":
        """The same with these paths counted as unchanged."""
        work = [(path, fingerprint) for path, fingerprint in self.work if path not in paths]
        return replace(self, work=work, unchanged=self.unchanged + len(self.work) - len(work))


def list_directory(folder: str, directory: str, rules: Rules) -> Listing:
    """The photos and subdirectories of `directory` (relative to the folder). Raises OSError."""
    listing = Listing()
    prefix = directory + "/" if directory else ""
    with os.scandir(os.path.join(folder, directory)) as entries:
        for entry in entries:
            path = prefix + entry.name
            if entry.is_dir(follow_symlinks=False):
                if rules.enters(path):
                    listing.directories.append(path)
            elif rules.is_photo(path) and (fingerprint := _fingerprint(folder, entry)):
                listing.photos[path] = fingerprint
    return listing


def compare(listing: Listing, known: Mapping[str, KnownPhoto]) -> Comparison:
    """What is to be done so that the database agrees with the listing."""
    work, returned, unchanged, stale = [], [], 0, 0
    for path, fingerprint in listing.photos.items():
        row = known.get(path)
        if row is None or row.fingerprint != fingerprint or (row.stale and row.missing):
            work.append((path, fingerprint))
        elif row.stale:
            stale += 1
        else:
            unchanged += 1
            if row.missing:
                returned.append(path)
    missing = [path for path, row in known.items() if not row.missing and path not in listing.photos]
    return Comparison(work, unchanged, stale, missing, returned)


def _fingerprint(folder: str, entry: os.DirEntry[str]) -> Fingerprint | None:
    """Of a regular file, or of one inside the folder that a symlink points at; None for anything else."""
    try:
        if entry.is_file(follow_symlinks=False):
            return Fingerprint.of(entry.stat(follow_symlinks=False))
        if entry.is_symlink() and entry.is_file():
            target = os.path.realpath(entry.path)
            return Fingerprint.of(os.stat(target)) if target.startswith(folder.rstrip("/") + "/") else None
    except OSError:
        pass  # vanished, or a loop of links: the next listing tells
    return None
