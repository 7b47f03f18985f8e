"""What happens just when something else does: each once left a directory deaf, or a row without a photo."""

import os
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from fake_scorer import FakeScorer, SlowScorer
from mounts import Mounts
from photod import committer
from photod.config import Config, Folder, Store
from photod.errors import DatabaseError
from photod.photos import Candidate
from photod.roster import Roster
from photod.store.writer import Writer
from photod.watch import folder as folder_module
from photod.watch import survey
from photod.watch.folder import FolderWatcher
from photod.watch.ignore import Rules
from photod.watch.listing import Listing, list_directory
from running import make_config, ranking, running, score_once
from waiting import PATIENCE_S, wait_until
from watching import agrees, answers, ask, fill, put, quiet, rows, walk


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    folders = tmp_path / "inbox", tmp_path / "archive"
    for folder in folders:
        folder.mkdir()
    return folders


@pytest.fixture
def before_the_commit(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, bool, Callable[[], object]], None]:
    """Has something done once, before or after a photo below a directory is looked at for the last time."""

    def have(below: str, after: bool, act: Callable[[], object]) -> None:
        really_is_still, done = committer._is_still, threading.Event()

        def is_still(candidate: Candidate) -> bool:
            still = really_is_still(candidate) if after else True
            if candidate.path.startswith(below) and not done.is_set():
                done.set()
                act()
                time.sleep(1.0)  # the folder's thread looks meanwhile, and knows of no such row
            return still if after else really_is_still(candidate)

        monkeypatch.setattr(committer, "_is_still", is_still)

    return have


def test_a_directory_that_moves_to_another_folder_is_heard_there(two: tuple[Path, Path]) -> None:
    """Its inode keeps its watch, which the folder that it left must not take away."""
    inbox, archive = two
    for n in range(12):
        fill(inbox / f"trip {n}", 3, 3 * n)
    with running(config := make_config(*two), FakeScorer()):
        quiet(config)
        for n in range(12):
            (inbox / f"trip {n}").rename(archive / f"trip {n}")
            quiet(config)
        for n in range(12):
            put(archive / f"trip {n}/late.png", 100 + n)
        agrees(archive)
        agrees(inbox)


def test_a_directory_that_lies_in_two_folders_is_heard_in_both(two: tuple[Path, Path], mounts: Mounts) -> None:
    one, other = two
    (one / "same").mkdir()
    mounts(other / "same", "--bind", str(one / "same"))
    with running(config := make_config(*two), FakeScorer()):
        quiet(config)
        put(one / "same/a.png", 5)
        agrees(one)
        agrees(other)


def test_a_directory_that_is_made_again_under_an_old_name_is_heard(folder: Path) -> None:
    """Its inode may be that of the one before, whose watch has ended."""
    with running(config := make_config(folder), FakeScorer()):
        quiet(config)
        for n in range(20):
            (folder / f"a{n}").mkdir()
            time.sleep(0.05)
            (folder / f"a{n}").rename(folder / f"b{n}")
            time.sleep(0.05)
            (folder / f"b{n}").rmdir()
            (folder / f"a{n}").mkdir()
        quiet(config)
        for n in range(20):
            put(folder / f"a{n}/late.png", n)
        agrees(folder)


