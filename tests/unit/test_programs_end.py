"""How the two programs end when there is a bug in them."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from unittest.mock import Mock

import pytest

from photod import program as daemon
from photod.daemon import Daemon
from photod_ctl import program as client


class Ended(Exception):
    """In the place of the end of the process."""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[[ModuleType, str], int]:
    """Runs a program whose function of that name has a bug; returns the exit code."""

    def end(code: int) -> None:
        raise Ended(code)

    def run(program: ModuleType, function: str) -> int:
        monkeypatch.setattr(os, "_exit", end)
        monkeypatch.setattr(program, function, lambda *_: 1 // 0)
        with pytest.raises(Ended) as ended:
            program.main()
        return int(ended.value.args[0])

    return run


def test_a_bug_in_the_daemon_ends_with_70_and_its_traceback(
    run: Callable[[ModuleType, str], int], capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(daemon, "_parser") == 70
    assert "Traceback" in (said := capfd.readouterr().err)
    assert "ZeroDivisionError" in said


def test_a_bug_in_the_client_ends_with_70_and_one_line(
    run: Callable[[ModuleType, str], int], capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(client, "_run") == 70
    said = capfd.readouterr().err
    assert said.startswith("photod-ctl: a bug: ZeroDivisionError")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("program", "bug", "moment"),
    [
        (client, "_run", "open_closed_streams"),
        (client, "_run", "refuse_gone_directory"),
        (client, "_run", "_complain"),
        (daemon, "_parser", "open_closed_streams"),
        (daemon, "_parser", "refuse_gone_directory"),
        (daemon, "_parser", "tell"),
    ],
)
def test_ctrl_c_ends_a_program_with_130_without_a_word_at_whatever_moment(
    run: Callable[[ModuleType, str], int],
    program: ModuleType,
    bug: str,
    moment: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(program, moment, Mock(side_effect=KeyboardInterrupt))
    assert run(program, bug) == 130
    assert capfd.readouterr().err == ""


def test_the_first_signal_to_a_daemon_that_ends_by_itself_lets_it_commit(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Ending(Daemon):
        def run(self) -> None:
            self.stop()  # as a thread that fails has it
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(sys, "argv", ["photod", "run", "--once", str(folder)])
    monkeypatch.setattr("photod.daemon.Daemon", Ending)
    monkeypatch.setattr(daemon, "configure_logs", lambda *_: None)
    monkeypatch.setattr(os, "_exit", lambda _: 1 // 0)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    try:
        assert daemon._code_of_run() == 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
