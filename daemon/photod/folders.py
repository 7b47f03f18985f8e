"""The folders of one run: which are meant, and what this process holds of each."""

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from photod.channel import Closed
from photod.config import DATABASE_DIRECTORY, Config, Folder, Watch, state_directory
from photod.errors import ConfigError, DatabaseError, UsageError
from photod.files import closed_at, is_gone, may_be_a_strangers
from photod.filesystem import drive_of, is_plugged_in
from photod.intake.formats import is_photo_name
from photod.logs import get_logger
from photod.photos import Candidate, Note, StalePage
from photod.registry import REGISTRY_NAME, Registry
from photod.store.queries import Reader
from photod.store.writer import Writer
from photod.watch.folder import FolderWatcher
from photod.watch.ignore import Rules
from photod.watch.presence import Presence, file_identity, presence
from photod.watch.survey import Surroundings

T = TypeVar("T")

GOING_S = 2.0  # that the system may take to notice that a drive was pulled out, and to unmount it

log = get_logger(__name__)


class OpenFolder:
    """A folder that this process works on. Its database is open from `open` on, while the folder is there.

    `open` and `close` are for the owner of the writer: the thread that starts, then the one that commits.
    """

    def __init__(
        self,
        settings: Folder,
        timing: Watch,
        offer: Callable[[Candidate], bool],
        expect: Callable[[], None],
        note: Callable[[Note], None],
    ) -> None:
        self.settings = settings
        self.writer: Writer | None = None
        self.reader: Reader | None = None
        self.refusal = ""  # why its database cannot be had, as it was last said
        self._registry = Registry(state_directory() / REGISTRY_NAME)
        self._record = self._registry.find(settings.path)
        self._opened: tuple[int, int] | None = None
        self._drive: int | None = None  # which it was on when it was opened last
        self._was_away = False  # since it was opened
        around = Surroundings(
            known=lambda directory: self.ask(lambda reader: reader.known(directory), []),
            known_directories=lambda below: self.ask(lambda reader: reader.directories(below), []),
            links_of=lambda inode: self.ask(lambda reader: reader.links_of(inode), []),
            paths_of=lambda fingerprint: self.ask(lambda reader: reader.paths_of(fingerprint), []),
            count_stale=lambda below: self.ask(lambda reader: reader.count_stale(below), 0),
            stale=lambda below, place: self.ask(lambda reader: reader.stale(below, place), StalePage((), None)),
            offer=offer,
            expect=expect,
            note=note,
            presence=self.presence,
        )
        self.watcher = FolderWatcher(self.path, _rules(settings), around, timing, polled=settings.watch == "poll")

    @property
    def path(self) -> str:
        """The absolute path."""
        return str(self.settings.path)

    def is_known(self) -> bool:
        """Whether photod has worked on it before."""
        return self._record is not None

    def ask(self, question: Callable[[Reader], T], nothing: T) -> T:
        """Ask the database. One that went away with its drive knows nothing, nor does one that was given back."""
        reader = self.reader
        if reader is None:
            return nothing
        try:
            return question(reader)
        except Closed:
            return nothing
        except DatabaseError:
            if not self.is_going_away():
                raise
            return nothing

    def presence(self) -> Presence:
        """Whether the folder is there as itself, with the database that is open.

        After it was away, its database is not the one that is open, even if it looks so: the connections to it
        may have seen nothing but errors.
        """
        found = presence(self.settings, self._record, None if self._was_away else self._opened)
        if found is Presence.ABSENT or self._is_pulled_out():
            self._was_away = True
            return Presence.ABSENT
        return found

    def is_going_away(self) -> bool:
        """Whether its drive was just pulled out, so that its database fails without being to blame.

        Blocks for GOING_S at most.
        """
        deadline = time.monotonic() + GOING_S
        while self.presence() is Presence.HERE:
            if time.monotonic() > deadline:
                return False
            time.sleep(GOING_S / 40)
        return True

    def _is_pulled_out(self) -> bool:
        """Whether its drive is gone, and only still mounted because somebody has files open there."""
        if self._drive is None or is_plugged_in(self._drive):
            return False
        try:
            return os.stat(self.settings.path).st_dev == self._drive
        except OSError:
            return True

    def find_database(self) -> Path | None:
        """Where its database is; None while the folder is not there."""
        return self.settings.database_path if self.presence() is Presence.HERE else None

    def open(self) -> None:
        """Take the folder's database, or that which is there now. Raises BusyError, DatabaseError."""
        self.close()
        self.writer = Writer(self.settings.database_path)
        self.reader = Reader(self.settings.database_path)
        self._opened, self._was_away = file_identity(self.settings.database_path), False
        self._drive = drive_of(self.path)
        try:
            self._registry.remember(self.settings.path)
        except OSError as error:
            log.warning(
                "not_remembered", folder=self.path, file=str(self._registry.file), reason=error.strerror,
                note="mend that, else an empty mount point is taken for the folder when its drive is away",
            )  # fmt: skip
        self._record = self._registry.find(self.settings.path)

    def close(self) -> None:
        """Give the database back, and keep nothing open on its drive. Waits for whoever is asking it right now.

        Whoever is the last to close a database deletes its log, by its name. Where another drive is in the place by
        now, that would be the log of another database, which SQLite tells apart by its inode number alone: then the
        last is the one who only reads, and deletes nothing.
        """
        readers_last = self.writer is not None and self._is_another(self.writer.path)
        self._opened = None
        reader, self.reader = self.reader, None
        writer, self.writer = self.writer, None
        for each in (writer, reader) if readers_last else (reader, writer):
            if each is not None:
                each.close()

    def _is_another(self, database: Path) -> bool:
        try:
            there = file_identity(database)
        except OSError:
            return False
        return there is not None and there != self._opened


