"""Proof that events still flow: a file on tmpfs that is touched, and the event that must come of it."""

import fcntl
import os
import shutil
import tempfile
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from watchdog.observers.inotify_c import CallbackId, InotifyConstants, InotifyEvent, InotifyFD, WatchDescriptor

from photod.filesystem import TMPFS, filesystem_type

_PREFIX, _EGG_PREFIX = "photod-canary-", "photod-canary_egg-"
ANSWER_S = 5.0  # a reading thread that is merely busy gets so long


class Canary:
    """Lives on tmpfs, so that an idle daemon touches no disk. Implements watchdog's WatchCallback."""

    def __init__(self, places: Iterable[Path]) -> None:
        places = list(places)
        self._made = [place for place in places if not os.path.lexists(place)]  # if at all
        self._home, self._lock = _settle_in(places)
        self._sang = threading.Event()

    def join(self, instance: InotifyFD) -> None:
        """Have this instance watched from now on. Raises OSError."""
        if self._home is not None:
            name = CallbackId("canary")  # type: ignore[arg-type]
            instance.add_callback(os.fsencode(self._home), InotifyConstants.IN_ATTRIB, self, name)

    def sings(self) -> bool:
        """Whether events flow; blocks for ANSWER_S if not. True where there is no tmpfs to prove it on."""
        if self._home is None:
            return True
        self._sang.clear()
        try:
            os.utime(self._home / "canary")
        except FileNotFoundError:  # somebody tidied up
            return False
        return self._sang.wait(ANSWER_S)

    def leave(self) -> None:
        """Take the directory away, and the place that was made for it."""
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
        for place in self._made:
            with suppress(OSError):  # it was not made after all, or somebody has put something there
                place.rmdir()

    def on_event(self, event: InotifyEvent) -> None:
        """On the reading thread."""
        self._sang.set()

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:
        """On the reading thread; the next song will be missed."""

    def on_queue_overflow(self) -> None:
        """On the reading thread; each folder hears of it by itself."""


def _settle_in(places: Iterable[Path]) -> tuple[Path | None, int | None]:
    """The canary's directory and a lock, which tells it from one that was left behind."""
    for place in places:
        try:
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            if filesystem_type(str(place)) == TMPFS:
                _tidy(place)
                egg = Path(tempfile.mkdtemp(prefix=_EGG_PREFIX, dir=place))
                (egg / "canary").touch()
                lock = _take_lock(egg)
                # Only now under the name by which others look for what was left behind.
                return egg.rename(egg.with_name(egg.name.replace(_EGG_PREFIX, _PREFIX))), lock
        except OSError:
            continue
    return None, None


def _tidy(place: Path) -> None:
    """Take away the directories of daemons that were killed: nobody holds their locks."""
    for home in place.glob(f"{_PREFIX}*"):
        lock = _take_lock(home)
        if lock is not None:
            shutil.rmtree(home, ignore_errors=True)
            os.close(lock)


def _take_lock(home: Path) -> int | None:
    """A descriptor that holds the lock; None where another process has it, or the file is not ours."""
    try:
        lock = os.open(home / "canary", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    return lock
