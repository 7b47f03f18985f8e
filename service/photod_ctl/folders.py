"""Which databases are meant by what was typed."""

import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from photod.config import DATABASE_DIRECTORY, SYSTEM_STATE, Config, Folder, state_directory
from photod.errors import UsageError
from photod.files import is_gone, may_be_a_strangers
from photod.filesystem import answers, filesystem_identity
from photod.registry import recall
from photod_ctl.tables import typed, warn

CLOSED_REMEDY = "ask its owner, or call this with sudo"


@dataclass(frozen=True, slots=True)
class Archive:
    """A folder with its database, or a part of it."""

    folder: str  # the root, absolute and real
    database: Path
    below: str = ""  # the part that is meant: a subdirectory, relative to the folder; '' is all of it

    @property
    def name(self) -> str:
        """What is meant, as an absolute path."""
        return os.path.join(self.folder, self.below) if self.below else self.folder


def archives(named: Sequence[str] | None, config: Config) -> list[Archive]:
    """As `all_archives`, less those whose photos another has, too: each photo once. May raise DatabaseError."""
    distinct = list(dict.fromkeys(all_archives(named, config)))
    return [a for a in distinct if not any(_inside(a, other) for other in distinct if other is not a)]


def all_archives(named: Sequence[str] | None, config: Config) -> list[Archive]:
    """The archives that were named, else all configured ones that have scores. Raises UsageError."""
    if named:
        return [existing_archive(folder, config) for folder in named]
    if not config.folders:
        raise UsageError("no folder is named and none is configured", f"name one, or add it to {config.place}")
    found = [archive_of(folder) for folder in config.folders if _has_scores(folder)]
    if not found:
        raise _no_scores(config)
    return found


def existing_archive(directory: str, config: Config) -> Archive:
    """The archive that a directory is, or belongs to. Raises UsageError where there is none."""
    path = real_directory(directory)
    archive = find_archive(path, config)
    if archive is None and is_away(Folder(path=Path(path))):
        raise UsageError(f"{path} is not there", "mount its drive")
    if archive is None:
        raise UsageError(f"{path} has no scores yet", f"run photod-ctl rate {typed(directory)}")
    return archive


def find_archive(path: str, config: Config) -> Archive | None:
    """The archive of a real path: that of the configured folder it is in, as for photod, else the nearest one."""
    configured = {folder.path: folder for folder in config.folders}
    around = (Path(path), *Path(path).parents)
    for root in sorted(around, key=lambda root: root not in configured):
        if root not in configured and may_be_a_strangers(str(root / DATABASE_DIRECTORY)):
            continue
        archive = archive_of(configured.get(root) or Folder(path=root))
        if has_database(archive):
            below = os.path.relpath(path, archive.folder)
            return Archive(archive.folder, archive.database, "" if below == os.curdir else below)
    return None


def archive_of(folder: Folder) -> Archive:
    """The archive of a folder as configured."""
    return Archive(str(folder.path), folder.database_path)


def has_database(archive: Archive) -> bool:
    """Whether it is there. Raises UsageError where it may not be read, or even looked for."""
    there = not is_gone(str(archive.database))
    place, right = (archive.database, os.R_OK) if there else (archive.folder, os.X_OK)
    nothing = is_gone(str(place)) or os.path.isfile(archive.folder)  # such as a photo, with more behind its name
    if not nothing and not os.access(place, right):
        raise UsageError(f"{place} is closed to you", CLOSED_REMEDY)
    return there


def real_directory(directory: str, wanted: str = "a folder of photos") -> str:
    """The directory's real, absolute path. Raises UsageError where it is none; `wanted` is what to name instead."""
    named = os.path.expanduser(directory)
    if not answers(named):  # whoever looks at it waits where no Ctrl-C is heard
        raise UsageError(f"{directory} does not answer", "see whether its drive is there, and its server")
    path = os.path.realpath(named)
    if not directory or not os.path.isdir(path):
        refuse_closed(path)
        what = "is not a folder" if os.path.lexists(path) else "does not exist"
        raise UsageError(f"{directory or repr(directory)} {what}", f"name {wanted}")
    return path


def refuse_closed(path: str) -> None:
    """Raises UsageError where this user may not even find out whether there is such a file."""
    try:
        os.lstat(path)
    except PermissionError:
        raise UsageError(f"{path} is closed to you", CLOSED_REMEDY) from None
    except OSError:  # there is none; or no name can be so long, or the drive fails
        pass


def is_away(folder: Folder) -> bool:
    """Whether it is not there: a drive that is not mounted leaves an empty directory behind, or none."""
    if not os.path.isdir(folder.path):
        return True
    record = recall(folder.path, (state_directory(), SYSTEM_STATE))
    try:
        is_itself = record is None or filesystem_identity(str(folder.path)) == record.filesystem
        return not is_itself and not os.listdir(folder.path)
    except OSError:  # closed to this user, which others tell
        return False


def _has_scores(folder: Folder) -> bool:
    if has_database(archive_of(folder)):
        return True
    warn(f"{folder.path} {'is not there' if is_away(folder) else 'has no scores yet'}, left out")
    return False


def _no_scores(config: Config) -> UsageError:
    """Why no configured folder has scores to read: some may merely be away, with theirs."""
    there = [folder for folder in config.folders if not is_away(folder)]
    if not there:
        return UsageError("no configured folder is there", "mount its drive, or put it back")
    meant = "no configured folder" if len(there) == len(config.folders) else "no configured folder that is there"
    return UsageError(f"{meant} has scores yet", "start photod, or run photod-ctl rate FOLDER")


def _inside(inner: Archive, outer: Archive) -> bool:
    if not Path(inner.name).is_relative_to(outer.name):
        return False
    return inner.database == outer.database or _has_photos_of(outer, inner.name)


def _has_photos_of(archive: Archive, directory: str) -> bool:
    """Whether its database, too, has photos of this directory; `exclude` may keep them out of it."""
    from photod.store.queries import Reader

    with closing(Reader(archive.database)) as reader:
        return bool(reader.directories(os.path.relpath(directory, archive.folder)))
