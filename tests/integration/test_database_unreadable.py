"""A disk that cannot read all of a database any more."""

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
from photod.store.care import copy_database, verify
from pictures import make_photo
from running import score_once


@pytest.fixture
def database(folder: Path, mounts: Mounts, tmp_path: Path) -> Path:
    """Its disk cannot read the later half of it."""
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
def test_the_disk_of_the_database_is_to_blame_and_no_other(database: Path, look: Callable[[Path], object]) -> None:
    with pytest.raises(DatabaseError, match=f"^database {database} is damaged, or its disk cannot read it"):
        look(database)
