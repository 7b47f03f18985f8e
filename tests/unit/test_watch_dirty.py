"""What is looked at after something happened: a directory, or all below it."""

import time
from pathlib import Path

import pytest

from photod.photos import KnownPhoto, Missing, Note
from photod.watch.agenda import Agenda
from photod.watch.dirty import REST_S, DirtyWalk
from photod.watch.flight import Flight
from photod.watch.ignore import Rules
from photod.watch.survey import Survey
from surroundings import surroundings


class Walk:
    """Over a folder with photos in "a" and "a/b". The database knows these, and photos in "gone" and "gone/b"."""

    def __init__(self, folder: Path) -> None:
        (folder / "a/b").mkdir(parents=True)
        for place in ("a", "a/b"):
            (folder / place / "new.jpg").touch()
        self.notes: list[Note] = []
        self.considered: list[str] = []
        self.agenda = Agenda()
        around = surroundings(
            known=lambda directory: [KnownPhoto(f"{directory}/old.jpg", 1, 2, 3, 4)] if "gone" in directory else [],
            known_directories=lambda below: [below, f"{below}/b"] if below else [],
        )
        rules = Rules((), lambda name: name.endswith(".jpg"))
        self.survey = Survey(str(folder), rules, around, self.notes.append, Flight())
        self.dirty = DirtyWalk(
            self.agenda, self.survey, around.known_directories, lambda path, _: self.considered.append(path)
        )

    def on(self) -> None:
        while self.dirty.step():
            pass


@pytest.fixture
def walk(folder: Path) -> Walk:
    return Walk(folder)


def test_a_directory_is_looked_at_by_itself_and_a_tree_whole(walk: Walk) -> None:
    walk.agenda.mark("a")
    walk.on()
    assert walk.considered == ["a/new.jpg"]
    walk.agenda.mark("", subtree=True)
    walk.on()
    assert walk.considered == ["a/new.jpg", "a/new.jpg", "a/b/new.jpg"]


def test_a_directory_that_could_not_be_listed_before_is_looked_at_whole(walk: Walk) -> None:
    walk.survey.unlisted = {"a": "Permission denied"}
    walk.agenda.mark("a")
    walk.on()
    assert walk.considered == ["a/new.jpg", "a/b/new.jpg"]


def test_what_went_while_nobody_could_list_the_directory_above_is_missing(walk: Walk, folder: Path) -> None:
    (folder / "gone").mkdir()
    walk.survey.unlisted = dict.fromkeys(("gone", "gone/c"), "Permission denied")
    walk.agenda.mark("gone")
    walk.on()
    paths = {path for note in walk.notes if isinstance(note, Missing) for path in note.paths}
    assert {"gone/old.jpg", "gone/b/old.jpg", "gone/c/old.jpg"} <= paths
    assert walk.survey.unlisted == {}


def test_of_a_tree_that_went_away_each_photo_is_missing(walk: Walk) -> None:
    walk.agenda.mark("gone", subtree=True)
    walk.on()
    paths = [path for note in walk.notes if isinstance(note, Missing) for path in note.paths]
    assert sorted(paths) == ["gone/b/old.jpg", "gone/old.jpg"]


def test_of_a_tree_that_came_back_what_is_new_below_a_known_directory_is_looked_at(
    walk: Walk, folder: Path
) -> None:
    (folder / "a/b/c").mkdir()
    (folder / "a/b/c/new.jpg").touch()
    walk.agenda.mark("a", subtree=True)
    walk.on()
    assert walk.considered == ["a/new.jpg", "a/b/new.jpg", "a/b/c/new.jpg"]


def test_a_directory_that_was_just_looked_at_rests(walk: Walk) -> None:
    began = time.monotonic()
    walk.agenda.mark("a")
    assert walk.dirty.step()
    walk.agenda.mark("a")
    due = walk.agenda.next_due()
    assert due is not None
    assert due >= began + REST_S


def test_of_a_folder_that_went_away_nothing_more_is_looked_at(walk: Walk) -> None:
    walk.agenda.mark("a", subtree=True)
    assert walk.dirty.step()
    walk.dirty.clear()
    assert not walk.dirty.step()
    assert walk.considered == ["a/new.jpg"]