def test_a_directory_that_could_not_be_listed_once_leaves_those_below_it_heard(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = threading.Event()

    def fail_once(place: int, root: str, directory: str, rules: Rules) -> Listing:
        if directory == "x" and failing.is_set():
            failing.clear()
            raise OSError(24, "Too many open files")
        return list_directory(place, root, directory, rules)

    monkeypatch.setattr(survey, "list_directory", fail_once)
    fill(folder / "x/y", 2)
    with running(config := make_config(folder), FakeScorer()):
        quiet(config)
        failing.set()
        ask(config, "rescan")
        wait_until(lambda: not failing.is_set())
        quiet(config)
        put(folder / "x/y/late.png", 200)
        agrees(folder)


def test_a_parent_that_is_renamed_just_before_the_commit_leaves_no_row_behind(
    folder: Path, before_the_commit: Callable[..., None]
) -> None:
    before_the_commit("a/b/", True, lambda: (folder / "a").rename(folder / "c"))
    with running(config := make_config(folder), FakeScorer()):
        quiet(config)
        fill(folder / "a/b", 1, 7)
        agrees(folder)
        wait_until(lambda: rows(folder).keys() == walk(folder).keys() == {"c/b/00007.png"})


def test_a_photo_that_is_deleted_just_before_the_commit_leaves_no_row_behind(
    folder: Path, before_the_commit: Callable[..., None]
) -> None:
    photo = folder / "a/00007.png"
    before_the_commit("a/", True, photo.unlink)
    with running(config := make_config(folder), FakeScorer()):
        quiet(config)
        fill(folder / "a", 1, 7)
        wait_until(lambda: not photo.exists())
        quiet(config)
        agrees(folder)


def test_a_directory_that_becomes_a_link_just_before_the_commit_leaves_no_row_behind(
    folder: Path, before_the_commit: Callable[..., None]
) -> None:
    def exchange() -> None:
        (folder / "a").rename(folder.parent / "elsewhere")
        (folder / "a").symlink_to(folder.parent / "elsewhere")

    before_the_commit("a/", False, exchange)
    with running(config := make_config(folder), FakeScorer()):
        quiet(config)
        fill(folder / "a", 1, 7)
        wait_until((folder / "a").is_symlink)
        quiet(config)
        agrees(folder)


def test_a_photo_that_becomes_a_link_out_of_the_folder_is_not_read(folder: Path, reads: list[str]) -> None:
    put(folder.parent / "private.png", 200)
    with running(config := make_config(folder, settle_s=1.0), FakeScorer()) as daemon:
        quiet(config)
        put(folder / "a.png", 10)
        watcher = daemon._roster.folders[str(folder)].watcher
        wait_until(lambda: "a.png" in watcher._work.settle)
        (folder / "a.png").unlink()
        (folder / "a.png").symlink_to(folder.parent / "private.png")
        quiet(config)
        assert (reads, rows(folder)) == ([], {})


def test_one_hard_link_is_written_through_while_another_settles(folder: Path) -> None:
    for name in ("a", "b"):
        (folder / name).mkdir()
    os.link(put(folder / "a/1.png", 1), folder / "b/1.png")
    with running(config := make_config(folder, settle_s=1.5), FakeScorer()) as daemon:
        quiet(config)
        watcher = daemon._roster.folders[str(folder)].watcher
        watcher.agenda.rest("a", time.monotonic() + 1.25)  # as after a look at a large directory
        put(folder / "b/1.png", 2)
        wait_until(lambda: rows(folder)["b/1.png"][0] == walk(folder)["b/1.png"])
        put(folder / "a/1.png", 3)
        agrees(folder)


def test_who_scores_a_folder_is_told_when_it_goes_away(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_module, "CHECK_S", 0.2)
    told: list[dict[str, object]] = []
    with running(config := make_config(folder), scorer := SlowScorer()):
        quiet(config)
        fill(folder / "a", 230)
        request = {"command": "rate", "folder": str(folder)}
        following = threading.Thread(target=lambda: told.extend(answers(config, request)))
        following.start()
        assert scorer.asked.wait(PATIENCE_S)
        folder.rename(folder.with_name("gone"))
        wait_until(lambda: ask(config, "status")["folders"][0]["state"] == "absent")
        scorer.may.set()
        following.join(PATIENCE_S)
        folder.with_name("gone").rename(folder)
    assert told[-1]["exit_code"] == 2
    assert f"{folder} is away" in str(told[-1])


def test_nothing_is_done_while_a_photo_that_changed_again_is_to_be_looked_at(
    folder: Path, before_the_commit: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    really_look = FolderWatcher.look_anew

    def look_anew(self: FolderWatcher, directories: set[str]) -> None:
        time.sleep(0.5)
        really_look(self, directories)

    monkeypatch.setattr(FolderWatcher, "look_anew", look_anew)
    put(folder / "a.png", 5)
    before_the_commit("a.png", False, lambda: put(folder / "a.png", 99))
    score_once(folder, FakeScorer())
    assert ranking(folder).keys() == {"a.png"}


@pytest.mark.parametrize("fails", [False, True], ids=["hangs", "fails"])
def test_a_reload_never_waits_for_the_committer(
    two: tuple[Path, Path], fails: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photod.open_folder.GOING_S", 0.1)
    monkeypatch.setattr("photod.daemon.DRAIN_S", 2.0)  # what waits for the commit that failed is given up
    one, other = two
    inside, may = threading.Event(), threading.Event()
    really_commit = Writer.commit

    def commit(self: Writer, judged: list[object]) -> None:
        inside.set()
        assert may.wait(PATIENCE_S)
        if fails:
            raise DatabaseError("disk full", "free some")
        really_commit(self, judged)  # type: ignore[arg-type]

    monkeypatch.setattr(Writer, "commit", commit)
    really_exchange, looks = Roster.exchange, []

    def exchange(self: Roster) -> list[str]:
        left = really_exchange(self)
        looks.append(left)
        return left

    monkeypatch.setattr(Roster, "exchange", exchange)
    config = make_config(one, other, store=Store(group=1))  # so that few photos fill what lies before it
    after = config.model_copy(update={"folders": (Folder(path=one),)})
    taken = threading.Event()

    def read_config() -> Config:
        taken.set()
        return after

    end = pytest.raises(DatabaseError) if fails else nullcontext()
    with end, running(config, FakeScorer(), read_config) as daemon:
        fill(one, 10)
        assert inside.wait(PATIENCE_S)
        wait_until(lambda: daemon._pipeline is not None and daemon._pipeline.queue()["committing"] > 0)
        daemon.reload()
        assert taken.wait(PATIENCE_S)
        wait_until(lambda: not daemon._roster._threads[str(other)].is_alive())
        before = len(looks)
        wait_until(lambda: len(looks) >= before + 2)  # the main thread goes on looking whether the folder is gone
        if not fails:
            may.set()
            wait_until(lambda: not looks[-1])
        daemon.stop()
        wait_until(daemon._observer._stopping.is_set)  # it has begun to stop
        may.set()
