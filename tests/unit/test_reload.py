"""What a reload changes, and when systemd is told that it is done."""

import socket
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from photod import reload as reload_module
from photod.config import Config, Folder, parse_config
from photod.reload import Reloader, compare
from photod.roster import Roster
from running import make_config


class Leaving(Roster):
    """One whose folders are gone when the test says so."""

    def __init__(self) -> None:
        self.left: list[str] = []
        self.taken: list[Folder] = []

    def change(self, let_go: Iterable[Folder], taken: Iterable[Folder]) -> None:
        self.taken += taken

    def exchange(self) -> list[str]:
        return self.left


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as manager:
        manager.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield manager


def heard(manager: socket.socket) -> list[str]:
    words = []
    try:
        while True:
            words.append(manager.recv(1000).decode().split("\n")[0])
    except BlockingIOError:
        return words


def test_a_reload_is_done_once_and_when_the_folders_that_were_let_go_are_gone(
    folder: Path, manager: socket.socket
) -> None:
    roster, after = Leaving(), make_config(folder)
    reloader = Reloader(after.model_copy(update={"folders": ()}), lambda: after, roster)
    assert not reloader.step()
    assert heard(manager) == []
    roster.left = ["/away"]
    reloader.request()
    assert reloader.step()
    assert (roster.taken, reloader.config) == (list(after.folders), after)
    assert heard(manager) == ["RELOADING=1"]
    roster.left = []
    for told in (["READY=1"], []):
        assert not reloader.step()
        assert heard(manager) == told


def test_a_reload_does_not_wait_for_ever_for_photos_that_are_under_way(
    folder: Path, manager: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reload_module, "LET_GO_S", -1.0)
    roster, config = Leaving(), make_config(folder)
    roster.left = ["/away"]
    reloader = Reloader(config, lambda: config, roster)
    reloader.request()
    for told in (["RELOADING=1", "READY=1"], []):
        assert reloader.step()
        assert heard(manager) == told


def test_a_configuration_that_no_start_would_take_changes_nothing(folder: Path) -> None:
    roster, before = Leaving(), make_config(folder)
    nested = make_config(folder, folder / "a")
    reloader = Reloader(before, lambda: nested, roster)
    reloader.request()
    with capture_logs() as told:
        reloader.step()
    assert (roster.taken, reloader.config) == ([], before)
    assert [record["event"] for record in told] == ["not_reloaded"]


def test_a_reload_knows_what_changed() -> None:
    a, b, c = (Folder(path=Path(f"/srv/{name}")) for name in "abc")
    b_changed = b.model_copy(update={"exclude": ("raw/",)})
    before = Config(folders=(a, b))
    after = parse_config(
        {"folders": ["/srv/a"], "model": {"batch_size": 3}, "schedule": {"quiet": "08:00-09:00"}}, ""
    )
    after = after.model_copy(update={"folders": (a, b_changed, c)})
    changes = compare(before, after)
    assert (changes.let_go, changes.taken, changes.need_restart) == ((b,), (b_changed, c), ("model",))
