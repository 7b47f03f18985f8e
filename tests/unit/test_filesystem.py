"""What is mounted where, as the kernel tells it."""

import os
import threading
from pathlib import Path

import pytest

from mounts import Mounts
from photod import filesystem
from photod.config import Config
from photod.filesystem import answers, filesystem_identity, mounts_below
from waiting import wait_until


def test_what_is_mounted_below_a_directory_is_found_by_its_odd_names(folder: Path, mounts: Mounts) -> None:
    assert mounts_below(str(folder)) == {}
    beside = folder.with_name("photos 2")
    for place in (folder / "a drive\n\\040", folder / "b", folder / "b/c", beside):
        mounts(place, "-t", "tmpfs", "photod-test")
    found = mounts_below(str(folder))
    assert found.keys() == {"a drive\n\\040", "b", "b/c"}
    assert found["b"] == filesystem_identity(str(folder / "b"))
    mounts.take_away(folder / "b/c")
    assert mounts_below(str(folder)).keys() == {"a drive\n\\040", "b"}


def test_a_filesystem_that_does_not_answer_is_asked_once_and_again_when_it_has(
    folder: Path, mounts: Mounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filesystem, "ANSWER_S", 0.2)
    assert answers(str(folder))
    assert answers(str(folder / "none"))
    assert not filesystem._asked.keys() & {str(folder), str(folder / "none")}
    server, before = mounts.silent(folder), threading.active_count()
    try:
        for place in (folder, folder, folder / "none", folder / "none"):
            assert not answers(str(place))
        assert threading.active_count() == before + 2
    finally:
        os.close(server)
    wait_until(lambda: threading.active_count() == before)
    assert answers(str(folder))


def test_the_filesystems_of_all_folders_are_asked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start is kept waiting by ten that do not answer no longer than by one."""
    asked: set[str] = set()

    def wait_for_all(place: str) -> bool:
        asked.add(place)
        wait_until(lambda: len(asked) == 3)
        return False

    monkeypatch.setattr(filesystem, "is_remote", wait_for_all)
    links = [tmp_path / name for name in "abc"]
    for link in links:
        link.symlink_to("/usr")
    a, b, c = map(str, links)
    config = Config.model_validate({"folders": [a, {"path": f"{b}/"}, c]})
    assert asked == {a, b, c}
    assert [str(each.path) for each in config.folders] == ["/usr"] * 3  # no answer: it would stand as it is
