"""Directories that come, go and change names faster than anybody could follow."""

import shutil
from pathlib import Path

import pytest

from fake_scorer import FakeScorer
from processes import resident_bytes
from watching import agrees, fill, put, quiet, watched


def test_nested_directories_made_within_a_second_lose_nothing(folder: Path) -> None:
    """Scenario 1."""
    with watched(folder):
        for number in range(2000):
            place = folder / f"{number % 10}" / f"{number // 10 % 20}" / f"{number}"
            place.mkdir(parents=True)
            put(place / "a.png", number % 251)
    with watched(folder, scorer := FakeScorer()):
        pass
    assert scorer.photos == 0


def test_a_deep_chain_of_directories_is_followed_to_its_end(folder: Path) -> None:
    with watched(folder):
        place = folder
        for _ in range(150):
            place = place / "d"
            place.mkdir()
            put(place / "a.png")


@pytest.mark.parametrize(
    ("existing", "copied"),
    [(1000, 100), pytest.param(10_000, 1000, marks=pytest.mark.slow)],
)
def test_a_tree_copied_into_a_large_one_loses_nothing_and_costs_little_memory(
    folder: Path, tmp_path: Path, existing: int, copied: int
) -> None:
    """Scenario 3."""
    for number in range(existing):
        fill(folder / f"{number // 100}/{number}", 1, number)
    for number in range(copied):
        fill(tmp_path / f"source/{number // 50}/{number}", 2, number)
    with watched(folder) as config:
        before = resident_bytes()
        shutil.copytree(tmp_path / "source", folder / "copy")
        agrees(folder)
        quiet(config)
        assert resident_bytes() - before < 50_000_000


def test_the_moves_that_kill_watchdogs_own_reader_are_survived(folder: Path) -> None:
    """Scenario 4: `mv dir trash; mkdir dir; rmdir dir; rmdir trash/dir`."""
    (folder / "dir").mkdir()
    (folder / "trash").mkdir()
    with watched(folder) as config:
        for turn in range(5):
            (folder / "dir").rename(folder / "trash/dir")
            (folder / "dir").mkdir()
            (folder / "dir").rmdir()
            (folder / "trash/dir").rmdir()
            (folder / "dir").mkdir()
            put(folder / f"dir/{turn}.png")
            quiet(config)
            put(folder / f"other {turn}.png", 5)
            agrees(folder)
            shutil.rmtree(folder / "dir")
            (folder / "dir").mkdir()


def test_a_tree_moved_in_and_renamed_at_once_is_scored_under_its_new_name(folder: Path, tmp_path: Path) -> None:
    """Scenario 8."""
    for number in range(20):
        fill(tmp_path / f"tree/{number}/below", 3, number)
    with watched(folder):
        (tmp_path / "tree").rename(folder / "in")
        (folder / "in").rename(folder / "first")
        (folder / "first").rename(folder / "second")
        (folder / "second/3").rename(folder / "second/three")


def test_a_tree_moved_out_and_written_to_is_forgotten(folder: Path, tmp_path: Path) -> None:
    """Scenario 9."""
    fill(folder / "tree/below", 5)
    with watched(folder) as config:
        (folder / "tree").rename(tmp_path / "out")
        fill(tmp_path / "out/below", 5, 100)
        agrees(folder)
        quiet(config)
        put(tmp_path / "out/below/late.png")
        (tmp_path / "out").rename(folder / "back")


def test_a_directory_replaced_by_another_of_the_same_name_is_read_anew(folder: Path) -> None:
    fill(folder / "a/deep/deeper", 3)
    fill(folder / "b/deep", 3, 50)
    with watched(folder) as config:
        (folder / "a").rename(folder / "c")
        (folder / "b").rename(folder / "a")
        agrees(folder)
        quiet(config)
        put(folder / "a/deep/new.png", 3)
        put(folder / "c/deep/deeper/new.png", 4)


def test_a_directory_becomes_a_symlink_and_its_photos_are_gone(folder: Path) -> None:
    fill(folder / "a/deep", 3)
    with watched(folder):
        (folder / "a").rename(folder / "b")
        (folder / "a").symlink_to(folder / "b")


@pytest.mark.parametrize("count", [1000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_a_renamed_directory_costs_neither_model_nor_reading(folder: Path, reads: list[str], count: int) -> None:
    """Scenario 18; its full form has 10,000 files."""
    fill(folder / "old/below", count)
    with watched(folder, scorer := FakeScorer()) as config:
        scored = scorer.photos
        reads.clear()
        (folder / "old").rename(folder / "new")
        agrees(folder)
        quiet(config)
        (folder / "new/below").rename(folder / "top")
    assert reads == []
    assert scorer.photos == scored


def test_a_renamed_file_costs_one_reading_and_no_model(folder: Path, reads: list[str]) -> None:
    put(folder / "a.png")
    with watched(folder, scorer := FakeScorer()) as config:
        reads.clear()
        (folder / "a.png").rename(folder / "b.png")
        agrees(folder)
        quiet(config)
    assert set(reads) == {"b.png"}
    assert scorer.photos == 1


def test_a_chain_of_renamed_directories_keeps_every_score_with_its_photo(folder: Path) -> None:
    for level, name in enumerate("abcd"):
        fill(folder / name, 10, level * 20)
    with watched(folder):
        for _ in range(3):
            (folder / "a").rename(folder / "x")
            for old, new in ("ba", "cb", "dc", "xd"):
                (folder / old).rename(folder / new)


def test_a_renamed_directory_is_found_when_the_daemon_was_away(folder: Path, reads: list[str]) -> None:
    fill(folder / "old", 50)
    with watched(folder):
        pass
    reads.clear()
    (folder / "old").rename(folder / "new")
    with watched(folder, scorer := FakeScorer()):
        pass
    assert reads == []
    assert scorer.photos == 0
