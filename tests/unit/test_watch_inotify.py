"""The watches of a folder: which directory each belongs to, whatever moves."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from watchdog.observers.inotify_c import InotifyFD

from photod.config import Folder
from photod.photos import Note
from photod.watch.flight import Flight
from photod.watch.ignore import Rules
from photod.watch.inotify import DirectoryWatches
from photod.watch.survey import Survey
from surroundings import surroundings
from waiting import wait_until
from watching import put


class Ear:
    """Notes what it hears."""

    def __init__(self) -> None:
        self.files: list[str] = []
        self.directories: list[str] = []
        self.doubts: list[str] = []

    def noticed(self, path: str) -> None:
        self.files.append(path)

    def noticed_directory(self, path: str, *, came_or_went: bool) -> None:
        self.directories.append(path)

    def doubt(self, reason: str) -> None:
        self.doubts.append(reason)


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def watches(folder: Path, ear: Ear) -> Iterator[DirectoryWatches]:
    instance = InotifyFD()
    instance.start()
    yield DirectoryWatches(instance, str(folder), ear)
    instance.stop()
    instance.join()


def test_a_moved_directory_is_heard_under_its_new_name_once_it_is_watched_there(
    folder: Path, watches: DirectoryWatches, ear: Ear
) -> None:
    (folder / "old").mkdir()
    for directory in ("", "old"):
        watches.watch(directory)
    (folder / "old").rename(folder / "new")
    watches.watch("new")
    watches.forget("old")
    put(folder / "new/a.png")
    wait_until(lambda: "new/a.png" in ear.files)
    assert "old/a.png" not in ear.files
    assert len(watches) == 2


def test_a_directory_moved_there_and_back_keeps_its_name(folder: Path, watches: DirectoryWatches, ear: Ear) -> None:
    (folder / "a").mkdir()
    watches.watch("a")
    (folder / "a").rename(folder / "b")
    watches.watch("b")
    (folder / "b").rename(folder / "a")
    watches.watch("a")
    watches.forget("b")
    put(folder / "a/x.png")
    wait_until(lambda: bool(ear.files))
    assert set(ear.files) == {"a/x.png"}


def test_a_directory_replaced_by_another_is_watched_anew(folder: Path, watches: DirectoryWatches, ear: Ear) -> None:
    (folder / "a").mkdir()
    watches.watch("a")
    (folder / "a").rename(folder / "aside")
    (folder / "a").mkdir()
    watches.watch("a")
    put(folder / "a/x.png")
    wait_until(lambda: bool(ear.files))
    assert set(ear.files) == {"a/x.png"}


def test_the_folder_itself_moving_is_a_doubt(folder: Path, watches: DirectoryWatches, ear: Ear) -> None:
    watches.watch("")
    assert not watches.root_is_another()
    folder.rename(folder.parent / "moved")
    wait_until(lambda: bool(ear.doubts))
    assert watches.root_is_another()


def test_a_drive_that_takes_its_time_holds_up_no_events(
    folder: Path, watches: DirectoryWatches, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[bool] = []

    def wait_for_an_event(_: str) -> bool:
        put(folder / "x.png")
        wait_until(lambda: bool(ear.files))
        heard.append(True)
        return True

    (folder / "drive").mkdir()
    watches.watch("")
    monkeypatch.setattr("photod.watch.inotify.is_remote", wait_for_an_event)
    watches.watch("drive")
    assert heard == [True]
    assert watches.watched_by() == "partly"
    watches.forget("drive")
    assert watches.watched_by() == "inotify"


def test_a_directory_in_the_place_of_a_network_drive_is_polled_no_more(
    folder: Path, watches: DirectoryWatches, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a").mkdir()
    with monkeypatch.context() as patch:
        patch.setattr("photod.watch.inotify.is_remote", lambda _: True)
        watches.watch("a")
    assert watches.watched_by() == "polling"
    (folder / "a").rename(folder / "aside")
    (folder / "a").mkdir()
    watches.watch("a")
    assert watches.watched_by() == "inotify"


def test_a_directory_that_is_closed_just_when_it_is_to_be_watched_is_watched_later(
    folder: Path, watches: DirectoryWatches, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a").mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(watches._instance, "add_callback", lambda *_: -1)  # so watchdog answers EACCES
        watches.watch("a")
    watches.watch("a")
    put(folder / "a/x.png")
    wait_until(lambda: "a/x.png" in ear.files)


def test_the_lack_of_watches_is_told_beside_a_network_drive(
    folder: Path, watches: DirectoryWatches, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("photod.watch.inotify.is_remote", lambda place: place.endswith("drive"))
    for name in ("drive", "a", "b"):
        (folder / name).mkdir()
    watches.watch("drive")
    monkeypatch.setattr(watches._instance, "add_callback", refuse)
    watches.watch("a")
    watches.watch("b")
    assert capsys.readouterr().out.count("not_all_watched") == 1
    assert watches.watched_by() == "polling"


def test_what_could_not_be_watched_is_polled_until_it_is_watched_or_gone(
    folder: Path, watches: DirectoryWatches, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(watches._instance, "add_callback", refuse)
        for name in "abc":
            (folder / name).mkdir()
            watches.watch(name)
    assert watches.watched_by() == "polling"
    watches.forget("c")
    watches.watch("a")
    assert watches.watched_by() == "partly"
    watches.keep_only(lambda directory: directory == "a")
    assert watches.watched_by() == "inotify"


def refuse(*_: object) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_watching_again_costs_nothing(
    folder: Path, watches: DirectoryWatches, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a").mkdir()
    watches.watch("a")
    monkeypatch.setattr(watches._instance, "add_callback", refuse)
    watches.watch("a")
    assert (len(watches), watches.watched_by()) == (1, "inotify")


def kernel_watches() -> int:
    """How many directories the kernel watches for this process."""
    lines = [line for info in Path("/proc/self/fdinfo").iterdir() for line in read(info).splitlines()]
    return sum(line.startswith("inotify wd") for line in lines)


def read(info: Path) -> str:
    try:
        return info.read_text()
    except FileNotFoundError:  # its descriptor was closed meanwhile
        return ""


def test_a_directory_that_is_let_go_of_costs_the_kernel_no_watch(folder: Path, watches: DirectoryWatches) -> None:
    before = kernel_watches()
    for name in "abc":
        (folder / name).mkdir()
        watches.watch(name)
    assert kernel_watches() == before + 3
    watches.forget("a")
    watches.keep_only(lambda directory: directory == "c")
    wait_until(lambda: kernel_watches() == before + 1)
    assert len(watches) == 1


def test_a_network_drive_that_is_gone_is_polled_no_more(
    folder: Path, watches: DirectoryWatches, monkeypatch: pytest.MonkeyPatch
) -> None:
    watches.watch("")
    (folder / "drive").mkdir()
    monkeypatch.setattr("photod.watch.inotify.is_remote", lambda _: True)
    watches.watch("drive")
    watches.keep_only(lambda directory: not directory)
    assert watches.watched_by() == "inotify"


def test_a_directory_below_that_goes_is_no_doubt_and_is_watched_anew_when_it_is_made_again(
    folder: Path, watches: DirectoryWatches, ear: Ear
) -> None:
    (folder / "a").mkdir()
    for directory in ("", "a"):
        watches.watch(directory)
    (folder / "a").rmdir()
    wait_until(lambda: len(watches) == 1)
    folder.chmod(0o700)
    (folder / "a").mkdir()
    watches.watch("a")
    put(folder / "a/x.png")
    wait_until(lambda: "a/x.png" in ear.files)
    assert ear.doubts == []
    assert set(ear.directories) == {"a"}


def test_a_closed_instance_whose_number_is_another_files_is_no_lack_of_watches(folder: Path, ear: Ear) -> None:
    """As when photod stops while a folder is compared, and opens something."""
    instance = InotifyFD()
    instance.close()
    with (folder / "other file").open("wb") as other:
        instance._inotify_fd = other.fileno()
        watches = DirectoryWatches(instance, str(folder), ear)
        watches.watch("")
    assert watches.watched_by() == "inotify"


def survey_of(folder: Path, notes: list[Note]) -> Survey:
    settings = Folder(path=folder)
    rules = Rules(settings.exclude, lambda name: name.endswith(".png"))
    return Survey(str(folder), rules, surroundings(), notes.append, Flight())


def test_a_directory_made_while_a_scan_goes_on_stays_watched(
    folder: Path, watches: DirectoryWatches, ear: Ear
) -> None:
    (folder / "a").mkdir()
    survey = survey_of(folder, [])
    survey.watches = watches
    scan = survey.compare_tree("")
    next(scan)
    (folder / "new").mkdir()
    survey.compare_directory("new")
    for _ in scan:
        pass
    put(folder / "new/a.png")
    wait_until(lambda: "new/a.png" in ear.files)


def test_a_link_to_a_directory_takes_no_watch_from_it(folder: Path, watches: DirectoryWatches, ear: Ear) -> None:
    (folder / "b/deep").mkdir(parents=True)
    (folder / "a").symlink_to("b")
    survey = survey_of(folder, [])
    survey.watches = watches
    for directory in ("", "b", "b/deep", "a", "a/deep"):
        survey.compare_directory(directory)
    assert len(watches) == 3
    put(folder / "b/deep/a.png")
    wait_until(lambda: ear.files == ["b/deep/a.png"] * len(ear.files) != [])
