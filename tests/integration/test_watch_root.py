"""A folder whose own path changes under the daemon: renamed, deleted, replaced, a symlink (scenario 22)."""

import shutil
from pathlib import Path

import pytest

from fake_scorer import FakeScorer
from photod.config import Folder
from running import make_config, running, score_once
from waiting import wait_until
from watching import agrees, ask, disagreement, fill, folder_status, put, quiet, watched

pytestmark = pytest.mark.usefixtures("hurried")


def test_a_folder_that_was_renamed_is_awaited_and_found_again(folder: Path) -> None:
    fill(folder / "a", 20)
    with watched(folder, scorer := FakeScorer()) as config:
        scored = scorer.photos
        folder.rename(folder.parent / "elsewhere")
        wait_until(lambda: folder_status(config)["state"] == "absent")
        put(folder.parent / "elsewhere/a/new.png", 1)
        (folder.parent / "elsewhere").rename(folder)
        wait_until(lambda: folder_status(config)["state"] == "idle")
        agrees(folder)
        put(folder / "a/newer.png", 2)
        assert not folder_status(config)["missing"]
    assert scorer.photos <= scored + 2


def test_a_folder_that_was_deleted_and_made_again_is_scored_anew(folder: Path) -> None:
    fill(folder / "a", 20)
    with watched(folder) as config:
        shutil.rmtree(folder)
        wait_until(lambda: folder_status(config)["state"] == "absent")
        folder.mkdir()
        put(folder / "new.png")
        agrees(folder)
        quiet(config)
        (folder / "b").mkdir()
        put(folder / "b/later.png", 3)


def test_a_folder_replaced_by_another_with_a_database_uses_that_one(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    fill(other / "x", 5, 50)
    score_once(other, FakeScorer())
    fill(folder / "a", 5)
    with watched(folder, scorer := FakeScorer()) as config:
        scored = scorer.photos
        folder.rename(tmp_path / "old")
        other.rename(folder)
        agrees(folder)
        quiet(config)
        put(folder / "x/new.png", 1)
    assert scorer.photos <= scored + 1
    assert disagreement(tmp_path / "old") == ""


def test_a_folder_named_through_a_symlink_is_watched_in_its_real_place(folder: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(folder)
    with watched(link):
        put(folder / "top.png")
        fill(folder / "below", 2)
    assert disagreement(folder) == ""


@pytest.mark.parametrize("above", [0, 1])
def test_a_folder_that_moves_and_leaves_a_symlink_in_its_place_goes_on(tmp_path: Path, above: int) -> None:
    """It itself, or the directory that it lies in."""
    folder, elsewhere = tmp_path / "home/pictures", tmp_path / "elsewhere"
    fill(folder / "a/b", 3)
    put(folder / "top.png")
    (folder / "link.png").symlink_to("a/b/00001.png")
    moved = (folder, folder.parent)[above]
    with watched(folder) as config:
        moved.rename(elsewhere)
        moved.symlink_to(elsewhere)
        put(folder / "a/b/later.png", 7)
        put(folder / "later.png", 8)
        agrees(folder)
        ask(config, "rescan")
        quiet(config)
        agrees(folder)
        put(folder / "a/after.png", 9)
        agrees(folder)
        assert not folder_status(config)["missing"]
        assert folder_status(config)["watched_by"] == "inotify"


def test_another_folder_in_the_place_of_one_whose_parent_was_renamed_is_watched(
    tmp_path: Path,
) -> None:
    """No event tells of that, and its scores lie elsewhere."""
    above = tmp_path / "above"
    fill(above / "photos/a", 3)
    settings = Folder(path=above / "photos", database="state")
    with running(config := make_config(tmp_path, folders=(settings,)), FakeScorer()):
        wait_until(lambda: not disagreement(settings.path, database=settings.database_path))
        quiet(config)
        above.rename(tmp_path / "aside")
        fill(above / "photos/b", 3, 50)
        wait_until(lambda: not disagreement(settings.path, database=settings.database_path), 30)
        put(settings.path / "b/later.png", 99)
        wait_until(lambda: not disagreement(settings.path, database=settings.database_path), 30)
