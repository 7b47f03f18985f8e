"""What is typed and printed: lengths of time, dates, hostile names, progress."""

import os
import subprocess

import pytest

from clock import Clock
from photod.errors import UsageError
from photod.wire import Progress
from photod_ctl.filters import bounds
from photod_ctl.pause import parse_duration
from photod_ctl.progress import counts, display, duration, finished, rest, seconds_left, sparkline
from photod_ctl.tables import Column, print_table, printable, typed


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("45m", 2700), ("2h", 7200), ("1h 30min", 5400), ("1d", 86400)]
)
def test_lengths_of_time_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "2", "h", "2 hours", "-1h", "2h x", "0m"])
def test_other_words_are_no_length_of_time(text: str) -> None:
    with pytest.raises(UsageError, match="write 45m, 2h or 1h30m"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["300000d", "9" * 400 + "s"])
def test_a_pause_that_no_timer_can_wait_for_is_refused_in_days(text: str) -> None:
    with pytest.raises(UsageError, match="is too long; write 106751d at most"):
        parse_duration(text)
    assert parse_duration("106751d") == 106751 * 86400


@pytest.mark.parametrize(
    "date",
    ["21", "2021-13", "2021-00-01", "2021-1-1", "2021-01-32", "2021-02-31", "2021-02-29", "today", "2021-01-01T"],
)
def test_what_is_no_date_is_refused(date: str) -> None:
    with pytest.raises(UsageError, match="is not a date"):
        bounds(until=date)


@pytest.mark.parametrize("date", ["2021", "2021-02", "2021-02-28", "2020-02-29"])
def test_a_year_a_month_and_a_day_are_dates(date: str) -> None:
    assert bounds(until=date).until == date


def test_a_year_excludes_other_bounds_on_dates() -> None:
    assert (bounds(year=2021).since, bounds(year=2021).until) == ("2021", "2021")
    for since, until in (("2020", None), (None, "2022")):
        with pytest.raises(UsageError, match="--year is a bound of its own; leave out --since and --until"):
            bounds(year=2021, since=since, until=until)


def test_dates_that_leave_no_day_between_them_are_refused() -> None:
    assert bounds(since="2021-07", until="2021").since == "2021-07"
    assert bounds(since="2021", until="2021-07").until == "2021-07"
    with pytest.raises(UsageError, match="--since 2021-07 is after --until 2021-06-30; exchange them"):
        bounds(since="2021-07", until="2021-06-30")


def test_printable_keeps_letters_and_escapes_what_a_terminal_would_obey() -> None:
    assert printable("夕焼け früh 👨\u200d👩 é") == "夕焼け früh 👨\u200d👩 é"
    assert printable("a\x1b]0;x\x07\u2028\u202e\x9b\udcff") == r"a\x1b]0;x\x07\u2028\u202e\x9b\xff"


@pytest.mark.parametrize(
    "name", ["My Photos", "-n", "it's", "a\x1b[1m\nb", "caf\udce9 'x' \\n", "夕焼け 2", "\u202egpj", "$HOME"]
)
def test_a_proposed_command_means_the_very_name_to_a_shell(name: str) -> None:
    assert typed(name).isprintable()
    command, environment = f"printf %s {typed(name)}", os.environ | {"LC_ALL": "C.UTF-8"}
    told = subprocess.run(["bash", "-c", command], env=environment, stdout=subprocess.PIPE, check=True).stdout
    assert os.fsdecode(told) == ("./-n" if name == "-n" else name)


def test_a_plain_table_is_aligned_by_the_cells_that_letters_take(capsys: pytest.CaptureFixture[str]) -> None:
    names = ("ab", "夕焼", "e\u0301", "\u0928\u200d")
    print_table((Column("name"), Column("is")), [(name, "x") for name in names])
    assert capsys.readouterr().out.splitlines() == [
        "name  is", "ab    x", "夕焼  x", "e\u0301     x", "\u0928\u200d     x",
    ]  # fmt: skip


def test_a_histogram_on_one_line() -> None:
    assert sparkline({}) == ""
    assert sparkline({0: 1, 9: 80, 10: 40, 19: 30, 20: 50}) == "▁        █▄        █"


def test_a_terminal_that_draws_no_bar_is_told_in_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with display() as shown:
        shown.say("stopping")
    assert capsys.readouterr().err == "stopping\n"


def test_a_terminal_is_shown_a_failure_and_a_remark_until_the_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    progress: Progress = {
        "phase": "scoring", "compared": 3, "todo": 3, "scored": 1, "unscoreable": 1, "rate": 1.0, "median": None,
        "last_failure": {"path": "/photos/a\n.jpg", "reason": "truncated"},
    }  # fmt: skip
    with display() as shown:
        shown.show(progress)
        shown.say("stopping")
    told = capsys.readouterr().err
    assert r"a\n.jpg: truncated" in told
    assert "/photos" not in told, "a path has no room"
    _, stopping, after = told.rpartition("stopping")
    assert (stopping, "\x1b[2K" in after) == ("stopping", True), "nothing of it is left"


def test_where_no_terminal_is_a_long_run_is_told_by_a_line_every_ten_seconds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    progress: Progress = {
        "todo": 1100, "scored": 100, "unscoreable": 1, "rate": 10.0, "median": 4.5, "resting": "",
    }  # fmt: skip
    clock = Clock()
    with display(clock=clock) as shown:
        for second in range(25):
            clock.now = float(second)
            shown.show(progress)
        shown.show(progress | {"resting": "on battery"})
        shown.show(progress | {"resting": "on battery"})
        clock.now = 60.0
        shown.show(progress | {"todo": 0})  # as long as it only compares
    line = "101 of 1,100, 10.0 a second, 1 min 40 s left, median 4.50; 100 scored, 1 unscoreable\n"
    assert capsys.readouterr().err == line * 2 + "photod rests (on battery); it goes on by itself\n"


def test_progress_in_words() -> None:
    progress: Progress = {
        "todo": 110, "scored": 8, "duplicates": 2, "unchanged": 1000, "unscoreable": 0, "unreadable": 0,
        "vanished": 0, "rate": 2.0,
    }  # fmt: skip
    assert finished(progress) == 10
    assert seconds_left(progress) == 50
    assert seconds_left(progress | {"rate": 0.0}) is None
    assert seconds_left(progress | {"resting": "paused"}) is None
    assert rest(progress | {"resting": "paused"}) == "photod is paused; photod-ctl resume continues"
    assert rest(progress | {"resting": "paused", "todo": 10}) == "", "nothing waits for its end"
    assert counts(progress) == "8 scored, 1,000 unchanged, 2 known already"
    assert [duration(s) for s in (None, 42.4, 185, 7800)] == ["", "42 s", "3 min 5 s", "2 h 10 min"]
