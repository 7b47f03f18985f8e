"""Whether the model rests: somebody said "pause", or the configuration has it rest at this hour or on battery."""

import threading
from collections.abc import Callable

from photod.logs import get_logger

log = get_logger(__name__)


class Rest:
    """Any thread may change it. `tell` hears of every change, one at a time, so the last it hears is what holds."""

    def __init__(self, tell: Callable[[bool], None]) -> None:
        self._tell = tell
        self._lock = threading.Lock()
        self._paused = False
        self._resume_timer: threading.Timer | None = None
        self._scheduled = ""

    @property
    def scheduled(self) -> str:
        """Why the configuration has the model rest, in words; empty if it does not, or while it is paused."""
        return "" if self._paused else self._scheduled

    @property
    def reason(self) -> str:
        """Why the model rests, in words; empty if it does not."""
        return "paused" if self._paused else self._scheduled

    def pause(self, seconds: float | None) -> None:
        """Rest, for some time or until `resume`."""
        with self._lock:
            self._set_paused(True)
            if seconds is not None:
                self._resume_timer = threading.Timer(seconds, self.resume)
                self._resume_timer.daemon = True
                self._resume_timer.start()

    def resume(self) -> None:
        """Rest no more because of a `pause`."""
        with self._lock:
            self._set_paused(False)

    def schedule(self, reason: str) -> None:
        """Rest while there is this reason; empty: there is none any more."""
        with self._lock:
            if reason != self._scheduled:
                self._scheduled = reason
                log.info("resting" if reason else "at_work_again", reason=reason)
                self._tell(bool(self.reason))

    def repeat(self) -> None:
        """Tell again what holds."""
        with self._lock:
            self._tell(bool(self.reason))

    def _set_paused(self, paused: bool) -> None:
        if self._resume_timer is not None:
            self._resume_timer.cancel()
            self._resume_timer = None
        self._paused = paused
        self._tell(bool(self.reason))
