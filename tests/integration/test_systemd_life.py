"""What a running daemon tells systemd, and when the model rests."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fake_scorer import FakeScorer
from photod import daemon as daemon_module
from photod.config import Config, Schedule
from photod.rest import reason_to_rest
from photod.watch.folder import FolderWatcher
from pictures import make_photo
from running import make_config, ranking, running
from waiting import wait_until
from watching import ask, quiet


class Manager:
    """Listens as systemd does."""

    def __init__(self, place: Path) -> None:
        self.told: list[dict[str, str]] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(place))
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def names(self) -> list[str]:
        """The assignments so far that are not STATUS, in order."""
        return [f"{k}={v}" if v == "1" else k for told in self.told for k, v in told.items() if k != "STATUS"]

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _listen(self) -> None:
        while message := self._socket.recv(4096):
            self.told.append(dict(line.split("=", 1) for line in message.decode().splitlines()))


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Manager]:
    manager = Manager(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    yield manager
    manager.close()


def test_systemd_is_told_each_step_of_a_life(folder: Path, manager: Manager) -> None:
    config = make_config(folder)
    loaded: list[list[str]] = []

    class Noting(FakeScorer):
        def load(self, *arguments: Any) -> Any:
            loaded.append(manager.names())
            return super().load(*arguments)

    with running(config, Noting(), lambda: config) as daemon:
        wait_until(lambda: "READY=1" in manager.names())
        assert [told["STATUS"] for told in manager.told if "EXTEND_TIMEOUT_USEC" in told] == [
            f"opening {folder}", "loading the model", f"computing the scores of {folder}",
        ]  # fmt: skip
        assert loaded
        assert "READY=1" not in loaded[0]
        wait_until(lambda: any(told.get("STATUS", "").startswith("idle, watching 1 of 1") for told in manager.told))
        before = len(manager.names())
        daemon.reload()
        wait_until(lambda: "READY=1" in manager.names()[before:])
        assert manager.names()[before:] == ["RELOADING=1", "MONOTONIC_USEC", "READY=1"]
        before = len(manager.names())
    wait_until(lambda: manager.names()[before:] == ["STOPPING=1", "EXTEND_TIMEOUT_USEC", "EXTEND_TIMEOUT_USEC"])


def test_the_watchdog_is_fed_while_all_is_well(
    folder: Path, manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "2000000")
    with running(make_config(folder), FakeScorer()):
        wait_until(lambda: manager.names().count("WATCHDOG=1") >= 3)


def within_quiet_hours(_: Path) -> Schedule:
    hour = timedelta(hours=1)
    return Schedule(quiet=f"{datetime.now() - hour:%H:%M}-{datetime.now() + hour:%H:%M}")


def on_battery(supplies: Path) -> Schedule:
    for name, facts in {"BAT0": {"type": "Battery"}, "AC": {"type": "Mains", "online": "0"}}.items():
        (supplies / name).mkdir(parents=True)
        for fact, value in facts.items():
            (supplies / name / fact).write_text(value)
    return Schedule()


def progress_of_a_rate(config: Config, folder: Path) -> dict[str, Any]:
    """The first that a client hears who has the folder rated."""
    with socket.socket(socket.AF_UNIX) as connection, connection.makefile() as answers:
        connection.connect(str(config.control.path))
        connection.sendall(json.dumps({"command": "rate", "folder": str(folder)}).encode() + b"\n")
        progress: dict[str, Any] = json.loads(answers.readline())["progress"]
        return progress


@pytest.mark.parametrize("when", [within_quiet_hours, on_battery])
def test_while_the_model_rests_what_lands_is_kept_and_scored_afterwards(
    when: Callable[[Path], Schedule], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    supplies = tmp_path / "supplies"
    monkeypatch.setattr(daemon_module, "reason_to_rest", partial(reason_to_rest, supplies=supplies))
    monkeypatch.setattr(daemon_module, "REST_LOOK_S", 0.2)
    config: Config = make_config(folder, schedule=when(supplies).model_dump())
    after = config.model_copy(update={"schedule": Schedule(on_battery="work")})
    scorer = FakeScorer()
    with running(config, scorer, lambda: after) as daemon:
        watcher = daemon._roster.folders[str(folder)].watcher
        wait_until(watcher.idle)  # else its first scan may find the photo, which then is backlog
        make_photo(folder / "a.png")
        wait_until(lambda: len(watcher._work._arrivals) == 1)  # it has settled
        assert (reason := ask(config, "status")["resting"])
        assert ask(config, "pause") == {"ok": True}
        assert ask(config, "resume") == {"ok": True, "resting": reason}
        assert progress_of_a_rate(config, folder)["resting"] == reason
        assert (len(watcher.flight), scorer.photos) == (0, 0)
        daemon.reload()
        wait_until(lambda: "a.png" in ranking(folder))
        assert ask(config, "status")["resting"] == ""
        quiet(config)


def test_what_is_there_at_a_start_in_quiet_hours_waits(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rested: list[bool] = []
    really_run = FolderWatcher.run

    def run(watcher: FolderWatcher) -> None:
        rested.append(watcher._paused)
        really_run(watcher)

    monkeypatch.setattr(FolderWatcher, "run", run)
    config = make_config(folder, schedule=within_quiet_hours(tmp_path).model_dump())
    with running(config, FakeScorer()):
        wait_until(lambda: rested)
    assert rested == [True]


def test_a_folder_that_a_reload_takes_in_rests_from_the_first_moment_like_all_others(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon_module, "REST_LOOK_S", 0.1)
    rested: dict[str, bool] = {}
    really_run = FolderWatcher.run

    def run(watcher: FolderWatcher) -> None:
        rested[watcher.path] = watcher._paused
        really_run(watcher)

    monkeypatch.setattr(FolderWatcher, "run", run)
    (other := tmp_path / "other").mkdir()
    make_photo(other / "a.png", 51)
    quiet = within_quiet_hours(tmp_path).model_dump()
    with running(make_config(folder, schedule=quiet), FakeScorer(), lambda: both) as daemon:
        both = make_config(folder, other, schedule=quiet)
        daemon.reload()
        wait_until(lambda: str(other) in rested)
        assert rested[str(other)]
        both = make_config(folder, other)
        daemon.reload()
        wait_until(lambda: "a.png" in ranking(other))
