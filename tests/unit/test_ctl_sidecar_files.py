"""Sidecars on the disk."""

import os
from pathlib import Path

import pytest

from machine import need
from photod_ctl.export import remove_all
from photod_ctl.folders import Archive
from photod_ctl.sidecar_files import replace_sidecar, sidecars_below


def test_what_is_no_file_or_hidden_or_cannot_be_listed_is_no_sidecar(folder: Path) -> None:
    for name in ("a.jpg.xmp", "sub/b.xmp", ".photod/c.xmp", "d.jpg"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    (folder / "directory.xmp").mkdir()
    os.mkfifo(folder / "pipe.xmp")
    errors: list[OSError] = []
    assert sorted(sidecars_below(str(folder), errors.append)) == [folder / "a.jpg.xmp", folder / "sub/b.xmp"]
    assert not errors
    assert not list(sidecars_below(str(folder / "gone"), errors.append))
    assert [error.filename for error in errors] == [str(folder / "gone")]
    _, failure = remove_all([Archive(str(folder / "gone"), folder / "photos.db")], replace_sidecar)
    words = f"cannot look into {folder / 'gone'}: No such file or directory; make the directory readable"
    assert str(failure) == words


def test_a_sidecar_that_vanishes_meanwhile_is_none(folder: Path) -> None:
    for name in ("a.xmp", "b.xmp"):
        (folder / name).touch()
    found = sidecars_below(str(folder), lambda error: pytest.fail(str(error)))
    first = next(found)
    (folder / ("b.xmp" if first.name == "a.xmp" else "a.xmp")).unlink()
    assert list(found) == []


def test_another_program_s_sidecar_keeps_its_owner_and_mode_and_is_on_the_disk_before_the_old_one_goes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.getuid() != 0:
        need("root, to give a file away")
    sidecar = folder / "a.xmp"
    sidecar.write_bytes(b"theirs")
    sidecar.chmod(0o640)
    os.chown(sidecar, 65534, 65534)
    written: list[tuple[bytes, bytes]] = []

    def note(file: int) -> None:
        written.append((Path(f"/proc/self/fd/{file}").read_bytes(), sidecar.read_bytes()))

    monkeypatch.setattr("os.fsync", note)
    replace_sidecar(sidecar, b"theirs, rated")
    assert written == [(b"theirs, rated", b"theirs")]
    found = sidecar.stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o7777) == (65534, 65534, 0o640)
    assert [path.name for path in folder.iterdir()] == ["a.xmp"]
