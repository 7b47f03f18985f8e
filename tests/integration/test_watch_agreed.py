"""Directories that are just as the database says: it is not asked about them again, and yet nothing is missed."""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fake_scorer import FakeScorer
from photod.config import Config
from photod.store.queries import Reader
from photod.store.writer import Writer
from photod.watch.listing import Comparison
from photod.watch.survey import Survey
from waiting import PATIENCE_S, wait_until
from watching import ask, fill, folder_status, put, quiet, watched


@contextmanager
def agreed(folder: Path, scorer: FakeScorer | None = None) -> Iterator[Config]:
    """A daemon that has found every directory of the folder as its database says."""
    with watched(folder, scorer) as config:
        look_again(config, folder)
        yield config


def look_again(config: Config, folder: Path) -> int:
    """Have the whole folder compared; returns how many photos had not changed."""
    unchanged = ask(config, "rate", folder=str(folder))["progress"]["unchanged"]
    quiet(config)
    return int(unchanged)


def test_the_database_is_asked_about_a_directory_only_after_something_changed_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(folder / "a", 5)
    fill(folder / "b", 5, first=5)
    asked: list[str] = []
    known = Reader.known

    def heard(self: Reader, directory: str) -> object:
        asked.append(directory)
        return known(self, directory)

    with agreed(folder) as config:
        monkeypatch.setattr(Reader, "known", heard)
        assert look_again(config, folder) == 10
        assert asked == []
        put(folder / "a/00002.png", 200)
        wait_until(lambda: "a" in asked)
        quiet(config)
        assert look_again(config, folder) == 10
        assert set(asked) == {"a"}


def test_every_change_of_a_fingerprint_is_seen(folder: Path) -> None:
    fill(folder, 4)
    before = (folder / "00000.png").stat()
    with agreed(folder, scorer := FakeScorer()) as config:
        put(folder / "00000.png", 251)
        os.utime(folder / "00000.png", ns=(before.st_atime_ns, before.st_mtime_ns))
        (folder / "00001.png").unlink()
        (folder / "00002.png").rename(folder / "renamed.png")
        look_again(config, folder)
        wait_until(lambda: scorer.photos == 5)


def test_unscoreable_photos_are_tried_again_when_asked(folder: Path, reads: list[str]) -> None:
    (folder / "broken.png").write_bytes(b"no picture")
    with agreed(folder) as config:
        assert reads == ["broken.png"]
        assert ask(config, "rate", folder=str(folder), retry=True)["progress"]["unscoreable"] == 1
        assert (len(reads), folder_status(config)["unscoreable"]) == (2, 1)


@pytest.mark.usefixtures("hurried")
def test_a_database_that_was_deleted_is_filled_again(folder: Path) -> None:
    fill(folder / "a", 5)
    with agreed(folder):
        shutil.rmtree(folder / ".photod")


@contextmanager
def written_late(folder: Path) -> Iterator[tuple[threading.Event, list[str]]]:
    """Within, neither an absence nor a move is written down, as while photos are under way.

    Yields an event, that one is about to be, and the directories that were looked at and are there.
    """
    begun, go_on = threading.Event(), threading.Event()
    looked: list[str] = []
    look = Survey.compare_directory

    def late(write: Callable[[Writer, Any], None]) -> Callable[[Writer, Any], None]:
        def write_late(self: Writer, what: object) -> None:
            begun.set()
            go_on.wait(PATIENCE_S)
            write(self, what)

        return write_late

    def heard(self: Survey, directory: str) -> tuple[Comparison, list[str]]:
        found = look(self, directory)
        if (folder / directory).is_dir():
            looked.append(directory)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Writer, "mark_missing", late(Writer.mark_missing))
        patch.setattr(Writer, "move", late(Writer.move))
        patch.setattr(Survey, "compare_directory", heard)
        yield begun, looked
        go_on.set()


def test_a_directory_that_is_back_before_its_absence_is_written_down_keeps_its_photos(folder: Path) -> None:
    fill(folder / "dir", 5)
    with agreed(folder) as config:
        with written_late(folder) as (begun, looked):
            (folder / "dir").rename(folder / "../outside")
            wait_until(begun.is_set)
            (folder / "../outside").rename(folder / "dir")
            wait_until(lambda: "dir" in looked)
        quiet(config)


def test_a_directory_that_is_back_before_its_new_name_is_written_down_keeps_its_photos(folder: Path) -> None:
    fill(folder / "dir", 5)
    with agreed(folder) as config:
        with written_late(folder) as (_, looked):
            (folder / "dir").rename(folder / "dir2")
            wait_until(lambda: "dir2" in looked)
            (folder / "dir2").rename(folder / "dir")
            wait_until(lambda: "dir" in looked)
        quiet(config)
