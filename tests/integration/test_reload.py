"""Folders that a new configuration lets go, takes in, or changes, while their photos are under way."""

import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from fake_scorer import SlowScorer
from photod import reload as reload_module
from photod.config import Config, Folder, Model, Store, Watch
from photod.open_folder import OpenFolder
from photod.roster import Roster
from photod.store.queries import Reader
from photod.watch.presence import Presence
from running import make_config, ranking, running
from waiting import wait_until
from watching import agrees, ask, put


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    return tmp_path / "one", tmp_path / "two"


Reload = Callable[[Config], None]


@contextmanager
def reloading(config: Config, scorer: SlowScorer) -> Iterator[Reload]:
    """A daemon that watches, as a function that has it take another configuration."""
    given: list[Config] = []
    with running(config, scorer, given.pop) as daemon:

        def reload(config: Config) -> None:
            given.append(config)
            daemon.reload()
            wait_until(lambda: not given)

        try:
            yield reload
        finally:
            scorer.may.set()


def open_below(folder: Path) -> list[str]:
    """What this process has open in a folder."""
    files = [os.path.realpath(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")]
    return [file for file in files if file.startswith(f"{folder}/")]


def watched_folders(config: Config) -> list[Path]:
    return [Path(folder["path"]) for folder in ask(config, "status")["folders"]]


def test_a_folder_is_gone_once_its_photos_are_through_and_comes_back_with_other_settings(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reload_module, "LET_GO_S", 0.1)
    one, two = folders

    def excluding(name: str) -> Config:
        return make_config(one, two, folders=(Folder(path=one, exclude=(name,)), Folder(path=two)))

    looks: list[list[str]] = []
    really_exchange = Roster.exchange

    def exchange(self: Roster) -> list[str]:
        looks.append(really_exchange(self))
        return looks[-1]

    monkeypatch.setattr(Roster, "exchange", exchange)
    config, scorer = make_config(one, two, store=Store(group_wait_s=0.1)), SlowScorer()
    with capture_logs() as told, reloading(config, scorer) as reload:
        put(one / "a.png", 1)
        assert scorer.asked.wait(30)
        reload(make_config(two))
        wait_until(lambda: any(record["event"] == "not_gone_yet" for record in told))
        seen = len(looks)
        wait_until(lambda: len(looks) > seen + 5)
        assert looks[-1] == [str(one)]
        reload(excluding("spoilt"))
        reload(make_config(two))
        assert watched_folders(config) == [one, two]  # still, and it answers
        reload(excluding("left out"))
        scorer.may.set()
        wait_until(lambda: "a.png" in ranking(one))
        (one / "left out").mkdir()
        put(one / "left out/b.png", 2)
        put(one / "c.png", 3)
        agrees(one, excluded=("left out",))
        reload(make_config(two))
        wait_until(lambda: watched_folders(config) == [two])
        assert not open_below(one)  # so that its drive can be unmounted


def test_what_a_reload_cannot_take_is_named(folders: tuple[Path, Path]) -> None:
    with capture_logs() as told, reloading(make_config(*folders), SlowScorer()) as reload:
        reload(make_config(*folders, watch=Watch(settle_s=7.0), model=Model(batch_size=3)))
        wait_until(lambda: any(record["event"] == "reloaded" for record in told))
    (record,) = [record for record in told if record["event"] == "restart_needed"]
    assert (record["log_level"], record["sections"]) == ("warning", ["model", "watch"])


def test_who_follows_a_folder_that_is_let_go_is_told_that_it_stopped(folders: tuple[Path, Path]) -> None:
    one, two = folders
    with reloading(config := make_config(one, two), scorer := SlowScorer()) as reload:
        put(one / "a.png", 1)
        assert scorer.asked.wait(30)
        with socket.socket(socket.AF_UNIX) as connection, connection.makefile() as answers:
            connection.connect(str(config.control.path))
            connection.settimeout(30)
            connection.sendall(json.dumps({"command": "rate", "folder": str(one)}).encode() + b"\n")
            assert json.loads(answers.readline())["progress"]["todo"] == 1
            connection.shutdown(socket.SHUT_WR)
            reload(make_config(two))
            *_, last = map(json.loads, answers)
    assert last["done"] is True
    assert last["progress"]["phase"] == "stopped"


def test_the_database_of_a_folder_that_was_away_is_opened_again_though_it_looks_the_same(
    folders: tuple[Path, Path],
) -> None:
    """A drive that is plugged in again may have its old numbers, and its old connections nothing but errors."""
    one, two = folders
    folder = OpenFolder(Folder(path=one), Watch(), lambda _: False, lambda: None, lambda _: None)
    folder.open()
    assert folder.presence() is Presence.HERE
    one.rename(two / "away")
    assert folder.presence() is Presence.ABSENT
    (two / "away").rename(one)
    assert folder.presence() is Presence.UNOPENED
    folder.open()
    assert folder.presence() is Presence.HERE
    folder.close()


def test_who_asks_a_database_when_it_is_given_back_hears_of_nothing(folders: tuple[Path, Path]) -> None:
    one, _ = folders
    folder = OpenFolder(Folder(path=one), Watch(), lambda _: False, lambda: None, lambda _: None)
    folder.open()

    def slowly(reader: Reader) -> int:
        folder.close()
        return reader.totals().scored

    assert folder.ask(slowly, -1) == -1
    assert folder.ask(slowly, -1) == -1
