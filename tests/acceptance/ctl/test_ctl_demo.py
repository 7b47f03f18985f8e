"""`photod-ctl demo`: the folder that a newcomer meets first."""

import errno
import hashlib
import json
import os
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from photod.errors import UsageError
from photod_ctl.demo.command import write_demo

Ctl = Callable[..., subprocess.CompletedProcess[str]]


def _files(folder: Path) -> dict[str, bytes]:
    paths = [Path(directory, name) for directory, _, names in os.walk(folder) for name in names]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths if path.name[0] != "."}


def test_it_has_every_kind_of_file(demo: Path) -> None:
    kinds = Counter(Path(name).suffix for name in _files(demo))
    assert kinds.keys() == {".jpg", ".heic", ".avif", ".png", ".webp", ".bmp", ".tif", ".gif"}
    assert 60 <= sum(kinds.values()) <= 75


def test_it_has_difficult_names(demo: Path) -> None:
    names = [os.path.basename(name) for name in _files(demo)]
    for part in ("\n", "\x1b", "  ", "夕", "🌻", "\udce9"):
        assert any(part in name for name in names), part
    assert any(name.startswith("-") for name in names)


def test_it_has_copies_and_is_the_same_every_time(demo: Path, tmp_path: Path) -> None:
    from photod_ctl.demo.command import write_demo

    files = _files(demo)
    digests = Counter(hashlib.sha256(data).digest() for data in files.values())
    assert sorted(digests.values())[-3:] == [2, 2, 2]
    write_demo(tmp_path / "again")
    again = _files(tmp_path / "again")
    assert [name for name in files if again.get(name) != files[name]] == []


def test_exactly_the_broken_files_cannot_be_decoded(demo: Path) -> None:
    import pillow_heif

    pillow_heif.register_heif_opener()
    undecodable = set()
    for name in _files(demo):
        try:
            with Image.open(demo / name) as image:
                image.load()
        except OSError:
            undecodable.add(os.path.dirname(name))
        else:
            assert not name.startswith("broken/")
    assert undecodable == {"broken"}


def test_turned_photos_are_upright_by_their_exif(demo: Path) -> None:
    for orientation in (3, 5, 6, 8):
        with Image.open(demo / f"2018 phone/turned {orientation}.jpg") as stored:
            assert stored.getexif()[0x0112] == orientation
            assert ImageOps.exif_transpose(stored).size == (600, 400)


def test_an_empty_folder_stays_the_one_that_a_shell_may_be_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photod_ctl.demo.command._write_files", lambda draft: (draft / "a.jpg").touch())
    before = tmp_path.stat()
    write_demo(tmp_path)
    after = tmp_path.stat()
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".photod-demo", "a.jpg"]


def test_a_demo_that_fails_halfway_leaves_an_empty_folder_and_can_be_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(draft: Path) -> None:
        (draft / "a.jpg").touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("photod_ctl.demo.command._write_files", fail)
        with pytest.raises(UsageError, match="No space left on device"):
            write_demo(tmp_path)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr("photod_ctl.demo.command._write_files", lambda _: None)
    write_demo(tmp_path)


def test_a_demo_that_was_killed_halfway_can_be_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photod_ctl.demo.command._write_files", lambda draft: (draft / "a.jpg").touch())
    (tmp_path / ".photod-demo-left").mkdir()
    write_demo(tmp_path)
    assert {".photod-demo", "a.jpg"} < {path.name for path in tmp_path.iterdir()}


def test_an_earlier_demo_is_left_as_it_is_and_a_foreign_folder_refused(ctl: Ctl, tmp_path: Path) -> None:
    first = json.loads(ctl("demo", "new/demo", "--json").stdout)
    assert first["created"] is True
    assert first["files"] == len(_files(tmp_path / "new/demo"))
    (tmp_path / "new/demo/.photod").mkdir()
    (tmp_path / "new/demo/.photod/photos.db").touch()
    assert json.loads(ctl("demo", "new/demo", "--json").stdout) == first | {"created": False}
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["demo"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/photo.jpg").touch()
    refused = ctl("demo", "mine")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["photo.jpg"]
    refused = ctl("demo", "x" * 256)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "File name too long; name a directory that you can write" in refused.stderr
