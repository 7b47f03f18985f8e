import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event

import pytest

from photod import schedule
from photod.config import Schedule, parse_config
from photod.errors import ConfigError
from photod.schedule import Timers, reason_to_rest

NOON = datetime(2026, 5, 1, 12, 0)


@pytest.mark.parametrize(
    ("quiet", "hour", "rests"),
    [
        ("", 12, False),
        ("08:00-18:00", 7, False),
        ("08:00-18:00", 8, True),
        ("08:00-18:00", 17, True),
        ("08:00-18:00", 18, False),
        ("22:00-07:00", 23, True),
        ("22:00-07:00", 3, True),
        ("22:00-07:00", 7, False),
        ("22:00-07:00", 12, False),
    ],
)
def test_the_model_rests_in_quiet_hours(quiet: str, hour: int, rests: bool, tmp_path: Path) -> None:
    settings = Schedule(quiet=quiet)
    assert bool(reason_to_rest(settings, NOON.replace(hour=hour), tmp_path)) is rests


def supply(place: Path, name: str, **facts: str) -> None:
    (place / name).mkdir()
    for fact, value in facts.items():
        (place / name / fact).write_text(value + "\n")


def test_a_laptop_without_mains_rests_unless_it_is_told_to_work(tmp_path: Path) -> None:
    supply(tmp_path, "BAT0", type="Battery")
    supply(tmp_path, "AC", type="Mains", online="0")
    assert reason_to_rest(Schedule(), NOON, tmp_path) == "on battery"
    assert reason_to_rest(Schedule(on_battery="work"), NOON, tmp_path) == ""
    (tmp_path / "AC/online").write_text("1\n")
    assert reason_to_rest(Schedule(), NOON, tmp_path) == ""


def test_a_desktop_with_a_wireless_mouse_works(tmp_path: Path) -> None:
    supply(tmp_path, "hidpp_battery_0", type="Battery", scope="Device")
    supply(tmp_path, "ucsi", type="USB", online="0")
    assert reason_to_rest(Schedule(), NOON, tmp_path) == ""


@pytest.mark.parametrize("quiet", ["8-18", "08:00", "25:00-26:00", "08:00-18:60"])
def test_hours_that_are_none_are_refused(quiet: str) -> None:
    with pytest.raises(ConfigError, match=r"schedule\.quiet"):
        parse_config({"schedule": {"quiet": quiet}}, "test")


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
