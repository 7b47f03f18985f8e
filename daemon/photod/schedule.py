"""Timers. Jobs only ask for work, they never do it."""

from collections.abc import Callable

from apscheduler.schedulers.background import BackgroundScheduler


class Timers:
    """Repeats requests in the background."""

    def __init__(self) -> None:
        # misfire_grace_time: by default a job that is a second late is dropped for good.
        defaults = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        self._scheduler = BackgroundScheduler(timezone="UTC", job_defaults=defaults)

    def every(self, seconds: float, request: Callable[[], None]) -> None:
        """Call `request` every so many seconds, give or take a twentieth, so that machines spread."""
        self._scheduler.add_job(request, "interval", seconds=seconds, jitter=seconds / 20)

    def start(self) -> None:
        """Start the timers."""
        self._scheduler.start()

    def stop(self) -> None:
        """Stop them; does not wait for a running job, which could be waiting for us."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
