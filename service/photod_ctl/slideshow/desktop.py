"""What the desktop does for the show: the trash, the file manager."""

import os
import shutil
import subprocess


class DesktopError(Exception):
    """The desktop could not do it; `str()` is for the viewer."""


def move_to_trash(path: str) -> None:
    """Move a file to the desktop's trash. Raises DesktopError."""
    from send2trash import send2trash  # type: ignore[import-untyped]

    # Asked beforehand: a move that fails leaves a note of the photo in the trash, without the photo.
    if not os.access(os.path.dirname(path), os.W_OK | os.X_OK):
        raise DesktopError("cannot be moved to the trash: its folder cannot be written to")
    try:
        send2trash(os.fsencode(path))
    except Exception as error:  # the library's boundary: its back ends raise what they like
        raise DesktopError(f"cannot be moved to the trash: {_reason(error)}") from error


def open_folder(path: str) -> None:
    """Show the folder of a file in the desktop's file manager. Raises DesktopError."""
    opener = shutil.which("xdg-open")
    if opener is None:
        raise DesktopError("xdg-open is not installed")
    subprocess.Popen(
        [opener, os.path.dirname(path)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


def _reason(error: Exception) -> str:
    """The system's words alone, where there are any: the paths around them have no room on the screen."""
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
