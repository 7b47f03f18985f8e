"""Sidecars on the disk."""

import os
from pathlib import Path

from photod_ctl.sidecar_files import sidecars_below


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
