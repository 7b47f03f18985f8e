"""A real drive of exFAT, whose files have other inode numbers after each mount."""

import subprocess
from pathlib import Path

import pytest

from fake_scorer import FakeScorer
from machine import need
from mounts import Mounts
from running import score_once
from watching import agrees, disagreement, fill, put, quiet, watched

pytestmark = pytest.mark.usefixtures("hurried")


class Drive:
    """Plugged in at the folder, and pulled out again."""

    def __init__(self, folder: Path, image: Path, mounts: Mounts) -> None:
        self._folder, self._image, self._mounts = folder, image, mounts
        with image.open("wb") as file:
            file.truncate(64 << 20)
        try:
            subprocess.run(["mkfs.exfat", str(image)], check=True, capture_output=True)
        except FileNotFoundError:
            need("mkfs.exfat")

    def plug_in(self) -> None:
        self._mounts(self._folder, "-t", "exfat-fuse", "-o", "loop", str(self._image))

    def pull_out(self) -> None:
        self._mounts.take_away(self._folder)


@pytest.fixture
def drive(folder: Path, tmp_path: Path, mounts: Mounts) -> Drive:
    drive = Drive(folder, tmp_path / "drive", mounts)
    drive.plug_in()
    return drive


def inodes(folder: Path) -> list[int]:
    return [path.stat().st_ino for path in sorted(folder.rglob("*.png"), reverse=True)]


def test_files_with_new_numbers_are_not_read_again(folder: Path, drive: Drive, reads: list[str]) -> None:
    fill(folder / "a", 20)
    fill(folder / "b", 20, 20)
    score_once(folder, FakeScorer())
    before = inodes(folder)
    drive.pull_out()
    drive.plug_in()
    assert inodes(folder) != before
    reads.clear()
    score_once(folder, scorer := FakeScorer())
    assert (reads, scorer.photos, disagreement(folder)) == ([], 0, "")
    drive.pull_out()


def test_what_moves_and_what_changes_on_such_a_drive_is_read(folder: Path, drive: Drive, reads: list[str]) -> None:
    fill(folder / "a", 10)
    with watched(folder, scorer := FakeScorer()) as config:
        reads.clear()
        (folder / "a").rename(folder / "b")
        put(folder / "b/00003.png", 200)
        agrees(folder)
        quiet(config)
        assert len(reads) >= 10
        assert scorer.photos == 11
    drive.pull_out()
