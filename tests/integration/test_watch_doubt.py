"""Events that are lost, late, or come no more: each doubt is noticed, and ends in a scan."""

import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from watchdog.observers.inotify_c import InotifyFD

from machine import need
from photod.filesystem import TMPFS
from photod.threads import Crew
from photod.watch import canary, observer
from photod.watch import folder as folder_module
from photod.watch.inotify import DirectoryWatches
from photod.watch.observer import Observer
from processes import cpu_s
from waiting import wait_until
from watching import FakeDaemon, agrees, disagreement, fill, folder_status, photo_bytes, put, quiet, watched


def test_every_doubt_is_noticed_within_half_a_minute() -> None:
    """The tests below hurry these figures up."""
    assert observer.CHECK_S + canary.ANSWER_S <= 30
    assert folder_module.CHECK_S <= 30


@pytest.mark.parametrize("files", [9000, pytest.param(20_000, marks=pytest.mark.slow)])
def test_files_made_while_the_daemon_was_stopped_are_scored_though_events_overflowed(
    folder: Path, files: int
) -> None:
    """Scenario 2: SIGSTOP, many files, SIGCONT; at most two full scans, and then no more work."""
    for number in range(500):
        fill(folder / f"{number // 50}/{number}", 1, number)
    with FakeDaemon(folder) as daemon:
        scans = len(daemon.logged("compared"))
        daemon.process.send_signal(signal.SIGSTOP)
        for number in range(files // 100):
            fill(folder / f"{number // 50}/{number}", 100, 1000)
        daemon.process.send_signal(signal.SIGCONT)
        agrees(folder, 240)
        quiet(daemon.config)
        assert daemon.logged("scan_on_doubt")[0]["reason"] == "more events than the kernel's queue holds"
        assert len(daemon.logged("compared")) - scans <= 2
        before = cpu_s(daemon.process.pid)
        time.sleep(2)
        assert cpu_s(daemon.process.pid) - before < 0.1
    assert disagreement(folder) == ""


@pytest.mark.usefixtures("hurried")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_killed_reader_thread_is_replaced(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Scenario 6."""
    fill(folder / "a", 3)
    with watched(folder):
        with monkeypatch.context() as patch:
            patch.setattr(DirectoryWatches, "on_event", _raise_key_error)
            put(folder / "a/lost.png")
            agrees(folder)
        put(folder / "a/seen.png", 7)
        agrees(folder)
    assert "the thread that reads events died" in capsys.readouterr().out


@pytest.mark.usefixtures("hurried")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_reader_thread_that_dies_of_the_canary_itself_is_not_taken_for_a_deaf_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is alive when it is doubted, and dead when the answer is due."""
    with watched(folder), monkeypatch.context() as patch:
        patch.setattr(canary.Canary, "on_event", _raise_key_error)
        wait_until(lambda: "the thread that reads events died" in capsys.readouterr().out)


def _raise_key_error(*_: object) -> None:
    raise KeyError(b"as watchdog's own bookkeeping does")


@pytest.mark.usefixtures("hurried")
def test_a_deaf_reader_is_found_out_by_the_canary(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hearing = threading.Event()
    fill(folder / "a", 3)
    with watched(folder):
        with monkeypatch.context() as patch:
            patch.setattr(DirectoryWatches, "on_event", lambda *_: hearing.wait())
            put(folder / "a/lost.png")
            agrees(folder)
        put(folder / "a/seen.png", 7)
        agrees(folder)
        hearing.set()
    assert capsys.readouterr().out.count("observer_rebuilt") == 1


def test_an_observer_that_cannot_be_rebuilt_says_so_until_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else took the last inotify instance."""
    watched = Doubting()
    observing = Observer(Crew(lambda: None))
    observing.add(watched)
    observing.start()
    with capture_logs() as told:
        for _ in range(2):
            instance = observing._instance
            assert instance is not None
            instance.stop()
            instance.join()
            with monkeypatch.context() as patch:
                patch.setattr(InotifyFD, "__init__", _refuse)
                observing.check()
                observing.check()
            assert told[-1]["event"] == "nothing_watched"
            observing.check()
    observing.stop()
    observing.check()
    assert observing._instance is None, "who was just looking begins nothing anew"
    assert [record["event"] for record in told] == ["nothing_watched", "observer_rebuilt"] * 2
    assert watched.doubts == ["the thread that reads events died", "nothing could be watched before"] * 2


def test_a_machine_that_was_suspended_is_a_doubt_once(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Doubting()
    observing = Observer(Crew(lambda: None))
    observing.add(watched)
    observing.start()
    monkeypatch.setattr(observer, "_suspended_s", lambda: 1e9)
    for _ in range(3):
        observing.check()
    observing.stop()
    assert watched.doubts == ["the machine was suspended"]


def _refuse(*_: object) -> int:
    raise OSError(24, "inotify instance limit reached")


class Doubting:
    """A folder's watcher, as the observer sees it."""

    path = "/nowhere"

    def __init__(self) -> None:
        self.doubts: list[str] = []

    def watch_with(self, watches: DirectoryWatches | None) -> None: ...

    def noticed(self, path: str) -> None: ...

    def noticed_directory(self, path: str, *, came_or_went: bool) -> None: ...

    def doubt(self, reason: str) -> None:
        self.doubts.append(reason)


@pytest.mark.usefixtures("hurried")
def test_a_canary_that_somebody_tidied_away_is_replaced(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    homes: list[Path] = []
    settle_in = canary._settle_in

    def remember(places: Iterable[Path]) -> tuple[Path | None, int | None]:
        home, lock = settle_in(places)
        assert home is not None
        homes.append(home)
        return home, lock

    monkeypatch.setattr(canary, "_settle_in", remember)
    with watched(folder):
        shutil.rmtree(homes[0])
        wait_until(lambda: len(homes) > 1)
        put(folder / "a.png")
        agrees(folder)
    assert not any(home.exists() for home in homes)


def test_what_a_killed_daemon_left_on_tmpfs_is_tidied_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canary, "filesystem_type", lambda _: TMPFS)
    left = tmp_path / "photod-canary-left"
    left.mkdir()
    (left / "canary").touch()
    first = canary.Canary([tmp_path])
    second = canary.Canary([tmp_path])
    assert not left.exists()
    assert len(list(tmp_path.iterdir())) == 2
    first.leave()
    second.leave()
    assert list(tmp_path.iterdir()) == []


def test_the_place_that_was_made_for_the_canary_is_taken_away_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(canary, "filesystem_type", lambda _: TMPFS)
    made, there = tmp_path / "run/photod", tmp_path / "there"
    there.mkdir()
    for place in (made, there):
        bird = canary.Canary([place])
        assert len(list(place.glob("photod-canary-*/canary"))) == 1
        bird.leave()
    assert not made.exists()
    assert there.exists()


def test_a_daemon_that_is_just_starting_is_not_tidied_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the making of its directory and its lock, another one looks around."""
    monkeypatch.setattr(canary, "filesystem_type", lambda _: TMPFS)
    take_lock = canary._take_lock

    def be_late(home: Path) -> int | None:
        monkeypatch.setattr(canary, "_take_lock", take_lock)
        canary._tidy(tmp_path)
        return take_lock(home)

    monkeypatch.setattr(canary, "_take_lock", be_late)
    late = canary.Canary([tmp_path])
    assert len(list(tmp_path.glob("photod-canary-*/canary"))) == 1
    late.leave()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_killed_reader_thread_is_noticed_within_half_a_minute_for_real(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with watched(folder), monkeypatch.context() as patch:
        patch.setattr(DirectoryWatches, "on_event", _raise_key_error)
        put(folder / "lost.png")
        agrees(folder, 30)


@pytest.mark.usefixtures("hurried")
def test_a_suspended_machine_is_noticed_and_the_folder_scanned(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with watched(folder):
        monkeypatch.setattr(DirectoryWatches, "on_event", lambda *_: None)
        put(folder / "lost.png")
        monkeypatch.setattr(observer, "_suspended_s", lambda: 3600.0)
        agrees(folder)
    assert "the machine was suspended" in capsys.readouterr().out


def test_where_only_a_part_can_be_watched_the_rest_is_compared_now_and_then(folder: Path) -> None:
    """Scenario 7: fs.inotify.max_user_watches too low, in a user namespace."""
    limit = Path("/proc/sys/user/max_inotify_watches")
    probe = subprocess.run(["unshare", "-Ur", "true"], capture_output=True, check=False)
    if not limit.exists() or probe.returncode:
        need("user namespaces")
    for number in range(100):
        fill(folder / f"{number}", 2, number)
    set_limit = f'echo 40 > {limit} && exec "$@"'
    before = ("env", "CHECK_S=1", "unshare", "-Ur", "sh", "-c", set_limit, "sh")
    with FakeDaemon(folder, *before, settings="settle_s = 0.1\npoll_s = 1") as daemon:
        assert folder_status(daemon.config)["watched_by"] == "partly"
        assert "max_user_watches" in daemon.logged("not_all_watched")[0]["note"]
        for number in range(100):
            put(folder / f"{number}/later.png", number)
        (folder / "new").mkdir()
        put(folder / "new/a.png")
        agrees(folder, 60)
        assert len(daemon.logged("not_all_watched")) == 1


def test_without_any_watch_the_folder_is_polled_and_says_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(folder_module, "CHECK_S", 0.2)
    monkeypatch.setattr(InotifyFD, "__init__", _refuse)
    with watched(folder, poll_s=0.3) as config:
        put(folder / "a.png")
        agrees(folder)
        assert folder_status(config)["watched_by"] == "polling"
    assert "max_user_instances" in capsys.readouterr().out


def test_a_network_filesystem_is_polled(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(folder_module, "CHECK_S", 0.2)
    monkeypatch.setattr("photod.watch.inotify.is_remote", lambda _: True)
    (folder / "sub").mkdir()
    outside = tmp_path / "outside.png"
    outside.hardlink_to(put(folder / "sub/a.png"))
    with watched(folder, poll_s=0.3) as config:
        assert folder_status(config)["watched_by"] == "polling"
        outside.write_bytes(photo_bytes(99))  # as another machine would: no event comes of it
        agrees(folder)


def test_what_this_machine_does_on_a_network_filesystem_is_noticed_at_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photod.watch.inotify.is_remote", lambda _: True)
    (folder / "sub").mkdir()
    with watched(folder, poll_s=3600) as config:
        put(folder / "sub/a.png")
        agrees(folder)
        assert folder_status(config)["watched_by"] == "polling"


def test_scans_come_by_the_monotonic_clock_even_if_the_timers_sleep(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Scenario 24: a stepped wall clock stops APScheduler's jobs; this one asks for nothing at all."""
    monkeypatch.setattr(folder_module, "CHECK_S", 0.2)
    monkeypatch.setattr("photod.schedule.Timers.every", lambda *_: None)
    photo = put(folder / "a.png")
    outside = tmp_path / "outside.png"
    outside.hardlink_to(photo)
    with watched(folder, rescan_s=0.5) as config:
        put(outside, 3)  # no event comes of it
        agrees(folder)
        assert folder_status(config)["watched_by"] == "inotify"
