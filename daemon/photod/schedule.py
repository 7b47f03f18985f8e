"""Timers. Jobs only ask for work, they never do it."""

from collections.abc import Callable
from functools import partial
from time import CLOCK_REALTIME, clock_gettime, monotonic

from apscheduler.schedulers.background import BackgroundScheduler

from photod.threads import Crew

JUMP_S = 2.0  # the wall clock moved by more than this against the one that only goes forward


class Timers:
    """Repeats requests in the background. One that fails is the crew's failure; APScheduler would only log it."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        # misfire_grace_time: by default a job that is a second late is dropped for good.
        defaults = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        # UTC: an interval knows no summer time, and nobody asks what $TZ may mean.
        self._scheduler = BackgroundScheduler(job_defaults=defaults, timezone="UTC")
        self._offset_s = _offset_s()

    def every(self, seconds: float, request: Callable[[], None]) -> None:
        """Call `request` every so many seconds, give or take a twentieth, so that machines spread."""
        self._scheduler.add_job(partial(self._crew.run, request), "interval", **_interval(seconds))

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
