"""Drives that take one another's place, or should be let go of."""

import errno
import fcntl
import os
import shutil
import sqlite3
import struct
import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from fake_scorer import FakeScorer, SlowScorer
from machine import need
from mounts import Mounts
from photod import filesystem
from photod.config import state_directory
from photod.errors import DatabaseError
from photod.open_folder import OpenFolder
from photod.registry import Registry
from photod.store.errors import DamagedError
from photod.store.schema import VERSION
from running import make_config, ranking, running
from waiting import PATIENCE_S, wait_until
from watching import agrees, ask, fill, folder_status, put, quiet

pytestmark = pytest.mark.usefixtures("hurried")
EXT4_IOC_SHUTDOWN, NO_LOG_FLUSH = 0x8004587D, 2


def make_drive(mounts: Mounts, place: Path, photos: int, first: int) -> Path:
    """A drive that was pulled out while photod worked on it: most of its database is in the log yet."""
    mounts(place, "-t", "tmpfs", "none")
    fill(place / "a", 30, first)
    for number in range(first + photos, first + 30):  # as many were made on each, for the same inode numbers
        (place / f"a/{number:05}.png").unlink()
    database, hot = place / ".photod/photos.db", place.parent / "hot"
    config = make_config(place)
    with running(config, FakeScorer()):
        quiet(config)
        shutil.copytree(database.parent, hot)
    for name in ("photos.db", "photos.db-wal"):
        (database.parent / name).write_bytes((hot / name).read_bytes())
    shutil.rmtree(hot)
    return database


def test_a_drive_that_takes_the_place_of_another_keeps_its_log(
    folder: Path, tmp_path: Path, mounts: Mounts
) -> None:
    """SQLite tells databases apart by their inode numbers; clones share them, and drives just formatted."""
    one, two = make_drive(mounts, tmp_path / "one", 20, 0), make_drive(mounts, tmp_path / "two", 30, 100)
    assert os.stat(one).st_ino == os.stat(two).st_ino
    mounts(folder, "--bind", str(tmp_path / "one"))
    config = make_config(folder)
    with running(config, scorer := FakeScorer()):
        for place, photos in (("two", 30), ("one", 20), ("two", 30)):
            quiet(config)
            mounts.take_away(folder, lazily=True)
            mounts(folder, "--bind", str(tmp_path / place))
            wait_until(lambda photos=photos: folder_status(config)["scored"] == photos)  # type: ignore[misc]
            agrees(folder)
    assert scorer.photos == 0


