"""The canary by itself: it sings when events flow, and leaves nothing behind."""

import os
from pathlib import Path

import pytest
from watchdog.observers.inotify_c import InotifyFD

from photod.filesystem import TMPFS
from photod.watch import canary
from photod.watch.canary import Canary


@pytest.fixture
def tmpfs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that is taken for one on tmpfs."""
    monkeypatch.setattr(canary, "filesystem_type", lambda _: TMPFS)
    return tmp_path


def end(instance: InotifyFD) -> None:
    instance.stop()
    instance.join()


def test_it_sings_while_events_flow_and_not_longer(tmpfs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canary, "ANSWER_S", 2.0)
    bird, instance = Canary([tmpfs]), InotifyFD()
    instance.start()
    try:
        bird.join(instance)
        assert bird.sings()
        assert bird.sings()
    finally:
        end(instance)
    monkeypatch.setattr(canary, "ANSWER_S", 0.05)
    assert not bird.sings()
    bird.leave()


def test_without_a_tmpfs_nothing_is_proved_and_nothing_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(canary, "filesystem_type", lambda _: 0)
    bird, instance = Canary([tmp_path]), InotifyFD()
    assert list(tmp_path.iterdir()) == []
    instance.start()
    try:
        bird.join(instance)
        assert bird.sings()
    finally:
        end(instance)
    bird.leave()


def test_where_one_place_cannot_be_had_the_next_one_is_taken(tmpfs: Path) -> None:
    (tmpfs / "file").touch()
    bird = Canary([tmpfs / "file/below", tmpfs / "place"])
    assert len(list(tmpfs.glob("place/photod-canary-*/canary"))) == 1
    bird.leave()
    assert [path.name for path in tmpfs.iterdir()] == ["file"]


def test_no_descriptor_stays_open(tmpfs: Path) -> None:
    left = tmpfs / "photod-canary-left"
    left.mkdir()
    (left / "canary").touch()
    before = os.listdir("/proc/self/fd")
    birds = [Canary([tmpfs]), Canary([tmpfs])]
    for bird in (*birds, *birds):  # an observer that could not be rebuilt has it leave a second time
        bird.leave()
    assert os.listdir("/proc/self/fd") == before
