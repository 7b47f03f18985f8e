"""Backups where a disk cannot read all of a database any more, or has no room for a copy."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from fake_scorer import FakeScorer
from machine import need
from mounts import Mounts
from photod.errors import DatabaseError
from photod.store.care import add_backup, copy_database, verify
from pictures import make_photo
from running import score_once


@pytest.fixture
def unreadable(folder: Path, mounts: Mounts, tmp_path: Path) -> Path:
    """A database whose disk cannot read the later half of it."""
    make_photo(folder / "a.png")
    score_once(folder, FakeScorer())
    place, prepared, image = folder / ".photod", tmp_path / "prepared", tmp_path / "disk"
    with closing(sqlite3.connect(place / "photos.db", isolation_level=None)) as other:
        other.execute("CREATE TABLE notes (words)")
        other.execute("INSERT INTO notes VALUES (randomblob(12 << 20))")
    place.rename(prepared)
    with image.open("wb") as file:  # of one group of blocks, which are given away in order
        file.truncate(16 << 20)
    if subprocess.run(["mkfs.ext4", "-q", "-b", "4096", "-O", "^has_journal", str(image)], check=False).returncode:
        need("mkfs.ext4")
    mounts(place, "-o", "loop", str(image))
    shutil.copytree(prepared, place, dirs_exist_ok=True)
    mounts.take_away(place)
    mounts(place, "-o", "loop,ro", str(image))  # now nothing of it is in memory, and nothing makes the image longer
    os.truncate(image, 8 << 20)
    return place / "photos.db"


@pytest.mark.parametrize(
    "look",
    [
        lambda database: copy_database(database, database.parents[2] / "another disk/copy.db"),
        lambda database: verify(database, database.parents[1], samples=0),
    ],
    ids=["backup", "verify"],
)
def test_the_disk_of_the_database_is_to_blame_and_no_other(
    unreadable: Path, look: Callable[[Path], object]
) -> None:
    with pytest.raises(DatabaseError, match=f"^database {unreadable} is damaged, or its disk cannot read it"):
        look(unreadable)


def test_a_backup_for_which_there_is_no_room_leaves_others_what_there_is(folder: Path, mounts: Mounts) -> None:
    """To the last byte it would take what the daemon commits with, each hour again."""
    place = folder / ".photod"
    mounts(place, "-t", "tmpfs", "-o", "size=2m", "none")
    database, backups = place / "photos.db", place / "backups"
    score_once(folder, FakeScorer())
    add_backup(database, keep=1)
    room = os.statvfs(place)
    (place / "ballast").write_bytes(b"\0" * (room.f_bavail * room.f_frsize - database.stat().st_size // 2))
    before = backups.stat().st_mtime_ns
    with pytest.raises(DatabaseError, match=f"{backups}.*No space left on device; free some space on its disk"):
        add_backup(database, keep=1)
    assert backups.stat().st_mtime_ns == before, "it was not even begun"
    (place / "ballast").unlink()
    add_backup(database, keep=1)
