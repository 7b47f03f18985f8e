"""When the model rests, and who is told, when several ask at once."""

import threading
from datetime import datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from photod.config import Schedule, parse_config
from photod.errors import ConfigError
from photod.rest import Rest, reason_to_rest
from waiting import wait_until

NOON = datetime(2026, 5, 1, 12, 0)


def test_whoever_is_told_last_is_told_what_holds() -> None:
    """One client pauses and another resumes: the first is still telling when the second has decided."""
    told: list[bool] = []
    telling, may_go_on = threading.Event(), threading.Event()

    def tell(resting: bool) -> None:
        telling.set()
        if resting:
            may_go_on.wait(30)
        told.append(resting)

    rest = Rest(tell)
    first = threading.Thread(target=rest.pause, args=(None,))
    first.start()
    telling.wait(30)
    second = threading.Thread(target=rest.resume)
    second.start()
    second.join(0.2)  # it would be through by now if it did not wait
    may_go_on.set()
    first.join()
    second.join()
    assert told == [True, False]
    assert rest.reason == ""


def test_a_second_pause_forgets_when_the_first_would_have_ended() -> None:
    timers = set(threading.enumerate())
    rest = Rest(lambda _: None)
    rest.pause(3600)
    (timer,) = set(threading.enumerate()) - timers
    assert timer.daemon, "a process that is to end would wait for it"
    rest.pause(None)
    wait_until(lambda: not set(threading.enumerate()) - timers)
    assert rest.reason == "paused"


def test_a_timer_that_fires_in_the_moment_of_another_pause_does_not_end_that() -> None:
    timers = set(threading.enumerate())
    rest = Rest(lambda _: None)
    rest.pause(3600)
    (timer,) = set(threading.enumerate()) - timers
    assert isinstance(timer, threading.Timer)
    rest.pause(None)
    timer.function()
    assert rest.reason == "paused"


def test_a_pause_for_some_time_ends_by_itself() -> None:
    rest = Rest(lambda _: None)
    rest.pause(0.01)
    wait_until(lambda: rest.reason == "")


def test_that_the_model_rests_by_the_configuration_is_logged_with_its_reason_and_so_is_the_end() -> None:
    rest = Rest(lambda _: None)
    with capture_logs() as told:
        for reason in ("on battery", "on battery", ""):
            rest.schedule(reason)
    assert [(each["event"], each["reason"]) for each in told] == [("resting", "on battery"), ("at_work_again", "")]


def test_the_reason_of_the_configuration_outlasts_a_resume() -> None:
    told: list[bool] = []
    rest = Rest(told.append)
    rest.schedule("on battery")
    rest.pause(None)
    assert (rest.reason, rest.scheduled) == ("paused", ""), "it does not go on by itself"
    rest.resume()
    assert rest.scheduled == "on battery"
    assert (rest.reason, told) == ("on battery", [True, True, True])
    rest.schedule("")
    assert (rest.reason, told[-1]) == ("", False)
    rest.schedule("")
    rest.repeat()
    assert told[3:] == [False, False]


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
