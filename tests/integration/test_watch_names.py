"""Odd names, odd files, and what is not looked at."""

import os
import socket
from pathlib import Path

import pytest

from fake_scorer import FakeScorer
from mounts import Mounts
from photod.config import Config, Folder
from photod.errors import ConfigError
from photod.photos import Candidate, Passed
from photod.watch.ignore import Rules
from photod.watch.listing import Listing, list_directory
from running import make_config, running
from waiting import wait_until
from watching import agrees, ask, disagreement, fill, folder_status, put, quiet, rows, watched


def test_names_of_every_kind_are_followed_while_they_change(folder: Path) -> None:
    """Scenario 23: bytes that are not UTF-8, newlines, NFC beside NFD, renames in case only."""
    directory = folder / "\udcffdir\n"
    with watched(folder) as config:
        directory.mkdir()
        put(directory / "\udcfe.png", 10)
        put(folder / "line\nbreak.png", 20)
        put(folder / "caf\u00e9.png", 30)
        put(folder / "cafe\u0301.png", 40)
        put(folder / "Case.PNG", 50)
        agrees(folder)
        quiet(config)
        (folder / "Case.PNG").rename(folder / "case.png")
        (folder / "cafe\u0301.png").unlink()
        directory.rename(folder / "\udcfeother")
        (folder / "line\nbreak.png").rename(folder / "line\n\nbreak.png")
    assert "caf\u00e9.png" in rows(folder)


def test_links_are_followed_to_files_inside_and_nowhere_else(folder: Path, tmp_path: Path) -> None:
    outside = put(tmp_path / "outside.png", 1)
    fill(tmp_path / "outside", 2)
    fill(folder / "a", 3)
    (folder / "hard.png").hardlink_to(folder / "a/00000.png")
    (folder / "soft.png").symlink_to("a/00001.png")
    (folder / "away.png").symlink_to(outside)
    (folder / "dangling.png").symlink_to("nowhere.png")
    (folder / "self.png").symlink_to("self.png")
    (folder / "directory").symlink_to(tmp_path / "outside")
    (folder / "a/loop").symlink_to(folder)
    with watched(folder) as config:
        put(folder / "a/00001.png", 99)
        quiet(config)
        ask(config, "rescan")
        agrees(folder)
    assert rows(folder).keys() == {"a/00000.png", "a/00001.png", "a/00002.png", "hard.png", "soft.png"}


def test_what_is_no_file_is_no_photo(folder: Path) -> None:
    os.mkfifo(folder / "pipe.png")
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(folder / "s.png"))
    (folder / "directory.png").mkdir()
    put(folder / "directory.png/inside.png")
    if os.geteuid() == 0:
        os.mknod(folder / "null.png", 0o20666, os.makedev(1, 3))
    with watched(folder):
        os.mkfifo(folder / "late.png")
    server.close()
    assert rows(folder).keys() == {"directory.png/inside.png"}


def test_a_subtree_without_permission_is_shown_and_costs_no_scores(folder: Path) -> None:
    fill(folder / "open", 3)
    fill(folder / "closed/below", 3)
    config = make_config(folder)
    with listing_refused(folder / "closed"), running(config, FakeScorer()):
        quiet(config)
        ask(config, "rescan")
        quiet(config)
        status = folder_status(config)
        assert status["scored"] == 3
        assert status["unreadable"] == [{"path": str(folder / "closed"), "reason": "Permission denied"}]
    with running(config, FakeScorer()):
        agrees(folder)
        quiet(config)
        with listing_refused(folder / "closed"):
            ask(config, "rescan")
            quiet(config)
            assert folder_status(config)["scored"] == 6
            assert folder_status(config)["missing"] == 0
        ask(config, "rescan")
        quiet(config)
        assert folder_status(config)["unreadable"] == []


def test_what_cannot_be_read_is_shown_only_while_it_is_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(candidate: Candidate, *_: object) -> Passed:
        return Passed(candidate, "unreadable", "Permission denied")

    def shown() -> set[str]:
        return {os.path.relpath(each["path"], folder) for each in folder_status(config)["unreadable"]}

    monkeypatch.setattr("photod.pipeline.read_photo", refuse)
    fill(folder / "a", 2)
    fill(folder / "b/below", 1)
    (folder / "b/closed").mkdir()
    config = make_config(folder)
    with running(config, FakeScorer()):
        with listing_refused(folder / "b/closed"):
            ask(config, "rescan")
            quiet(config)
            assert shown() == {"a/00000.png", "a/00001.png", "b/below/00000.png", "b/closed"}
        (folder / "a/00000.png").unlink()
        wait_until(lambda: "a/00000.png" not in shown())
        (folder / "b").rename(folder / "c")
        with listing_refused(folder / "c/closed"):
            ask(config, "rescan")
            quiet(config)
            assert shown() == {"a/00001.png", "c/below/00000.png", "c/closed"}


