"""The inotify instance that all folders share, and the thread that doubts it."""

import threading
import time
from pathlib import Path
from typing import Protocol

from watchdog.observers.inotify_c import InotifyFD

from photod.config import runtime_directory
from photod.logs import get_logger
from photod.threads import Crew
from photod.watch.canary import Canary
from photod.watch.inotify import DirectoryWatches, Heed

log = get_logger(__name__)

CHECK_S = 15.0  # with the canary's ANSWER_S: a deaf observer is noticed within 20 s
SUSPENDED_S = 1.0  # the clock that counts suspended time gained more than this on the one that does not


class Watched(Heed, Protocol):
    """A folder's watcher, as the observer sees it."""

    @property
    def path(self) -> str:
        """The folder."""

    def watch_with(self, watches: DirectoryWatches | None) -> None:
        """Have directories watched with these from now on; None: nothing can be watched."""


class Observer:
    """Watches folders. Its own thread replaces the inotify instance when it fails, and has the folders scanned."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._watched: list[Watched] = []
        self._instance: InotifyFD | None = None
        self._canary: Canary | None = None
        self._told = False  # that nothing can be watched
        self._stopping = threading.Event()
        self._suspended_s = _suspended_s()
        self._lock = threading.Lock()  # one repair at a time, and none after the stop
        self._checked_at = time.monotonic()

    def add(self, watched: Watched) -> None:
        """Watch one more folder."""
        with self._lock:
            self._watched = [*self._watched, watched]  # others may be iterating
            self._connect(watched)

    def remove(self, watched: Watched) -> None:
        """Watch a folder no more."""
        with self._lock:
            self._watched = [each for each in self._watched if each is not watched]

    def silent_s(self) -> float:
        """How long ago the last `check` was over; grows only if the observer's own thread is stuck."""
        return time.monotonic() - self._checked_at

    def start(self) -> None:
        """Begin to watch."""
        self._build()
        self._crew.start("observer", self._supervise)

    def stop(self) -> None:
        """Stop watching."""
        self._stopping.set()
        with self._lock:
            self._dismantle()

    def check(self) -> None:
        """Doubt everything once: blocks for seconds if there is reason to."""
        suspended_s = _suspended_s()
        if suspended_s - self._suspended_s > SUSPENDED_S:
            self._doubt("the machine was suspended")
        self._suspended_s = suspended_s
        if self._instance is None:
            self._repair("")
        elif not self._hears(self._instance):
            # Asked again: it may have died with the canary's event unread.
            dead = not self._instance.is_alive()
            self._repair("the thread that reads events died" if dead else "no events come any more")
        self._checked_at = time.monotonic()

    def _hears(self, instance: InotifyFD) -> bool:
        return instance.is_alive() and (self._canary is None or self._canary.sings())

    def _supervise(self) -> None:
        while not self._stopping.wait(CHECK_S):
            self.check()

    def _repair(self, reason: str) -> None:
        """Begin anew with a fresh instance; the scans that follow have the directories watched again."""
        with self._lock:
            if self._stopping.is_set():
                return
            self._dismantle()
            self._build()
        if self._instance is not None:
            reason = reason or "nothing could be watched before"
            log.warning("observer_rebuilt", reason=reason)
        if reason:
            self._doubt(reason)

    def _doubt(self, reason: str) -> None:
        for watched in self._watched:
            watched.doubt(reason)

    def _build(self) -> None:
        try:
            self._instance = self._open_instance()
            self._told = False
        except OSError as error:
            if not self._told:
                log.warning(
                    "nothing_watched", reason=error.strerror, note="folders are compared every few minutes; raise"
                    " fs.inotify.max_user_instances and fs.inotify.max_user_watches with sysctl"
                )  # fmt: skip
            self._told = True
        for watched in self._watched:
            self._connect(watched)

    def _connect(self, watched: Watched) -> None:
        instance = self._instance
        watched.watch_with(DirectoryWatches(instance, watched.path, watched) if instance else None)

    def _open_instance(self) -> InotifyFD:
        instance = InotifyFD()
        instance.start()  # before anything can fail: only its thread gives its descriptors back
        try:
            self._canary = Canary((runtime_directory(), Path("/dev/shm"), Path("/run")))  # noqa: S108
            self._canary.join(instance)
        except BaseException:
            _end(instance)
            raise
        return instance

    def _dismantle(self) -> None:
        instance, self._instance = self._instance, None
        if instance is not None:
            _end(instance)
        if self._canary is not None:
            self._canary.leave()


def _end(instance: InotifyFD) -> None:
    instance.stop()
    instance.join(timeout=2.0)


def _suspended_s() -> float:
    """How long the machine has been suspended since it was started."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()
