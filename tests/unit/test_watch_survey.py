"""What is compared of a folder, and what that is worth."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from photod.filesystem import filesystem_identity
from photod.fingerprints import fingerprint_of
from photod.photos import Compared, Fingerprint, KnownPhoto, Missing, Moved, Note, PhotoRow, Returned
from photod.watch.flight import Flight
from photod.watch.ignore import Rules
from photod.watch.listing import Comparison, Listing
from photod.watch.presence import Presence
from photod.watch.survey import Survey
from surroundings import surroundings

RULES = Rules(("private/",), lambda name: name.endswith(".jpg"))


@pytest.fixture
def notes() -> list[Note]:
    return []


@pytest.fixture
def survey(folder: Path, notes: list[Note]) -> Survey:
    return Survey(str(folder), RULES, surroundings(), notes.append, Flight())


@pytest.mark.parametrize("place", ["private", ".hidden", "link"])
def test_what_a_rule_or_a_link_keeps_out_is_not_compared_even_if_asked_for(
    folder: Path, tmp_path: Path, survey: Survey, place: str
) -> None:
    for directory in (folder / "private", folder / ".hidden", tmp_path / "outside"):
        directory.mkdir()
        (directory / "a.jpg").touch()
    (folder / "link").symlink_to(tmp_path / "outside")
    assert list(survey.compare_tree(place)) == [(place, Comparison())]
    assert survey.compare_directory(place) == (Comparison(), [])


@pytest.mark.parametrize("reached", ["z", "z/deep"])
def test_what_becomes_a_link_while_the_folder_is_compared_is_not_followed(
    folder: Path, tmp_path: Path, survey: Survey, reached: str
) -> None:
    for above in (folder / "z", tmp_path / "outside"):
        (above / "deep").mkdir(parents=True)
        (above / "a.jpg").touch()
        (above / "deep/b.jpg").touch()
    comparing = survey.compare_tree("")
    for _ in Path(reached).parents:  # those above are looked at before
        next(comparing)
    (folder / "z").rename(tmp_path / "elsewhere")
    (folder / "z").symlink_to(tmp_path / "outside")
    assert list(comparing) == [(reached, Comparison())]


@pytest.mark.parametrize("presence", Presence)
def test_only_of_a_folder_that_is_there_is_anything_noted(
    folder: Path, notes: list[Note], presence: Presence
) -> None:
    gone = KnownPhoto("a.jpg", 1, 2, 3, 4)
    around = surroundings(known=lambda _: [gone], presence=lambda: presence)
    list(Survey(str(folder), RULES, around, notes.append, Flight()).compare_tree(""))
    sure = filesystem_identity(str(folder))
    noted = [Missing(str(folder), ("a.jpg",)), Compared(str(folder), sure)]
    assert notes == (noted if presence is Presence.HERE else [])


@pytest.mark.parametrize(("identities", "confirmed"), [(("one", "one"), "one"), (("one", "two"), "")])
def test_a_comparison_during_which_a_drive_was_swapped_confirms_no_deletion(
    folder: Path,
    survey: Survey,
    notes: list[Note],
    identities: tuple[str, str],
    confirmed: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: Iterator[str] = iter(identities)
    monkeypatch.setattr("photod.watch.survey.filesystem_identity", lambda _: next(seen))
    list(survey.compare_tree(""))
    assert notes == [Compared(str(folder), confirmed)]


def test_a_comparison_that_could_not_list_a_directory_confirms_no_deletion_until_it_can(
    folder: Path, notes: list[Note], monkeypatch: pytest.MonkeyPatch
) -> None:
    around = surroundings(known_directories=lambda _: ["closed/below"])  # which is no trouble of its own
    survey = Survey(str(folder), RULES, around, notes.append, Flight())
    (folder / "closed").mkdir()
    with monkeypatch.context() as patch, capture_logs() as told:
        patch.setattr("photod.watch.survey.list_directory", list_but_the_closed_one)
        for _ in range(2):
            list(survey.compare_tree(""))
        assert survey.unlisted == {"closed": "Permission denied"}
    assert [each["path"] for each in told if each["event"] == "unlisted"] == ["closed"]
    list(survey.compare_tree(""))
    assert survey.unlisted == {}
    unsure, still_unsure, sure = notes
    assert unsure == still_unsure == Compared(str(folder), "")
    assert sure != unsure


def test_trouble_with_a_directory_that_has_gone_unheard_ends_with_the_next_scan(
    folder: Path, notes: list[Note], monkeypatch: pytest.MonkeyPatch
) -> None:
    flight = Flight()
    around = surroundings(
        known_directories=lambda _: ["closed/below"],
        known=lambda directory: [KnownPhoto(f"{directory}/a.jpg", 1, 2, 3, 4)] if directory else [],
    )
    survey = Survey(str(folder), RULES, around, notes.append, flight)
    (folder / "closed").mkdir()
    for place in ("closed/below", "vanished"):
        flight.listed(place, (), {f"{place}/b.jpg": "Input/output error"})
    with monkeypatch.context() as patch:
        patch.setattr("photod.watch.survey.list_directory", list_but_the_closed_one)
        list(survey.compare_tree(""))
    assert flight.unreadable() == [("closed/below/b.jpg", "Input/output error")]
    assert not any(isinstance(note, Missing) for note in notes)
    (folder / "closed").rmdir()
    list(survey.compare_tree(""))
    assert (survey.unlisted, flight.unreadable()) == ({}, [])
    assert Missing(str(folder), ("closed/below/a.jpg",)) in notes


def test_what_a_part_holds_says_nothing_of_the_whole(folder: Path, survey: Survey, notes: list[Note]) -> None:
    (folder / "part").mkdir()
    list(survey.compare_tree("part"))
    assert notes == []


def test_where_nobody_knows_what_is_mounted_no_deletion_is_confirmed(
    folder: Path, survey: Survey, notes: list[Note], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: str) -> dict[str, str]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("photod.watch.survey.mounts_below", refuse)
    list(survey.compare_tree(""))
    assert notes == [Compared(str(folder), "")]


def test_a_missing_photo_that_is_there_again_as_it_was_is_noted(folder: Path, notes: list[Note]) -> None:
    (folder / "a.jpg").touch()
    row = KnownPhoto("a.jpg", *fingerprint_of(os.stat(folder / "a.jpg")), missing=1)
    survey = Survey(str(folder), RULES, surroundings(known=lambda _: [row]), notes.append, Flight())
    assert survey.compare_directory("")[0].work == []
    assert notes == [Returned(str(folder), ("a.jpg",))]


def test_a_photo_that_looks_otherwise_than_is_known_needs_work_at_every_look(folder: Path) -> None:
    (folder / "a.jpg").touch()
    survey = Survey(
        str(folder), RULES, surroundings(known=lambda _: [KnownPhoto("a.jpg", 1, 2, 3, 4)]), print, Flight()
    )
    for _ in range(2):
        assert [path for path, _ in survey.compare_directory("")[0].work] == ["a.jpg"]


def test_the_database_is_asked_again_after_its_rows_were_changed(folder: Path) -> None:
    asked: list[str] = []

    def known(directory: str) -> list[PhotoRow]:
        asked.append(directory)
        return []

    survey = Survey(str(folder), RULES, surroundings(known=known), print, Flight())
    for _ in range(2):
        survey.compare_directory("")
        survey.compare_directory("")
        survey.rewritten(["", "elsewhere"])
    assert asked == ["", ""]


@pytest.mark.parametrize(
    ("inode", "old", "moved"), [(5, "gone.jpg", True), (0, "gone.jpg", False), (5, "there.jpg", False)]
)
def test_a_photo_has_moved_where_inode_numbers_last_and_its_old_name_is_gone(
    folder: Path, notes: list[Note], monkeypatch: pytest.MonkeyPatch, inode: int, old: str, moved: bool
) -> None:
    (folder / "there.jpg").touch()
    seen = Fingerprint(1, 2, 3, inode)
    listing = Listing(photos={KnownPhoto("here.jpg", *seen)})
    monkeypatch.setattr("photod.watch.survey.list_directory", lambda *_: listing)
    survey = Survey(str(folder), RULES, surroundings(paths_of=lambda _: [old]), notes.append, Flight())
    work = survey.compare_directory("")[0].work
    assert (work, notes) == (
        ([], [Moved(str(folder), ((old, "here.jpg", seen),))]) if moved else ([("here.jpg", seen)], [])
    )


def test_a_photo_that_came_and_went_between_two_looks_that_are_alike_is_missing(
    folder: Path, notes: list[Note]
) -> None:
    rows: list[PhotoRow] = []

    def learn(name: str) -> None:
        rows.append(KnownPhoto(name, *fingerprint_of(os.stat(folder / name))))

    survey = Survey(str(folder), RULES, surroundings(known=lambda _: rows), notes.append, Flight())
    (folder / "a.jpg").touch()
    learn("a.jpg")
    survey.compare_directory("")
    (folder / "b.jpg").touch()
    survey.compare_directory("")
    learn("b.jpg")
    (folder / "b.jpg").unlink()
    survey.compare_directory("")
    assert notes == [Missing(str(folder), ("b.jpg",))]


def test_what_was_just_read_of_a_database_that_is_replaced_counts_no_more(folder: Path, notes: list[Note]) -> None:
    asked = []

    def known(directory: str) -> list[PhotoRow]:
        asked.append(directory)
        if len(asked) == 1:
            asking.forget_agreed()
        return []

    asking = Survey(str(folder), RULES, surroundings(known=known), notes.append, Flight())
    for _ in range(3):
        asking.compare_directory("")
    assert len(asked) == 2, "the first answer was the old database's, the second one holds"


def test_of_a_directory_that_is_gone_nothing_is_kept(folder: Path, survey: Survey) -> None:
    """Programs make and remove directories of ever new names."""
    (folder / "draft").mkdir()
    survey.compare_directory("draft")
    (folder / "draft").rmdir()
    survey.compare_directory("draft")
    assert survey._agreed == {}


@pytest.mark.parametrize("tree", ["gone", "private"])
def test_of_a_tree_that_no_walk_comes_to_any_more_no_trouble_is_shown(
    folder: Path, notes: list[Note], tree: str
) -> None:
    flight = Flight()
    survey = Survey(str(folder), RULES, surroundings(), notes.append, flight)
    for place in (tree, f"{tree}/below", f"{tree} not"):
        survey.unlisted |= {f"{place}/closed": "Permission denied"}
        flight.listed(place, (), {f"{place}/a.jpg": "Input/output error"})
    survey.compare_directory(tree)
    assert survey.unlisted == {f"{tree} not/closed": "Permission denied"}
    assert flight.unreadable() == [(f"{tree} not/a.jpg", "Input/output error")]


def list_but_the_closed_one(_: int, __: str, directory: str, ___: Rules) -> Listing:
    if directory:
        raise PermissionError(13, "Permission denied")
    return Listing(directories=["closed"])
