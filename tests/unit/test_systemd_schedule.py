import os
import subprocess
import sys
from datetime import timedelta
from threading import Event

import pytest

from photod import schedule
from photod.schedule import Timers


def test_after_a_jump_of_the_clock_jobs_are_planned_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    timers, came = Timers(), Event()
    timers.every(0.2, came.set)
    timers.start()
    try:
        (job,) = timers._scheduler.get_jobs()
        # As after a clock that was an hour fast was set right: the first run, and the next, lie an hour ahead.
        job.trigger.start_date += timedelta(hours=1)
        job.modify(next_run_time=job.next_run_time + timedelta(hours=1))
        offset_s = schedule._offset_s()
        monkeypatch.setattr(schedule, "_offset_s", lambda: offset_s - 3600)
        timers.heed_the_clock()
        came.clear()
        assert came.wait(20)
    finally:
        timers.stop()


@pytest.mark.parametrize("zone", ["Mars/Base", ":/nonexistent", "CET-1CEST,M3.5.0,M10.5.0/3"])
def test_no_time_zone_keeps_the_timers_from_starting(zone: str) -> None:
    program = "from photod.schedule import Timers; Timers()"  # in a process that has not found its zone yet
    subprocess.run([sys.executable, "-c", program], env=os.environ | {"TZ": zone}, check=True)
