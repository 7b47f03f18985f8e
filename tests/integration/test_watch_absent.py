"""Folders that are away, come back, or are not what they were."""

import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from fake_scorer import FakeScorer, SlowScorer
from machine import need
from photod.config import Config, Folder
from photod.daemon import Daemon
from photod.errors import BusyError, ConfigError, DatabaseError
from photod.open_folder import OpenFolder
from photod.photos import PhotoRow
from photod.store import connection
from photod.store.queries import Reader
from photod.store.writer import Writer
from photod.watch import folder as folder_module
from running import make_config, running, score_once
from waiting import wait_until
from watching import agrees, ask, disagreement, fill, folder_status, put, quiet, rows, watched

pytestmark = pytest.mark.usefixtures("hurried")
Mount = Callable[[], None]


@pytest.fixture
def drive(folder: Path, tmp_path: Path) -> Iterator[tuple[Mount, Mount]]:
    """A tmpfs that is mounted at the folder, as (plug in, pull out); what is on it outlives both."""
    if os.geteuid() != 0:
        need("root, to mount")
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "photod-test", disk], capture_output=True, check=False).returncode:
        need("the right to mount")

    def plug_in() -> None:
        subprocess.run(["mount", "--bind", disk, folder], check=True)

    def pull_out() -> None:
        subprocess.run(["umount", "--lazy", folder], check=True)

    yield plug_in, pull_out
    for place in (folder, disk):
        while os.path.ismount(place):
            subprocess.run(["umount", "--lazy", place], check=True)


def scan_three_times(config: Config) -> None:
    for _ in range(3):
        ask(config, "rescan")
        quiet(config)


def test_an_unmounted_drive_loses_nothing_while_the_daemon_runs(folder: Path, drive: tuple[Mount, Mount]) -> None:
    """Scenario 21."""
    plug_in, pull_out = drive
    plug_in()
    fill(folder / "a/b", 500)
    with watched(folder, scorer := FakeScorer()) as config:
        scored = scorer.photos
        pull_out()
        scan_three_times(config)
        assert folder_status(config)["state"] == "absent"
        assert not folder_status(config)["missing"]
        assert "error" in ask(config, "rate", folder=str(folder))
        assert os.listdir(folder) == []
        plug_in()
        wait_until(lambda: folder_status(config)["state"] == "idle")
        assert folder_status(config)["scored"] == 500
        put(folder / "a/b/00000.png", 0)
        put(folder / "new.png", 252)
    assert scorer.photos == scored + 1


def test_a_daemon_that_starts_without_the_drive_waits_for_it(
    folder: Path, tmp_path: Path, drive: tuple[Mount, Mount]
) -> None:
    plug_in, pull_out = drive
    other = tmp_path / "other"
    other.mkdir()
    plug_in()
    fill(folder / "a/b", 100)
    with watched(folder):
        pass
    pull_out()
    config = make_config(folder, other)
    with running(config, scorer := FakeScorer()):
        quiet(config)
        put(other / "meanwhile.png", 252)
        agrees(other)
        assert folder_status(config, folder)["state"] == "absent"
        scan_three_times(config)
        assert os.listdir(folder) == []
        assert scorer.photos == 1
        plug_in()
        wait_until(lambda: folder_status(config, folder)["state"] == "idle")
        assert folder_status(config, folder)["scored"] == 100
        put(folder / "a/new.png", 253)
        agrees(folder)
    assert scorer.photos == 2


def test_another_drive_mounted_over_the_folder_is_noticed(folder: Path, drive: tuple[Mount, Mount]) -> None:
    plug_in, pull_out = drive
    fill(folder / "a", 5)
    with watched(folder) as config:
        plug_in()
        fill(folder / "b", 5, 100)
        wait_until(lambda: folder_status(config)["state"] == "absent")
        pull_out()
        wait_until(lambda: folder_status(config)["state"] == "idle")
        assert not folder_status(config)["missing"]
        put(folder / "a/new.png")


