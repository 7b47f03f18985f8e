"""Whom the observer connects, whom it tells of its doubts, and how it proves that it lives."""

from collections.abc import Iterator

import pytest

from photod.threads import Crew
from photod.watch import observer
from photod.watch.inotify import DirectoryWatches
from photod.watch.observer import Observer


class Watcher:
    """A folder's watcher, as the observer sees it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.watches: DirectoryWatches | None = None
        self.doubts: list[str] = []

    def watch_with(self, watches: DirectoryWatches | None) -> None:
        self.watches = watches

    def noticed(self, path: str) -> None: ...

    def noticed_directory(self, path: str, *, came_or_went: bool) -> None: ...

    def doubt(self, reason: str) -> None:
        self.doubts.append(reason)


@pytest.fixture
def early() -> Watcher:
    return Watcher("/early")


@pytest.fixture
def observing(early: Watcher) -> Iterator[Observer]:
    observing = Observer(Crew(lambda: None))
    observing.add(early)
    observing.start()
    yield observing
    observing.stop()


def test_a_folder_is_watched_whether_it_comes_before_the_start_or_after(
    observing: Observer, early: Watcher
) -> None:
    late = Watcher("/late")
    observing.add(late)
    assert early.watches is not None
    assert late.watches is not None


def test_a_folder_that_was_let_go_of_hears_of_no_doubt(
    observing: Observer, early: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = Watcher("/gone")
    observing.add(gone)
    observing.remove(gone)
    monkeypatch.setattr(observer, "_suspended_s", lambda: 1e9)
    observing.check()
    assert (early.doubts, gone.doubts) == (["the machine was suspended"], [])


def test_each_look_is_a_proof_of_life(observing: Observer) -> None:
    assert observing.silent_s() < 60
    observing._checked_at -= 100
    assert observing.silent_s() >= 100
    observing.check()
    assert observing.silent_s() < 60
