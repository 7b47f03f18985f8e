import os
import subprocess
import sys
from datetime import timedelta
from threading import Event

import pytest

from photod import schedule
from photod.schedule import Timers
from photod.threads import Crew


def test_after_a_jump_of_the_clock_jobs_are_planned_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    timers, came = Timers(Crew(on_failure=lambda: None)), Event()
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
        timers.every(3600, came.set)
        (planned,) = (each.next_run_time for each in timers._scheduler.get_jobs() if each.id != job.id)
        timers.heed_the_clock()  # else whoever looks more often than a job is due would put it off for ever
        assert planned in [each.next_run_time for each in timers._scheduler.get_jobs()]
    finally:
        timers.stop()


def test_a_request_that_fails_ends_the_process_as_any_thread_does() -> None:
    def fail() -> None:
        raise ValueError("a bug")

    failed = Event()
    crew = Crew(on_failure=failed.set)
    timers = Timers(crew)
    timers.every(0.05, fail)
    timers.start()
    try:
        assert failed.wait(20)
    finally:
        timers.stop()
    assert isinstance(crew.failure, ValueError)


@pytest.mark.parametrize("zone", ["Mars/Base", ":/nonexistent", "CET-1CEST,M3.5.0,M10.5.0/3"])
def test_no_time_zone_keeps_the_timers_from_starting(zone: str) -> None:
    program = "from photod.schedule import Timers; Timers(None)"  # in a process that has not found its zone yet
    subprocess.run([sys.executable, "-c", program], env=os.environ | {"TZ": zone}, check=True)