def test_a_photo_that_cannot_be_looked_at_is_shown_and_keeps_its_score(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(place: int, root: str, directory: str, rules: Rules) -> Listing:
        listing = list_directory(place, root, directory, rules)
        sick = {photo for photo in listing.photos if photo[0] == "a/00000.png"}
        reasons = {photo[0]: "Input/output error" for photo in sick}
        return Listing(listing.photos - sick, listing.directories, reasons)

    fill(folder / "a", 2)
    with watched(folder) as config:
        with monkeypatch.context() as patch:
            patch.setattr("photod.watch.survey.list_directory", look)
            ask(config, "rescan")
            quiet(config)
            status = folder_status(config)
            assert status["unreadable"] == [{"path": str(folder / "a/00000.png"), "reason": "Input/output error"}]
            assert (status["scored"], status["missing"]) == (2, 0)
        ask(config, "rescan")
        quiet(config)
        assert folder_status(config)["unreadable"] == []


class listing_refused:  # noqa: N801 (used like a function)
    """Refuse listings of a directory, to root too."""

    def __init__(self, directory: Path) -> None:
        self._directory = str(directory)
        self._patch = pytest.MonkeyPatch()

    def __enter__(self) -> None:
        really_open = os.open

        def refuse(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
            above = "" if dir_fd is None else os.readlink(f"/proc/self/fd/{dir_fd}")
            if os.path.join(above, path).startswith(self._directory):
                raise PermissionError(13, "Permission denied", path)
            return really_open(path, flags, mode, dir_fd=dir_fd)

        self._patch.setattr("photod.watch.listing.os.open", refuse)

    def __exit__(self, *_: object) -> None:
        self._patch.undo()


def test_folders_in_one_another_are_refused(folder: Path) -> None:
    (folder / "inner").mkdir()
    config = make_config(folder, folder / "inner")
    with pytest.raises(ConfigError, match="contains the other"), running(config, FakeScorer()):
        pass


def test_one_folder_under_two_names_is_refused(folder: Path, tmp_path: Path, mounts: Mounts) -> None:
    mounts(tmp_path / "again", "--bind", str(folder))
    config = make_config(folder, tmp_path / "again")
    with pytest.raises(ConfigError, match="one directory under two names"), running(config, FakeScorer()):
        pass


def test_directories_of_bookkeeping_are_neither_scored_nor_watched(folder: Path) -> None:
    names = ("@eaDir", "#recycle", ".Trash-1000", ".stversions", ".photod", ".hidden", "lost+found", "$RECYCLE.BIN")
    for name in names:
        fill(folder / name / "below", 2)
    put(folder / "a.png")
    with watched(folder) as config:
        assert kernel_watches() == 2  # the folder, and the canary's directory
        for name in names:
            fill(folder / name / "later", 2)
        quiet(config)
    assert rows(folder).keys() == {"a.png"}


def excluding(folder: Path, *patterns: str) -> Config:
    return make_config(folder, folders=(Folder(path=folder, exclude=patterns),))


def test_a_rule_added_hides_photos_and_a_rule_removed_brings_them_back_unscored(folder: Path) -> None:
    fill(folder / "raw/deep", 5)
    fill(folder / "a", 5, 50)
    with watched(folder, scorer := FakeScorer()):
        pass
    for _ in range(2):
        with running(config := excluding(folder, "raw/", "a/00050.png"), again := FakeScorer()):
            quiet(config)
            agrees(folder, excluded=("raw", "00050.png"))
            assert folder_status(config)["missing"] == 6
        with running(config := make_config(folder), again):
            quiet(config)
            agrees(folder)
    assert scorer.photos == 10
    assert again.photos == 0


def test_an_excluded_tree_is_not_watched(folder: Path) -> None:
    for number in range(50):
        fill(folder / f"raw/{number}", 1)
    fill(folder / "a", 1)
    with running(config := excluding(folder, "raw/"), FakeScorer()):
        quiet(config)
        assert kernel_watches() == 3  # the folder, a, and the canary's directory
        (folder / "raw/0").rename(folder / "raw/zero")
        wait_until(lambda: not disagreement(folder, ("raw",)))


def kernel_watches() -> int:
    """The inotify watches of this process, as the kernel counts them."""
    count = 0
    for info in Path("/proc/self/fdinfo").iterdir():
        try:
            count += info.read_text().count("inotify wd:")
        except OSError:
            pass  # closed meanwhile
    return count


def test_patterns_are_those_of_gitignore(folder: Path) -> None:
    for name in ("top.png", "x/top.png", "x/keep.png", "x/other.png", "drop/a.png", "x/drop/a.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        put(folder / name)
    with running(config := excluding(folder, "/top.png", "o*.png", "k*.png", "!keep.png", "drop/"), FakeScorer()):
        quiet(config)
    assert rows(folder).keys() == {"x/top.png", "x/keep.png"}