def test_scoring_once_refuses_a_known_folder_that_is_away(folder: Path, drive: tuple[Mount, Mount]) -> None:
    plug_in, pull_out = drive
    plug_in()
    fill(folder, 3)
    score_once(folder, FakeScorer())
    pull_out()
    with pytest.raises(ConfigError, match="away"):
        score_once(folder, FakeScorer())
    assert os.listdir(folder) == []


def test_a_folder_kept_in_the_state_directory_is_not_taken_for_empty(
    folder: Path, drive: tuple[Mount, Mount]
) -> None:
    plug_in, pull_out = drive
    plug_in()
    fill(folder, 30)
    settings = Folder(path=folder, database="state")
    config = make_config(folder, folders=(settings,))
    with running(config, FakeScorer()):
        wait_until(lambda: not disagreement(folder, database=settings.database_path))
        quiet(config)
        pull_out()
        scan_three_times(config)
        assert folder_status(config)["state"] == "absent"
        assert len(rows(folder, settings.database_path)) == 30
        plug_in()
        wait_until(lambda: folder_status(config)["state"] == "idle")
    assert not disagreement(folder, database=settings.database_path)


def test_a_folder_that_never_was_there_is_a_mistake_in_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not a folder"), running(make_config(tmp_path / "typo"), FakeScorer()):
        pass


def test_a_database_that_goes_with_its_drive_stops_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(folder / "a", 5)

    def pull_out(*_: object) -> list[PhotoRow]:
        if folder.exists():
            folder.rename(tmp_path / "elsewhere")
        raise DatabaseError("the disk is gone")

    with watched(folder) as config:
        with monkeypatch.context() as patch:
            patch.setattr(Reader, "known", pull_out)
            ask(config, "rescan")
            wait_until(lambda: folder_status(config)["state"] == "absent")
        (tmp_path / "elsewhere").rename(folder)
        put(folder / "a/new.png")


