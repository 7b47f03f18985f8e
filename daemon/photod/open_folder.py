"""A folder that this process works on: its settings, its database, its watcher."""

import os
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from photod.channel import Closed
from photod.config import DATABASE_DIRECTORY, Folder, Watch, state_directory
from photod.errors import ConfigError, DatabaseError, UsageError
from photod.files import is_gone
from photod.filesystem import drive_of, is_plugged_in, real_path
from photod.folders import refusal, refuse_shared, rules_of, silence
from photod.logs import get_logger
from photod.photos import Candidate, Note, StalePage
from photod.registry import REGISTRY_NAME, Registry
from photod.store.queries import Reader
from photod.store.writer import Writer
from photod.watch.folder import FolderWatcher
from photod.watch.presence import Presence, file_identity, presence
from photod.watch.surroundings import Surroundings

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
        self._released = False
        self._closed = threading.Event()  # nothing of its database is open
        self._closed.set()
        around = Surroundings(
            known=lambda directory: self.ask(lambda reader: reader.known(directory), []),
            known_directories=lambda below: self.ask(lambda reader: reader.directories(below), []),
            links_of=lambda inode: self.ask(lambda reader: reader.links_of(inode), []),
            paths_of=lambda fingerprint: self.ask(lambda reader: reader.paths_of(fingerprint), []),
            count_stale=lambda below: self.ask(lambda reader: reader.count_stale(below), 0),
            stale=lambda below, place: self.ask(lambda reader: reader.stale(below, place), StalePage((), None)),
            offer=offer,
            expect=expect,
            write_down=note,
            presence=self.presence,
        )
        self.watcher = FolderWatcher(self.path, rules_of(settings), around, timing, polled=settings.watch == "poll")

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
        if found is Presence.SILENT:
            return found
        if found is Presence.ABSENT or self._is_pulled_out():
            self._was_away, self._released = True, False
            return Presence.ABSENT
        return Presence.RELEASED if self._released else found

    def release(self) -> None:
        """Have it count as away until it was, so that its drive can be unmounted. Any thread may call."""
        self._released = True
        self.watcher.look_whether_here()

    def take_back(self) -> None:
        """Have it count as there again, though its drive stayed. Any thread may call."""
        self._released = False
        self.watcher.look_whether_here()

    def wait_until_closed(self, until: float) -> bool:
        """Whether its database is closed and none of its photos under way, by `until` (monotonic) at the latest."""
        closed = self._closed.wait(max(0.0, until - time.monotonic()))
        self.watcher.wait_until_idle(max(0.0, until - time.monotonic()))
        return closed and not len(self.watcher.flight)

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
        """Take the folder's database, or that which is there now. Raises ConfigError, BusyError, DatabaseError."""
        refuse_shared(self.settings)
        if self.writer is not None and self._is_another():
            log.warning(
                "database_replaced", folder=self.path, file=str(self.settings.database_path),
                note="another one is in its place now, or none: what that does not know is scored again",
            )  # fmt: skip
        self.close()
        self._closed.clear()
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
        readers_last = self.writer is not None and self._is_another()
        self._opened = None
        reader, self.reader = self.reader, None
        writer, self.writer = self.writer, None
        for each in (writer, reader) if readers_last else (reader, writer):
            if each is not None:
                each.close()
        self._closed.set()

    def _is_another(self) -> bool:
        """Whether the database that is open is not the one in its place, or not any more."""
        try:
            return file_identity(self.settings.database_path) != self._opened
        except OSError:
            return False


def open_folder(folder: OpenFolder, *, may_wait: bool) -> None:
    """Take a folder's database as the program starts. Raises ConfigError, BusyError, DatabaseError.

    A folder that does not answer is no error if it `may_wait`, nor is a known one that is away: its watcher looks
    for it.
    """
    found = folder.presence()
    if found is Presence.SILENT and may_wait:
        return
    present = found is not Presence.ABSENT
    if error := refusal(folder.settings.path, known=folder.is_known(), present=present):
        raise error
    if present:
        folder.open()
    elif not may_wait:
        raise ConfigError(
            f"{folder.path} is away: it has no {DATABASE_DIRECTORY}, as it had before",
            f"mount it, or, to begin anew, create {DATABASE_DIRECTORY} in it",
        )


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
    meant = real_path(path)
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
    found = folder.presence()
    if found is Presence.SILENT:
        raise silence(folder.settings.path)
    if found is Presence.RELEASED:
        raise UsageError(f"{folder.path} is released", "unmount it, or call photod-ctl rescan")
    if found is Presence.ABSENT:
        raise UsageError(f"{folder.path} is away", "mount it")
