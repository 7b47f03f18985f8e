import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from photod import patience
from photod.errors import EXIT_BUG, EXIT_DEVICE, BusyDeviceError
from photod.systemd import ask_for_time, notify, notify_reloading, watchdog_s


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield manager


def test_assignments_are_lines_of_one_datagram(manager: socket.socket) -> None:
    notify("READY=1", "STATUS=ready")
    assert manager.recv(1000) == b"READY=1\nSTATUS=ready"


def test_the_name_of_a_folder_cannot_say_that_photod_is_ready(manager: socket.socket) -> None:
    ask_for_time(2.5, "opening /a\nREADY=1\udcff")
    assert manager.recv(1000) == b"EXTEND_TIMEOUT_USEC=2500000\nSTATUS=opening /a READY=1?"


def test_a_reload_carries_its_time(manager: socket.socket) -> None:
    notify_reloading()
    first, second = manager.recv(1000).decode().split("\n")
    assert first == "RELOADING=1"
    assert int(second.removeprefix("MONOTONIC_USEC=")) > 0


def test_nobody_listening_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    notify("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere/at/all")
    notify("READY=1")


def test_the_watchdog_is_fed_only_by_the_process_that_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    assert watchdog_s() is None
    monkeypatch.setenv("WATCHDOG_USEC", "3000000")
    assert watchdog_s() == 3.0
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid() + 1))
    assert watchdog_s() is None


def test_each_start_after_a_failed_device_waits_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("photod.patience.time.sleep", waited.append)
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    patience.note_end(EXIT_BUG)
    patience.wait_after_failures()
    for _ in range(8):
        patience.note_end(EXIT_DEVICE)
        patience.wait_after_failures()
    assert waited == [5, 10, 20, 40, 80, 160, 300, 300]
    later = time.time() + patience.FORGOTTEN_S
    monkeypatch.setattr("photod.patience.time.time", lambda: later)
    patience.wait_after_failures()
    assert len(waited) == 8, "failures of an hour ago say nothing any more"


def test_outside_a_service_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    patience.note_end(EXIT_DEVICE)
    monkeypatch.setattr("photod.patience.time.sleep", lambda _: pytest.fail("waited"))
    patience.wait_after_failures()


def test_a_device_that_others_hold_is_waited_for_longer_each_time_but_not_for_ever() -> None:
    waited: list[float] = []

    def load() -> str:
        if sum(waited) < 75:
            raise BusyDeviceError("cuda:0 is out of memory")
        return "loaded"

    assert patience.until_device_is_free(load, waited.append, 75) == "loaded"
    assert waited == [5, 10, 20, 40]
    waited.clear()
    with pytest.raises(BusyDeviceError):
        patience.until_device_is_free(load, waited.append, 20)
    assert waited == [5, 10, 20]
    waited.clear()
    with pytest.raises(BusyDeviceError):
        patience.until_device_is_free(load, waited.append, 0)
    assert waited == []
