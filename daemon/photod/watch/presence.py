"""Whether a folder is there as itself: a drive that is away leaves an empty directory behind, or none.

photod remembers the folders that it has worked on. One of them without its `.photod` is away, not empty: nothing is
concluded from it, and it gets no new database.
"""

import os
from enum import Enum
from pathlib import Path

from photod.config import DATABASE_DIRECTORY, Folder
from photod.filesystem import answers, filesystem_identity
from photod.registry import Record


class Presence(Enum):
    """What is found at a folder's path."""

    HERE = "here"
    ABSENT = "absent"
    SILENT = "silent"  # its filesystem does not answer: the server of a network drive is away, say
    RELEASED = "released"  # as good as away until it was, since somebody wants to unmount it
    UNOPENED = "unopened"  # it is there, and its database is not the one that this process has open


LET_GO = frozenset({Presence.ABSENT, Presence.RELEASED})  # nothing is kept open there
AWAY = LET_GO | {Presence.SILENT}


def presence(settings: Folder, record: Record | None, opened: tuple[int, int] | None) -> Presence:
    """What is at the folder's path. `opened`: device and inode of its database, if this process has it open.

    Whether it is released is not known here.
    """
    if not answers(str(settings.path)):
        return Presence.SILENT
    try:
        if not _is_itself(settings, record):
            return Presence.ABSENT
        return Presence.HERE if opened and opened == file_identity(settings.database_path) else Presence.UNOPENED
    except OSError:  # not a directory, not mounted, or its disk has gone
        return Presence.ABSENT


def file_identity(path: Path) -> tuple[int, int] | None:
    """Device and inode of a file; None where there is none."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _is_itself(settings: Folder, record: Record | None) -> bool:
    place = str(settings.path)
    same_filesystem = record is None or filesystem_identity(place) == record.filesystem
    if settings.database == "state":
        # It keeps no marker, and may have been moved to another disk: then it is at least not empty.
        return settings.path.is_dir() and (same_filesystem or not _is_empty(place))
    if (settings.path / DATABASE_DIRECTORY).is_dir():
        return True
    # Deleted and made again in the same place: with something in it, it is no mount point that waits.
    return settings.path.is_dir() and (record is None or (same_filesystem and not _is_empty(place)))


def _is_empty(place: str) -> bool:
    with os.scandir(place) as entries:
        return next(entries, None) is None
