"""The folders of one run: which are meant, and what this process holds of each."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from photod.config import DATABASE_DIRECTORY, Config, Folder
from photod.errors import ConfigError, DatabaseError, UsageError
from photod.intake.formats import is_photo_name
from photod.logs import get_logger
from photod.photos import Candidate, Note
from photod.store.queries import Reader
from photod.store.writer import Writer
from photod.watch.folder import FolderWatcher, Surroundings
from photod.watch.ignore import Rules

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class OpenFolder:
    """A folder whose database this process holds."""

    settings: Folder
    writer: Writer
    reader: Reader
    watcher: FolderWatcher
    rules: Rules

    @property
    def path(self) -> str:
        """The absolute path."""
        return str(self.settings.path)


def choose_folders(config: Config, once: Path | None) -> tuple[list[Folder], list[Folder]]:
    """The folders to work on, and others that are only asked for known contents. Raises ConfigError."""
    configured = list(config.folders)
    if once is None:
        if not configured:
            raise ConfigError("no folders are configured", 'add folders = ["/path/to/photos"] to the configuration')
        _refuse_nested(configured)
        return configured, []
    meant = Folder(path=once).path
    chosen = next((folder for folder in configured if meant.is_relative_to(folder.path)), None)
    chosen = chosen or Folder(path=_with_database(meant))
    return [chosen], [folder for folder in configured if folder.path != chosen.path]


def open_folder(
    settings: Folder, quiet_s: float, offer: Callable[[Candidate], bool], note: Callable[[Note], None]
) -> OpenFolder:
    """Take a folder's database. Raises ConfigError, BusyError, DatabaseError."""
    if not os.path.isdir(settings.path):
        raise ConfigError(
            f"{settings.path} is not a folder", "create or mount it, or take it out of the configuration"
        )
    writer = Writer(settings.database_path)
    reader = Reader(settings.database_path)
    rules = Rules(settings.exclude, is_photo_name)
    around = Surroundings(reader.known, reader.directories, offer, note, lambda: _is_itself(settings))
    watcher = FolderWatcher(str(settings.path), rules, around, quiet_s)
    return OpenFolder(settings, writer, reader, watcher, rules)


def open_readers(others: Iterable[Folder]) -> list[Reader]:
    """Views of folders that this process does not hold; one that cannot be read now is left out."""
    readers = []
    for folder in others:
        if folder.database_path.exists():
            try:
                readers.append(Reader(folder.database_path))
            except DatabaseError as error:
                log.warning("other_folder_unreadable", folder=str(folder.path), reason=str(error))
    return readers


def find_folder(folders: Iterable[OpenFolder], path: str) -> tuple[OpenFolder, str]:
    """The open folder that `path` lies in, and the path relative to it ('' for itself). Raises UsageError."""
    meant = Path(os.path.realpath(path))
    for folder in folders:
        if meant.is_relative_to(folder.settings.path):
            below = str(meant.relative_to(folder.settings.path))
            return folder, "" if below == "." else below
    raise UsageError(
        f"{path} is not in a folder that this photod watches", "add it to folders in the configuration"
    )


def _with_database(meant: Path) -> Path:
    """The nearest directory at or above `meant` that has a database; `meant` itself where there is none."""
    places = (place for place in (meant, *meant.parents) if (place / DATABASE_DIRECTORY).is_dir())
    return next(places, meant)


def _is_itself(settings: Folder) -> bool:
    """Whether the folder is there: an unmounted one may still be a directory, an empty one."""
    marker = settings.path / DATABASE_DIRECTORY if settings.holds_database else settings.path
    return marker.is_dir()


def _refuse_nested(folders: list[Folder]) -> None:
    paths = [folder.path for folder in folders]
    for position, path in enumerate(paths):
        for other in paths[:position]:
            if path == other:
                raise ConfigError(f"folders: {path} is listed twice", "take one of them out")
            if path.is_relative_to(other) or other.is_relative_to(path):
                raise ConfigError(f"folders: {path} and {other} lie in one another", "list the outer one only")
