"""inotify, through watchdog: events mark directories dirty and do nothing else."""

import os
from collections.abc import Callable

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from photod.errors import ConfigError
from photod.watch.folder import FolderWatcher
from photod.watch.ignore import Rules

# Not opened, read, modified, closed-unwritten: watchdog's own walking makes those, and a busy folder many more.
_EVENTS: list[type[FileSystemEvent]] = [
    FileCreatedEvent, FileClosedEvent, FileMovedEvent, FileDeletedEvent,
    DirCreatedEvent, DirMovedEvent, DirDeletedEvent,
]  # fmt: skip


class Watch:
    """Watches folders with inotify and marks what changes in their watchers' agendas."""

    def __init__(self) -> None:
        self._observer: BaseObserver = Observer()

    def add(self, watcher: FolderWatcher, rules: Rules) -> None:
        """Watch one more folder. Raises ConfigError where the system allows no more watches."""
        marker = _Marker(watcher.path, rules, watcher.mark)
        try:
            self._observer.schedule(marker, watcher.path, recursive=True, event_filter=_EVENTS)
        except OSError as error:
            raise ConfigError(
                f"cannot watch {watcher.path}: {error.strerror}",
                "raise fs.inotify.max_user_watches and fs.inotify.max_user_instances with sysctl",
            ) from error

    def start(self) -> None:
        """Begin to watch."""
        self._observer.start()

    def stop(self) -> None:
        """Stop watching; waits for the observer's threads."""
        if self._observer.is_alive():
            self._observer.stop()
            self._observer.join(timeout=2.0)


class _Marker(FileSystemEventHandler):
    """Runs on watchdog's dispatching thread, which an exception would kill: it computes a name and marks it."""

    def __init__(self, folder: str, rules: Rules, mark: Callable[..., None]) -> None:
        self._folder = folder
        self._rules = rules
        self._mark = mark

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Mark the directory of each path that the event names; a directory's own event marks its whole tree."""
        for name in (event.src_path, event.dest_path):
            path = self._relative(os.fsdecode(name)) if name else None
            if path is None:
                continue
            directory = os.path.dirname(path)
            if self._is_entered(path if event.is_directory else directory):
                self._mark(directory)
                if event.is_directory:
                    self._mark(path, subtree=True)

    def _relative(self, path: str) -> str | None:
        inside = self._folder.rstrip("/") + "/"
        return path[len(inside) :] if path.startswith(inside) else None

    def _is_entered(self, directory: str) -> bool:
        return not directory or self._rules.enters(directory)
