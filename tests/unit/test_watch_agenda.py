"""The set of dirty directories: bounded, collapsing upward, giving each its rest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photod.watch.agenda import MARKS_MOST, Agenda


def drain(agenda: Agenda) -> list[tuple[str, bool]]:
    taken = []
    while (mark := agenda.take(1e9)) is not None:
        taken.append(mark)
    return taken


def test_marks_come_out_once_and_in_order() -> None:
    agenda = Agenda()
    for directory in ("b", "a", "b"):
        agenda.mark(directory)
    assert drain(agenda) == [("b", False), ("a", False)]


def test_what_lies_in_a_dirty_tree_needs_no_mark_of_its_own() -> None:
    agenda = Agenda()
    agenda.mark("a", subtree=True)
    agenda.mark("a/b")
    agenda.mark("a/b/c")
    agenda.mark("ab")
    assert drain(agenda) == [("a", True), ("ab", False)]


def test_many_directories_of_a_tree_become_the_tree() -> None:
    agenda = Agenda()
    for number in range(MARKS_MOST + 1):
        agenda.mark(f"tree/{number}")
    assert drain(agenda) == [("tree", True)]


def test_many_directories_beside_the_folder_itself_become_the_folder() -> None:
    agenda = Agenda()
    agenda.mark("")
    for number in range(MARKS_MOST):
        agenda.mark(f"tree/{number}")
    assert drain(agenda) == [("", True)]


def test_many_trees_become_the_folder() -> None:
    agenda = Agenda()
    for number in range(MARKS_MOST + 1):
        agenda.mark(f"{number}/a")
    assert drain(agenda) == [("", True)]


def test_of_a_folder_that_went_away_nothing_is_looked_at() -> None:
    agenda = Agenda()
    agenda.mark("a")
    agenda.clear()
    assert drain(agenda) == []
    assert agenda.next_due() is None


def test_a_directory_that_rests_is_taken_later() -> None:
    agenda = Agenda()
    agenda.rest("a", until=10.0)
    agenda.mark("a")
    agenda.mark("b")
    assert agenda.take(5.0) == ("b", False)
    assert agenda.take(5.0) is None
    assert agenda.next_due() == 10.0
    assert agenda.take(10.0) == ("a", False)


names = st.lists(st.sampled_from("abc"), max_size=4).map("/".join)


@given(st.lists(st.tuples(names, st.booleans()), max_size=3000))
def test_every_mark_is_covered_and_the_set_stays_bounded(marks: list[tuple[str, bool]]) -> None:
    agenda = Agenda()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("photod.watch.agenda.MARKS_MOST", 8)
        for directory, subtree in marks:
            agenda.mark(directory, subtree=subtree)
            assert len(agenda) <= 8
    taken = drain(agenda)
    for directory, subtree in marks:
        assert any(
            (place == directory and (whole or not subtree))
            or (whole and (not place or directory.startswith(place + "/")))
            for place, whole in taken
        )
