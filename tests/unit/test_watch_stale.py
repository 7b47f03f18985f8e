"""Walks over what an earlier model scored: all of it comes, once, and a part comes with the whole."""

from dataclasses import dataclass, field

import pytest

from photod.photos import Fingerprint, StalePage
from photod.watch.stale import Place, Stale

SOME = Fingerprint(1, 2, 3, 4)


@dataclass
class Database:
    """Hands out the photos of a tree one by one, as often as it is asked: nothing is scored here."""

    photos: dict[str, list[str]] = field(default_factory=dict)

    def count(self, below: str) -> int:
        return len(self.photos[below])

    def page(self, below: str, place: Place | None) -> StalePage:
        at = place[0] if place else 0
        following = (at + 1, 0) if at + 1 < self.count(below) else None
        return StalePage(((self.photos[below][at], SOME),), following)


@pytest.fixture
def stale() -> Stale:
    database = Database({"": ["a", "b/1", "b/2"], "b": ["b/1", "b/2"], "c": [], "d": ["d/1"]})
    return Stale(database.count, database.page)


def walk(stale: Stale, most: int = 20) -> list[tuple[str, int]]:
    """The photos that come, and how many are left after each."""
    taken = []
    while stale.goes_on and most:
        taken += [(path, len(stale)) for path, _ in stale.take()]
        most -= 1
    return taken


def test_each_photo_comes_once_and_is_counted_until_then(stale: Stale) -> None:
    stale.begin("")
    assert len(stale) == 3
    assert walk(stale) == [("a", 2), ("b/1", 1), ("b/2", 0)]
    assert stale.take() == ()


def test_of_more_than_were_counted_some_are_left_until_the_last() -> None:
    """Others became stale since: a folder with none left would be called done."""
    stale = Stale(lambda _: 1, Database({"": ["a", "b", "c"]}).page)
    stale.begin("")
    assert walk(stale) == [("a", 1), ("b", 1), ("c", 0)]


def test_a_part_in_which_nothing_is_stale_is_no_walk(stale: Stale) -> None:
    stale.begin("c")
    assert not stale.goes_on
    assert len(stale) == 0


@pytest.mark.parametrize("trees", [("", "b"), ("b", "")])
def test_a_part_is_walked_with_the_whole(stale: Stale, trees: tuple[str, str]) -> None:
    for tree in trees:
        stale.begin(tree)
    assert len(stale) == 3
    assert [path for path, _ in walk(stale)] == ["a", "b/1", "b/2"]


def test_another_part_is_walked_after_the_one_that_goes_on(stale: Stale) -> None:
    stale.begin("b")
    stale.begin("d")
    assert [path for path, _ in walk(stale)] == ["b/1", "b/2", "d/1"]


def test_a_walk_over_the_whole_that_is_asked_for_again_begins_with_the_newest(stale: Stale) -> None:
    stale.begin("")
    stale.take()
    stale.begin("")
    assert len(stale) == 3
    assert [path for path, _ in walk(stale)] == ["a", "b/1", "b/2"]


def test_what_may_have_been_passed_is_walked_over_once_more(stale: Stale) -> None:
    stale.begin("b")
    stale.look_again()
    assert [path for path, _ in walk(stale)] == ["b/1", "b/2", "a", "b/1", "b/2"]


def test_of_a_folder_that_went_away_nothing_is_walked_over(stale: Stale) -> None:
    stale.begin("")
    stale.look_again()
    stale.clear()
    assert (len(stale), stale.goes_on, stale.take()) == (0, False, ())