def choose_folders(config: Config, once: Path | None) -> tuple[list[Folder], list[Folder]]:
    """The folders to work on, and others that are only asked for known contents.

    `once`: the one folder that was typed. Raises UsageError for that, ConfigError for the others.
    """
    configured = list(config.folders)
    if once is None:
        if not configured:
            raise no_folders()
        _refuse_nested(configured)
        for folder in configured:
            _rules(folder)  # refuses what is no pattern
        return configured, []
    meant = Folder(path=once).path
    chosen = next((folder for folder in configured if meant.is_relative_to(folder.path)), None)
    chosen = chosen or Folder(path=_with_database(meant))
    closed = closed_at(meant) is not None
    if closed or not os.path.isdir(meant):
        problem, remedy = why_none(meant)
        within = not closed and chosen.path != meant and os.path.isdir(chosen.path)  # a slip within an archive
        raise UsageError(problem, f"name one that is in {chosen.path}" if within else f"{remedy} first")
    return [chosen], [folder for folder in configured if folder.path != chosen.path]


def open_folder(folder: OpenFolder, *, may_wait: bool) -> None:
    """Take a folder's database as the program starts. Raises ConfigError, BusyError, DatabaseError.

    A known folder that is away is no error if it `may_wait`: its watcher looks for it.
    """
    present = folder.presence() is not Presence.ABSENT
    if error := refusal(folder.settings.path, known=folder.is_known(), present=present):
        raise error
    if present:
        folder.open()
    elif not may_wait:
        raise ConfigError(
            f"{folder.path} is away: it has no {DATABASE_DIRECTORY}, as it had before",
            f"mount it, or, to begin anew, create {DATABASE_DIRECTORY} in it",
        )


def no_folders() -> ConfigError:
    """What is wrong with a configuration that names none."""
    return ConfigError("no folders are configured", 'add folders = ["/path/to/photos"] to the configuration')


def refusal(folder: Path, *, known: bool, present: bool) -> ConfigError | None:
    """Why photod does not begin with a folder; None where it does, or waits for one that it knows."""
    if known or (present and closed_at(folder) is None):
        return None
    problem, remedy = why_none(folder)
    return ConfigError(problem, f"{remedy}, or take it out of the configuration")


def why_none(path: Path) -> tuple[str, str]:
    """Why no folder can be read at this path, and what to do about it."""
    closed = closed_at(path)
    if closed is not None:
        return f"{path} is closed to this user", f"change the permissions of {closed}"
    return f"{path} is not a folder", "create or mount it"


def open_readers(others: Iterable[Folder]) -> list[Reader]:
    """Views of folders that this process does not hold; one that cannot be read now is left out."""
    readers = []
    for folder in others:
        if not is_gone(str(folder.database_path)):
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


def find_present(folders: Iterable[OpenFolder], path: str) -> tuple[OpenFolder, str]:
    """As `find_folder`, for a folder that is there. Raises UsageError."""
    folder, below = find_folder(folders, path)
    refuse_away(folder)
    return folder, below


def refuse_away(folder: OpenFolder) -> None:
    """Raises UsageError for a folder that is not there."""
    if folder.presence() is Presence.ABSENT:
        raise UsageError(f"{folder.path} is away", "mount it")


def _rules(folder: Folder) -> Rules:
    return Rules(folder.exclude, is_photo_name)


def _with_database(meant: Path) -> Path:
    """The nearest directory at or above `meant` that has a database; `meant` itself where there is none."""
    markers = (place / DATABASE_DIRECTORY for place in (meant, *meant.parents))
    return next((m.parent for m in markers if os.path.isdir(m) and not may_be_a_strangers(str(m))), meant)


def _refuse_nested(folders: list[Folder]) -> None:
    paths = [folder.path for folder in folders]
    for position, path in enumerate(paths):
        for other in paths[:position]:
            if path == other:
                raise ConfigError(f"folders: {path} is listed twice", "take one of them out")
            if _is_same_directory(path, other):
                problem = f"folders: {path} and {other} are one directory under two names, such as a bind mount"
                raise ConfigError(problem, "list it once")
            if path.is_relative_to(other) or other.is_relative_to(path):
                problem = f"folders: one of {path} and {other} contains the other"
                raise ConfigError(problem, "list the outer one only")


def _is_same_directory(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except OSError:  # one of them is not there
        return False
