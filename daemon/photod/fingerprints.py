"""Fingerprints of files, of what lasts where they lie.

FAT and exFAT have no place for a ctime, and like some others none for an inode number: what the kernel tells for
them is made up when it first looks at a file, and different after the next mount or whenever it has forgotten the
file. Fingerprints with those in them would have a whole drive read again.
"""

import os

from photod.filesystem import FAT, RENUMBERING, filesystem_type
from photod.photos import Fingerprint, storable_ns

# Devices of such filesystems, and whether their ctimes do not last, either. Whoever makes fingerprints of files
# has noticed their directory before, so all that are compared were made in one way.
forgetful: dict[int, bool] = {}


def notice(place: str | int) -> None:
    """Find out what lasts at a path or behind a descriptor: a device may hold another filesystem than yesterday.

    Any thread may call. Raises OSError where nothing can be looked at.
    """
    device = os.stat(place).st_dev
    try:
        kind = filesystem_type(place)
    except OSError:  # some servers of FUSE do not answer that
        forgetful[device] = False
        return
    if kind in RENUMBERING:
        forgetful[device] = kind in FAT
    else:
        forgetful.pop(device, None)


def fingerprint_of(status: os.stat_result) -> Fingerprint:
    """The fingerprint in the answer of `os.stat`, `os.lstat` or `os.fstat`."""
    size, mtime_ns, ctime_ns = status.st_size, storable_ns(status.st_mtime_ns), storable_ns(status.st_ctime_ns)
    without_ctime = forgetful.get(status.st_dev)
    if without_ctime is None:
        return Fingerprint(size, mtime_ns, ctime_ns, status.st_ino)
    return Fingerprint(size, mtime_ns, mtime_ns if without_ctime else ctime_ns, 0)


def fingerprint_at(location: str) -> Fingerprint | None:
    """The fingerprint of the file at `location` now; None when it is gone or cannot be looked at."""
    try:
        return fingerprint_of(os.stat(location))
    except OSError:
        return None
