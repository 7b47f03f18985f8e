"""A folder's watcher by itself, with all around it made up."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from photod.config import Watch
from photod.photos import Appeared, Compared, Departed, Note, Retry
from photod.watch import folder as folder_module
from photod.watch.folder import FolderWatcher
from photod.watch.ignore import Rules
from photod.watch.presence import Presence
from surroundings import surroundings
from waiting import wait_until


@dataclass
class World:
    """An empty folder, whether it is there, and what was told to whoever writes databases."""

    place: Path
    presence: Presence = Presence.HERE
    looks: int = 0
    lookers: set[tuple[int, int | None]] = field(default_factory=set)  # the thread that looked, and the one at work
    notes: list[Note] = field(default_factory=list)
    takes_notes: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.takes_notes.set()
        around = surroundings(write_down=self._note, presence=self._look)
        self.watcher = FolderWatcher(str(self.place), Rules((), lambda _: False), around, Watch())
        self.watcher.watch_with(None)

    def _look(self) -> Presence:
        self.looks += 1
        at_work = self.watcher.at_work()
        self.lookers.add((threading.get_native_id(), at_work and at_work[0]))
        return self.presence

    def _note(self, note: Note) -> None:
        self.notes.append(note)
        self.takes_notes.wait(30)
        if not isinstance(note, Appeared | Departed):
            self.watcher.noted(note)

    def appeared(self) -> int:
        """How often somebody was asked to open the database."""
        return sum(isinstance(note, Appeared) for note in self.notes)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_module, "CHECK_S", 0.05)


@pytest.fixture
def world(folder: Path) -> Iterator[World]:
    world = World(folder)
    thread = threading.Thread(target=world.watcher.run)
    thread.start()
    yield world
    world.takes_notes.set()
    world.watcher.stop()
    thread.join(30)
    assert not thread.is_alive()


def test_a_folder_that_comes_back_while_the_committer_is_behind_is_not_stuck(world: World) -> None:
    world.presence = Presence.UNOPENED
    world.takes_notes.clear()
    world.watcher.request_scan()
    wait_until(lambda: world.appeared() == 1)
    assert world.watcher.at_work() is None


def test_a_folder_that_is_at_work_says_which_thread_of_it(world: World) -> None:
    """So that the watchdog can tell whether it is stuck."""
    world.watcher.request_scan()
    wait_until(lambda: bool(world.notes) and world.watcher.idle())
    ((looker, at_work),) = world.lookers
    assert looker == at_work
    wait_until(lambda: world.watcher.at_work() is None)


def test_a_folder_is_not_done_before_a_retry_is_written_down(world: World) -> None:
    world.watcher.request_scan()
    wait_until(lambda: bool(world.notes) and world.watcher.idle())
    world.takes_notes.clear()
    asking = threading.Thread(target=world.watcher.retry, args=("below",))
    asking.start()
    wait_until(lambda: world.notes[-1] == Retry(str(world.place), "below"))
    assert not world.watcher.idle()
    world.takes_notes.set()
    wait_until(world.watcher.idle)
    asking.join(30)


def test_a_folder_that_is_away_has_nothing_to_do_but_to_be_let_go_of(world: World) -> None:
    world.presence = Presence.ABSENT
    for _ in range(2):
        world.watcher.request_scan()
        wait_until(world.watcher.idle)
        wait_until(lambda: world.watcher.state() == "absent")
    assert world.notes == [Departed(str(world.place))]


def test_no_scan_is_announced_of_a_folder_that_is_away(world: World) -> None:
    """The kernel tells of the unmounting only when the last file on the drive is closed, which is after that."""
    world.presence = Presence.ABSENT
    world.watcher.request_scan()
    wait_until(lambda: world.watcher.state() == "absent")
    with capture_logs() as told:
        world.watcher.doubt("the folder itself was moved, deleted or unmounted")
        wait_until(world.watcher.idle)
    assert told == []


def test_only_a_folder_that_is_not_there_is_called_absent(world: World) -> None:
    """And not one that a reload has taken in, or whose database is another one."""
    with capture_logs() as told:
        world.presence = Presence.UNOPENED
        world.watcher.request_scan()
        wait_until(lambda: world.appeared() == 1)
        assert [each for each in told if each["log_level"] == "warning"] == []
        world.presence = Presence.ABSENT
        world.watcher.wake()
        wait_until(lambda: Departed(str(world.place)) in world.notes)
        world.presence = Presence.HERE
        world.watcher.request_scan()
        wait_until(world.watcher.idle)
    assert [each["event"] for each in told if each["log_level"] != "debug"] == ["folder_absent", "folder_back"]
    assert world.notes[:2] == [Appeared(str(world.place)), Departed(str(world.place))]


def test_the_database_of_a_folder_that_does_not_answer_is_left_open_until_it_is_away(world: World) -> None:
    """To close it would wait for the same drive."""
    with capture_logs() as told:
        for world.presence in (Presence.SILENT, Presence.ABSENT, Presence.SILENT, Presence.HERE):
            notes = list(world.notes)
            world.watcher.request_scan()
            wait_until(lambda: world.watcher._presence is world.presence)
            wait_until(world.watcher.idle)
            if world.presence is Presence.SILENT:
                assert (world.watcher.state(), world.notes) == ("absent", notes)
    events = [each["event"] for each in told if each["log_level"] != "debug"]
    assert events == ["folder_silent", "folder_absent", "folder_silent", "folder_back"]
    assert [type(note) for note in world.notes] == [Departed, Compared]


def test_a_folder_that_goes_away_after_it_was_released_does_so_as_asked(world: World) -> None:
    with capture_logs() as told:
        for world.presence in (Presence.RELEASED, Presence.ABSENT, Presence.HERE):
            world.watcher.request_scan()
            wait_until(lambda: world.watcher._presence is world.presence)
            wait_until(world.watcher.idle)
    assert [each["event"] for each in told if each["log_level"] != "debug"] == ["folder_back"]
    assert [type(note) for note in world.notes] == [Departed, Compared]


def test_a_folder_that_is_released_is_looked_for_more_often(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without events of the folder, an unmounting that lasts seconds is seen by a look alone."""
    monkeypatch.setattr(folder_module, "RELEASED_S", 0.02)
    world.presence = Presence.RELEASED
    world.watcher.look_whether_here()
    wait_until(lambda: world.looks >= 5, folder_module.CHECK_S / 2)