def test_a_drive_that_was_away_for_a_moment_is_noticed_by_who_misses_a_directory(
    folder: Path, tmp_path: Path, mounts: Mounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is back, the same, when the folder is next looked for; what waited has found nothing meanwhile."""
    monkeypatch.setattr("photod.watch.folder.CHECK_S", 3.0)
    mounts(tmp_path / "disk", "-t", "tmpfs", "none")
    fill(tmp_path / "disk/a", 220)
    fill(tmp_path / "disk/b", 5, 220)
    mounts(folder, "--bind", str(tmp_path / "disk"))
    with running(config := make_config(folder), scorer := SlowScorer()):
        assert scorer.asked.wait(PATIENCE_S)
        wait_until(lambda: folder_status(config)["pending"] == 225)
        mounts.take_away(folder, lazily=True)
        scorer.may.set()
        wait_until(lambda: folder_status(config)["pending"] == 0)
        mounts(folder, "--bind", str(tmp_path / "disk"))
        agrees(folder)


def open_on(device: int) -> list[str]:
    """What this process has open on a filesystem."""
    return [number for number in os.listdir("/proc/self/fd") if device_of(number) == device]


def device_of(number: str) -> int | None:
    try:
        return os.fstat(int(number)).st_dev
    except OSError:  # closed meanwhile
        return None


def test_nothing_stays_open_on_a_drive_that_is_away(folder: Path, tmp_path: Path, mounts: Mounts) -> None:
    """Else it stays busy: nobody could lock it, check it, or mount it otherwise before photod was stopped."""
    mounts(tmp_path / "disk", "-t", "tmpfs", "none")
    fill(tmp_path / "disk", 3)
    drive = os.stat(tmp_path / "disk").st_dev
    mounts(folder, "--bind", str(tmp_path / "disk"))
    config = make_config(folder)
    with running(config, scorer := FakeScorer()):
        for _ in range(2):
            quiet(config)
            assert open_on(drive)
            mounts.take_away(folder, lazily=True)
            wait_until(lambda: not open_on(drive))
            assert folder_status(config)["state"] == "absent"
            mounts(folder, "--bind", str(tmp_path / "disk"))
            wait_until(lambda: folder_status(config)["state"] == "idle")
        agrees(folder)
    assert scorer.photos == 3


def test_a_drive_that_comes_back_unusable_is_told_once_and_ends_nothing(folder: Path, tmp_path: Path) -> None:
    """Read-only, full, or, as here, after a newer photod had it."""
    other, away = tmp_path / "other", tmp_path / "away"
    fill(folder, 3)
    fill(other, 3, 100)
    config = make_config(folder, other)
    with running(config, scorer := FakeScorer()), capture_logs() as told:
        for times in (1, 2):
            quiet(config)
            folder.rename(away)
            wait_until(lambda: folder_status(config, folder)["state"] == "absent")
            set_version(away, VERSION + 1)
            away.rename(folder)
            wait_until(lambda times=times: len(events(told, "folder_unusable")) == times)  # type: ignore[misc]
            fill(other, 1, 200 + times)
            agrees(other)
            folder.rename(away)
            set_version(away, VERSION)
            away.rename(folder)
            wait_until(lambda: folder_status(config, folder)["state"] == "idle")
        fill(folder, 1, 50)
        agrees(folder)
    assert scorer.photos == 9
    assert [each["log_level"] for each in events(told, "folder_unusable")] == ["error", "error"]
    assert "install the newer photod" in events(told, "folder_unusable")[0]["reason"]


def test_a_network_drive_that_appears_is_refused_a_database_as_at_the_start(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(folder, 3)
    config = make_config(folder)
    with running(config, FakeScorer()), capture_logs() as told:
        quiet(config)
        folder.rename(tmp_path / "away")
        wait_until(lambda: folder_status(config)["state"] == "absent")
        with monkeypatch.context() as patch:
            patch.setattr(filesystem, "filesystem_type", lambda _: min(filesystem.SHARED))
            (tmp_path / "away").rename(folder)
            wait_until(lambda: events(told, "folder_unusable"))
            assert "on a network drive" in events(told, "folder_unusable")[0]["reason"]
        wait_until(lambda: folder_status(config)["state"] == "idle")


@pytest.mark.parametrize("error", [DatabaseError, DamagedError])
def test_a_drive_that_goes_while_its_database_is_opened_is_away_and_nothing_else(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[DatabaseError]
) -> None:
    fill(folder, 3)
    config = make_config(folder)

    def go(*_: object) -> None:
        folder.rename(tmp_path / "away")
        raise error("disk I/O error")

    with running(config, FakeScorer()), capture_logs() as told:
        quiet(config)
        folder.rename(tmp_path / "away")
        wait_until(lambda: folder_status(config)["state"] == "absent")
        with monkeypatch.context() as patch:
            patch.setattr(OpenFolder, "open", go)
            (tmp_path / "away").rename(folder)
            wait_until(lambda: not folder.exists())
            quiet(config)
        (tmp_path / "away").rename(folder)
        wait_until(lambda: folder_status(config)["state"] == "idle")
        agrees(folder)
    assert events(told, "folder_unusable") == []


def cut_off(place: Path) -> None:
    """Have every access to a filesystem fail that its disk would be asked for."""
    descriptor = os.open(place, os.O_RDONLY)
    try:
        fcntl.ioctl(descriptor, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
    except OSError:
        need("a kernel that cuts off ext4")
    finally:
        os.close(descriptor)


@pytest.fixture
def fails(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set when it is asked whether a drive goes away that failed."""
    asked = threading.Event()
    really_ask: Callable[[OpenFolder], bool] = OpenFolder.is_going_away

    def ask(self: OpenFolder) -> bool:
        asked.set()
        return really_ask(self)

    monkeypatch.setattr(OpenFolder, "is_going_away", ask)
    return asked


@pytest.mark.parametrize("stays_mounted", [True, False])
def test_a_drive_that_is_pulled_out_while_its_database_is_written_ends_nothing(
    folder: Path,
    tmp_path: Path,
    mounts: Mounts,
    monkeypatch: pytest.MonkeyPatch,
    fails: threading.Event,
    stays_mounted: bool,
) -> None:
    """The kernel lists it no more at once; whether it is unmounted depends on who had mounted it."""
    image, other = tmp_path / "image", tmp_path / "other"
    with image.open("wb") as file:
        file.truncate(16 << 20)
    if subprocess.run(["mkfs.ext4", "-q", str(image)], check=False).returncode:
        need("mkfs.ext4")
    mounts(folder, "-o", "loop", str(image))
    listed = list_drive_of(folder, tmp_path / "drives", monkeypatch)
    fill(folder, 3)
    fill(other, 3, 50)
    config = make_config(folder, other)
    with running(config, scorer := SlowScorer()):
        scorer.may.set()
        quiet(config)
        scorer.may.clear()
        scorer.asked.clear()
        put(folder / "new.png", 200)
        assert scorer.asked.wait(30)
        cut_off(folder)
        if stays_mounted:
            listed.unlink()
        scorer.may.set()
        assert fails.wait(30)
        if not stays_mounted:
            mounts.take_away(folder, lazily=True)
        wait_until(lambda: folder_status(config, folder)["state"] == "absent")
        put(other / "new.png", 201)
        agrees(other)
        if stays_mounted:
            mounts.take_away(folder)
            listed.touch()
        mounts(folder, "-o", "loop", str(image))
        wait_until(lambda: folder_status(config, folder)["state"] == "idle")
        put(folder / "new.png", 200)  # it was not on the disk yet
        agrees(folder)


def list_drive_of(folder: Path, drives: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have a list of drives of our own in the place of the kernel's; returns the entry of this folder's drive."""
    number = os.stat(folder).st_dev
    listed = drives / f"{os.major(number)}:{os.minor(number)}"
    drives.mkdir()
    listed.touch()
    monkeypatch.setattr(filesystem, "DRIVES", str(drives))
    return listed


def test_a_drive_that_is_pulled_out_and_stays_mounted_is_away_until_it_is_listed_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = list_drive_of(folder, tmp_path / "drives", monkeypatch)
    fill(folder, 3)
    config = make_config(folder)
    with running(config, scorer := FakeScorer()):
        for _ in range(2):
            quiet(config)
            listed.unlink()
            wait_until(lambda: folder_status(config)["state"] == "absent")
            listed.touch()
            wait_until(lambda: folder_status(config)["state"] == "idle")
        fill(folder, 1, 50)
        agrees(folder)
    assert scorer.photos == 4


def test_a_folder_that_cannot_be_remembered_says_where_and_what_comes_of_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Registry, "remember", full)
    with capture_logs() as told, running(make_config(folder), FakeScorer()):
        pass
    (warning,) = events(told, "not_remembered")
    assert warning["file"] == str(state_directory() / "folders.json")
    assert "empty mount point" in warning["note"]


def events(told: Sequence[EventDict], name: str) -> list[EventDict]:
    return [each for each in told if each["event"] == name]


def set_version(folder: Path, version: int) -> None:
    with closing(sqlite3.connect(folder / ".photod/photos.db")) as database:
        database.execute(f"PRAGMA user_version = {version}")


@pytest.mark.parametrize("by_reload", [False, True])
def test_a_folder_that_does_not_answer_keeps_no_other_waiting(
    by_reload: bool, folder: Path, tmp_path: Path, mounts: Mounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filesystem, "ANSWER_S", 0.2)
    nas = tmp_path / "nas"
    fill(nas, 1, 1)
    fill(folder, 2, 2)
    alone = make_config(folder)
    server = mounts.silent(nas)
    both = make_config(folder, nas)
    with running(alone if by_reload else both, FakeScorer(), lambda: both) as daemon, capture_logs() as told:
        try:
            daemon.reload()
            wait_until(lambda: any(record["event"] == "reloaded" for record in told))
            wait_until(lambda: "absent" in {each["state"] for each in ask(both, "status")["folders"]})
            wait_until(lambda: len(ranking(folder)) == 2)
            assert by_reload == any(record["event"] == "folder_silent" for record in told)
            for command in ("release", "rate", "purge"):
                assert ask(both, command, folder=str(nas / "a"))["error"].startswith(f"{nas} does not answer")
        finally:
            os.close(server)
        mounts.take_away(nas, lazily=True)
        wait_until(lambda: len(ranking(nas)) == 1)


def test_a_drive_that_was_released_can_be_unmounted_and_is_taken_up_again_when_it_is_back(
    folder: Path, tmp_path: Path, mounts: Mounts
) -> None:
    disk, drive = tmp_path / "disk", folder.parent / "drive"
    fill(disk / "photos", 2)
    mounts(drive, "--bind", str(disk))
    photos = drive / "photos"
    config = make_config(folder, photos)
    with running(config, FakeScorer()), capture_logs() as told:
        quiet(config)
        with pytest.raises(subprocess.CalledProcessError):  # its database is open
            mounts.take_away(drive)
        for place in (photos / "none", drive):
            wait_until(lambda: len(ranking(photos)) == 2)
            assert ask(config, "release", folder=str(place))["folders"] == [str(photos)]
            assert ask(config, "rate", folder=str(photos))["error"].startswith(f"{photos} is released; unmount it")
            ask(config, "rescan", folder=str(photos))
            wait_until(lambda: folder_status(config, photos)["state"] == "idle")
        ask(config, "release", folder=str(drive))
        assert folder_status(config, photos)["state"] == "absent"
        mounts.take_away(drive)
        wait_until(lambda: ask(config, "rate", folder=str(photos))["error"] == f"{photos} is away; mount it")
        fill(disk / "photos", 1, 7)
        mounts(drive, "--bind", str(disk))
        wait_until(lambda: len(ranking(photos)) == 3)
    assert [each["event"] for each in told if each["log_level"] == "warning"] == []