def test_a_pulled_drive_is_no_damage_to_those_who_look_for_copies_or_ask_for_the_status(
    folder: Path, tmp_path: Path
) -> None:
    """SQLite takes the errors of a drive that is gone for damage."""
    drive, away = tmp_path / "drive", tmp_path / "away"
    fill(drive / "a", 20)
    fill(folder / "b", 3, 100)
    config = make_config(drive, folder)
    with running(config, FakeScorer()):
        quiet(config)
        drive.rename(away)
        wait_until(lambda: folder_status(config, drive)["state"] == "absent")
        database = away / ".photod/photos.db"
        with closing(sqlite3.connect(database)) as opened:
            opened.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        whole = database.read_bytes()
        with database.open("r+b") as file:
            file.write(b"gone" * (len(whole) // 4))
        assert folder_status(config, drive)["scored"] is None
        put(folder / "b/new.png", 200)
        agrees(folder)
        with database.open("r+b") as file:
            file.write(whole)
        away.rename(drive)
        wait_until(lambda: folder_status(config, drive)["state"] == "idle")
        assert folder_status(config, drive)["scored"] == 20
        put(drive / "a/new.png", 201)
        agrees(drive)


def test_a_database_deleted_under_a_running_daemon_is_begun_anew_and_that_is_told(folder: Path) -> None:
    fill(folder / "a", 5)
    with watched(folder), capture_logs() as told:
        shutil.rmtree(folder / ".photod")
        wait_until(lambda: rows(folder))
        assert [each["event"] for each in told if each["log_level"] == "warning"] == ["database_replaced"]


def test_purging_drops_the_rows_of_missing_photos_and_nothing_else(folder: Path) -> None:
    fill(folder / "a", 20)
    with watched(folder) as config:
        shutil.rmtree(folder / "a")
        put(folder / "b.png")
        agrees(folder)
        assert folder_status(config)["missing"] == 20
        assert ask(config, "purge", folder=str(folder)) == {"ok": True, "purged": 20}
        assert folder_status(config)["missing"] == 0


def test_what_was_under_way_when_another_process_took_the_folder_waits_for_it(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    fill(other, 3, 50)
    fill(folder, 3)
    config = make_config(folder, other)
    with running(config, scorer := SlowScorer()):
        scorer.may.set()
        quiet(config)
        scorer.may.clear()
        scorer.asked.clear()
        put(folder / "in the model.png", 200)
        assert scorer.asked.wait(30)
        put(folder / "before the model.png", 201)
        wait_until(lambda: ask(config, "status")["queue"]["scoring"] == 1)
        shutil.rmtree(folder / ".photod")
        taken = Writer(Folder(path=folder).database_path)
        wait_until(lambda: folder_status(config, folder)["state"] == "absent")
        (other / "00050.png").unlink()
        agrees(other)  # so whoever writes databases has been to that one, too, and found it taken
        scorer.may.set()
        put(other / "new.png", 202)
        agrees(other)
        taken.close()
        agrees(folder)


def test_a_folder_that_stays_taken_is_told_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(folder, 3)
    config = make_config(folder)
    tried = 0
    really_open = OpenFolder.open

    def try_to_open(self: OpenFolder) -> None:
        nonlocal tried
        tried += 1
        really_open(self)

    with running(config, FakeScorer()):
        quiet(config)
        monkeypatch.setattr(OpenFolder, "open", try_to_open)
        for times in (1, 2):
            with capture_logs() as told:
                shutil.rmtree(folder / ".photod")
                taken, before = Writer(Folder(path=folder).database_path), tried
                wait_until(lambda before=before: tried >= before + 3)  # type: ignore[misc]
                taken.close()
                wait_until(lambda: folder_status(config)["state"] == "idle")
            assert [each["event"] for each in told].count("folder_busy") == 1, times
        agrees(folder)


def test_a_database_that_takes_long_to_check_is_no_reason_for_the_watchdog_to_bite(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(folder, 3)
    config = make_config(folder)
    with running(config, FakeScorer()) as daemon:
        quiet(config)
        at_work: list[float] = []

        def check(database: sqlite3.Connection) -> None:
            assert daemon._pipeline is not None
            at_work.append(daemon._pipeline.at_work_s()["committing"])

        monkeypatch.setattr(connection, "damage", check)
        folder.rename(tmp_path / "away")
        wait_until(lambda: folder_status(config)["state"] == "absent")
        (tmp_path / "away").rename(folder)
        wait_until(lambda: folder_status(config)["state"] == "idle")
    assert at_work == [0.0]


def test_a_drive_that_was_just_plugged_in_is_rated_whole(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(folder / "a", 5)
    config = make_config(folder)
    with running(config, FakeScorer()) as daemon:
        quiet(config)
        folder.rename(tmp_path / "away")
        wait_until(lambda: folder_status(config)["state"] == "absent")
        monkeypatch.setattr(folder_module, "CHECK_S", 600.0)
        watcher = daemon._roster.folders[str(folder)].watcher
        wait_until(lambda: (watcher._check_at or 0.0) > time.monotonic() + 60)  # nobody else looks
        fill(tmp_path / "away/new", 20, 100)
        (tmp_path / "away").rename(folder)
        answer = ask(config, "rate", folder=str(folder))
        assert (answer["progress"]["phase"], answer["progress"]["scored"]) == ("done", 20)
        assert len(rows(folder)) == 25


def test_a_single_run_whose_folder_another_process_takes_says_so(folder: Path) -> None:
    fill(folder, 3)
    taken: list[Writer] = []

    def load(*arguments: Any) -> Any:
        shutil.rmtree(folder / ".photod")
        taken.append(Writer(Folder(path=folder).database_path))
        return FakeScorer().load(*arguments)

    with pytest.raises(BusyError, match="in use by photod, process"):
        Daemon(make_config(folder), once=folder, load=load).run()
