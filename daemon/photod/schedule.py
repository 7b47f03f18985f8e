"""Timers, and when the model rests. Jobs only ask for work, they never do it."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from time import CLOCK_REALTIME, clock_gettime, monotonic

from apscheduler.schedulers.background import BackgroundScheduler

from photod.config import Schedule

POWER_SUPPLIES = Path("/sys/class/power_supply")
JUMP_S = 2.0  # the wall clock moved by more than this against the one that only goes forward


class Timers:
    """Repeats requests in the background."""

    def __init__(self) -> None:
        # misfire_grace_time: by default a job that is a second late is dropped for good.
        defaults = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        # UTC: an interval knows no summer time, and nobody asks what $TZ may mean.
        self._scheduler = BackgroundScheduler(job_defaults=defaults, timezone="UTC")
        self._offset_s = _offset_s()

    def every(self, seconds: float, request: Callable[[], None]) -> None:
        """Call `request` every so many seconds, give or take a twentieth, so that machines spread."""
        self._scheduler.add_job(request, "interval", **_interval(seconds))

    def start(self) -> None:
        """Start the timers."""
        self._scheduler.start()

    def heed_the_clock(self) -> None:
        """Look now and then: after a jump of the wall clock, which would stop jobs for as long, plan them anew."""
        offset_s = _offset_s()
        if abs(offset_s - self._offset_s) > JUMP_S:
            self._offset_s = offset_s
            for job in self._scheduler.get_jobs():
                # With a new trigger: the first moment of the old one may lie in the future now.
                job.reschedule("interval", **_interval(job.trigger.interval.total_seconds()))

    def stop(self) -> None:
        """Stop them; does not wait for a running job, which could be waiting for us."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)


def _interval(seconds: float) -> dict[str, float]:
    return {"seconds": seconds, "jitter": seconds / 20}


def _offset_s() -> float:
    """The wall clock against the one that only goes forward."""
    return clock_gettime(CLOCK_REALTIME) - monotonic()


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
