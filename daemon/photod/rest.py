"""Whether the model rests: somebody said "pause", or the configuration has it rest at this hour or on battery."""

import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from photod.config import Schedule
from photod.logs import get_logger

log = get_logger(__name__)

POWER_SUPPLIES = Path("/sys/class/power_supply")


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
                self._resume_timer = threading.Timer(seconds, self._resume_in_time)
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

    def _resume_in_time(self) -> None:
        with self._lock:
            if threading.current_thread() is self._resume_timer:  # else it fired just when somebody said otherwise
                self._set_paused(False)

    def _set_paused(self, paused: bool) -> None:
        if self._resume_timer is not None:
            self._resume_timer.cancel()
            self._resume_timer = None
        self._paused = paused
        self._tell(bool(self.reason))


def reason_to_rest(schedule: Schedule, now: datetime, supplies: Path = POWER_SUPPLIES) -> str:
    """Why the model rests at this local time, in words; empty if it does not."""
    if schedule.quiet_hours is not None:
        start, end = schedule.quiet_hours
        moment = now.time()
        # Over midnight, the quiet hours are all but those from the end to the start.
        quiet = start <= moment < end if start < end else not end <= moment < start
        if quiet:
            return f"quiet hours until {end:%H:%M}"
    if schedule.on_battery == "rest" and _on_battery(supplies):
        return "on battery"
    return ""


def _on_battery(supplies: Path) -> bool:
    """Whether there is mains power to be had, and none comes. A machine that cannot tell is not on battery."""
    mains = [supply for supply in supplies.glob("*") if _read(supply / "type") in {"Mains", "USB"}]
    plugged = [_read(supply / "online") for supply in mains]
    return bool(plugged) and "1" not in plugged and any(_is_battery(supply) for supply in supplies.glob("*"))


def _is_battery(supply: Path) -> bool:
    # scope "Device" is the battery of a mouse or a headset.
    return _read(supply / "type") == "Battery" and _read(supply / "scope") != "Device"


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
