"""The databases that this process has open, and how other files are opened beside them.

The kernel drops all locks that a process has on a file as soon as the process closes any descriptor of it. SQLite's
own connections know that of each other; a photo that is a link to a database would leave it without locks, and
another program could take itself for its only user.
"""

import errno
import os
from pathlib import Path

# The databases that were opened, with their devices. None is ever taken out: one that was given back is no photo,
# either. What lies on another device cannot be one of them, so nobody waits here for a drive that hangs.
_held: dict[tuple[int, str], None] = {}


def hold(database: Path) -> None:
    """Note that this process opens a database. Any thread may call. Raises OSError where there is none."""
    _held[os.stat(database).st_dev, str(database)] = None


def open_beside(location: str, flags: int) -> int:
    """As `os.open`, for an existing file that others made.

    Raises PermissionError, and has opened nothing, where it is one of the files of a database that is open.
    """
    # Closing a descriptor of this kind drops no locks, and what is opened by way of it is the file that was seen.
    look = os.open(location, os.O_PATH | os.O_CLOEXEC)
    try:
        if _is_held(os.fstat(look)):
            raise PermissionError(errno.EPERM, "it belongs to a database that photod has open")
        return os.open(f"/proc/self/fd/{look}", flags)
    finally:
        os.close(look)


def _is_held(status: os.stat_result) -> bool:
    """Whether this is a file with SQLite's locks on it; a log has none."""
    files = (f"{path}{end}" for device, path in list(_held) if device == status.st_dev for end in ("", "-shm"))
    return any(_inode(file) == status.st_ino for file in files)


def _inode(location: str) -> int:
    try:
        return os.stat(location).st_ino
    except OSError:
        return 0
