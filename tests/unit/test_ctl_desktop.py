"""What the slideshow asks of the desktop, and what it says where that fails."""

import os
from pathlib import Path

import pytest
import send2trash  # type: ignore[import-untyped]

from photod_ctl.slideshow.desktop import DesktopError, move_to_trash


def test_a_photo_in_a_folder_that_cannot_be_written_to_leaves_no_note_in_the_trash(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []
    monkeypatch.setattr(send2trash, "send2trash", asked.append)
    monkeypatch.setattr("os.access", lambda path, mode: (path, mode) != (str(folder), os.W_OK | os.X_OK))
    with pytest.raises(DesktopError, match=r"^cannot be moved to the trash: its folder cannot be written to$"):
        move_to_trash(str(folder / "a.jpg"))
    assert not asked


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            PermissionError(1, "Operation not permitted", b"/home/a.jpg", None, b"/home/b.jpg"),
            "Operation not permitted",
        ),
        (OSError(13, "Permission denied: b'/home/a.jpg'"), "Permission denied"),
        (OSError("the trash of another desktop"), "the trash of another desktop"),
    ],
)
def test_what_the_trash_refuses_is_told_without_paths(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, words: str
) -> None:
    def refuse(path: bytes) -> None:
        raise error

    monkeypatch.setattr(send2trash, "send2trash", refuse)
    with pytest.raises(DesktopError, match=f"^cannot be moved to the trash: {words}$"):
        move_to_trash(str(folder / "a.jpg"))
