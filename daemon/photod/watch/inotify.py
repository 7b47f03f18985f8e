"""The inotify watches of one folder, one for each directory that was listed.

watchdog can watch a tree by itself, but then it watches what is excluded, swallows the watch limit, and loses
directories that move while it walks. Here whoever lists a directory has it watched first: so nothing falls between
the two, what is not listed is not watched, and every scan repairs what is amiss.
"""

import errno
import os
import threading
from collections.abc import Callable
from typing import Protocol

from watchdog.observers.inotify_c import (
    CallbackId,
    InotifyConstants,
    InotifyEvent,
    InotifyFD,
    Mask,
    WatchDescriptor,
)

from photod.files import is_inside
from photod.filesystem import is_remote
from photod.logs import get_logger

log = get_logger(__name__)

# No opening, reading or modifying: our own reading makes those, and a busy folder many more.
_CHANGES = (
    InotifyConstants.IN_CREATE | InotifyConstants.IN_CLOSE_WRITE | InotifyConstants.IN_ATTRIB
    | InotifyConstants.IN_MOVED_FROM | InotifyConstants.IN_MOVED_TO | InotifyConstants.IN_DELETE
)  # fmt: skip
_ENDS = InotifyConstants.IN_DELETE_SELF | InotifyConstants.IN_MOVE_SELF | InotifyConstants.IN_UNMOUNT
_HOW = InotifyConstants.IN_ONLYDIR | InotifyConstants.IN_DONT_FOLLOW | InotifyConstants.IN_EXCL_UNLINK
MASK = Mask(_CHANGES | InotifyConstants.IN_DELETE_SELF | InotifyConstants.IN_MOVE_SELF | _HOW)


class Heed(Protocol):
    """Who is told what happens in a folder. On the reading thread: note it and return."""

    def noticed(self, path: str) -> None:
        """Something happened to the file at `path`."""

    def noticed_directory(self, path: str, *, came_or_went: bool) -> None:
        """Something happened to the directory at `path`: it came, went, or has other permissions."""

    def doubt(self, reason: str) -> None:
        """Events may have been lost."""


class DirectoryWatches:
    """Which directory of a folder each watch belongs to. Implements watchdog's WatchCallback.

    The folder's thread watches and forgets; the reading thread only looks up.
    """

    def __init__(self, instance: InotifyFD, folder: str, heed: Heed) -> None:
        self._instance = instance
        self._folder = folder
        self._heed = heed
        self._lock = threading.Lock()
        self._directory_of: dict[int, str] = {}  # by watch; what is held there is this one
        self._held: dict[str, tuple[int, int, int]] = {}  # directory -> watch, device, inode
        self._unwatched: set[str] = set()  # directories without a watch
        self._remote: set[str] = set()  # directories in which others may do things without an event

    def __len__(self) -> int:
        return len(self._held)

    def watch(self, directory: str) -> None:
        """Have events of this directory from now on; where that cannot be, `watched_by` says so."""
        # The folder's own path may have become a symlink; below it none is followed.
        location = os.path.join(self._folder, directory) if directory else os.path.realpath(self._folder)
        try:
            status = os.lstat(location)
        except OSError:
            return  # the listing that follows says what is wrong
        if self._holds(directory, status):
            return
        remote = is_remote(location)  # may take a drive's time, for which no event must wait
        with self._lock:
            if directory in self._held:
                self._let_go(directory)
            self._add(directory, location, status)
            self._remote.discard(directory)
            if remote:
                self._remote.add(directory)

    def forget(self, tree: str) -> None:
        """This directory is gone, and all below it."""
        with self._lock:
            for directory in [held for held in self._held if is_inside(held, tree)]:
                self._let_go(directory)
            for kept in (self._unwatched, self._remote):
                kept.difference_update([directory for directory in kept if is_inside(directory, tree)])

    def keep_only(self, is_there: Callable[[str], bool]) -> None:
        """Forget the directories that are not there any more."""
        with self._lock:
            for directory in [held for held in self._held if not is_there(held)]:
                self._let_go(directory)
            self._unwatched = set(filter(is_there, self._unwatched))
            self._remote = set(filter(is_there, self._remote))

    def root_is_another(self) -> bool:
        """Whether the folder's path leads to another directory than the one that is watched."""
        held = self._held.get("")
        try:
            status = os.stat(self._folder)
        except OSError:
            return held is not None
        return held is not None and held[1:] != (status.st_dev, status.st_ino)

    def watched_by(self) -> str:
        """By which means all changes are noticed: inotify, polling, or partly."""
        with self._lock:
            if not self._unwatched and not self._remote:
                return "inotify"
            return "partly" if self._held.keys() - self._remote else "polling"

    def on_event(self, event: InotifyEvent) -> None:
        """On the reading thread. An event of a watch that was just let go of is about nothing of ours."""
        with self._lock:
            directory = self._directory_of.get(event.wd)
        if directory is None:
            return
        if event.name:
            name = os.fsdecode(event.name)
            path = f"{directory}/{name}" if directory else name
            if event.mask & InotifyConstants.IN_ISDIR:
                self._heed.noticed_directory(path, came_or_went=not event.mask & InotifyConstants.IN_ATTRIB)
            else:
                self._heed.noticed(path)
        elif event.mask & _ENDS and not directory:
            self._heed.doubt("the folder itself was moved, deleted or unmounted")

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:
        """On the reading thread: the kernel dropped a watch, since its directory is gone."""
        with self._lock:
            directory = self._directory_of.pop(wd, None)
            if directory is not None:
                del self._held[directory]

    def on_queue_overflow(self) -> None:
        """On the reading thread: the kernel dropped events."""
        self._heed.doubt("more events than the kernel's queue holds")

    def _holds(self, directory: str, status: os.stat_result) -> bool:
        """Whether this very directory is watched, under whatever name until now."""
        with self._lock:
            held = self._held.get(directory)
            # A watch that ended under another name leaves this behind, and its inode may be a new directory's.
            if held is None or held[1:] != (status.st_dev, status.st_ino) or held[0] not in self._directory_of:
                return False
            self._directory_of[held[0]] = directory
            return True

    def _add(self, directory: str, location: str, status: os.stat_result) -> None:
        name = self._name(directory)
        try:
            watch = self._instance.add_callback(os.fsencode(location), MASK, self, name)
        except OSError as error:
            # EINVAL: the instance was closed, and its number has become another file's.
            if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.EBADF, errno.EINVAL):
                self._note_unwatched(directory, error)
            return
        if watch == -1:  # watchdog takes EACCES for success
            self._instance.remove_callbacks([(watch, name)])
            return
        self._held[directory] = (watch, status.st_dev, status.st_ino)
        self._directory_of[watch] = directory
        self._unwatched.discard(directory)

    def _note_unwatched(self, directory: str, error: OSError) -> None:
        if not self._unwatched:
            log.warning(
                "not_all_watched",
                folder=self._folder,
                path=directory,
                reason=error.strerror,
                note="what cannot be watched is compared every few minutes; raise fs.inotify.max_user_watches"
                " with sysctl to watch it all",
            )
        self._unwatched.add(directory)

    def _let_go(self, directory: str) -> None:
        watch, _, _ = self._held.pop(directory)
        if self._directory_of.get(watch) == directory:
            del self._directory_of[watch]
        self._instance.remove_callbacks([(WatchDescriptor(watch), self._name(directory))])

    def _name(self, directory: str) -> CallbackId:
        """watchdog numbers callbacks by what one likes.

        A directory that moved from one folder to another, or is mounted in two, has one watch and a name in each.
        """
        return CallbackId((self._folder, directory))  # type: ignore[arg-type]