@pytest.mark.parametrize("before", [Presence.HERE, Presence.ABSENT])
def test_a_folder_whose_database_is_not_open_yet_is_not_done_before_it_was_compared(
    world: World, before: Presence
) -> None:
    world.presence = before
    world.watcher.request_scan()
    wait_until(world.watcher.idle)
    world.notes.clear()
    world.presence = Presence.UNOPENED
    world.watcher.request_scan("below")
    for _ in range(5):
        looks = world.looks
        world.watcher.wake()
        wait_until(lambda looks=looks: world.looks > looks)  # type: ignore[misc]
        assert not world.watcher.idle()
    assert world.appeared() == 1  # asked once, however often it looks
    world.presence = Presence.HERE
    world.watcher.wake()
    wait_until(world.watcher.idle)
    assert any(isinstance(note, Compared) for note in world.notes)


@pytest.mark.usefixtures("hurried")
def test_who_did_not_open_the_database_is_asked_again(world: World) -> None:
    world.presence = Presence.UNOPENED
    world.watcher.request_scan()
    wait_until(lambda: world.appeared() >= 3)


@pytest.mark.usefixtures("hurried")
def test_a_folder_that_is_there_is_looked_for_and_not_compared_each_time(world: World) -> None:
    world.watcher.request_scan()
    wait_until(lambda: bool(world.notes) and world.watcher.idle())
    looks = world.looks
    wait_until(lambda: world.looks >= looks + 5)
    assert [type(note) for note in world.notes] == [Compared]
