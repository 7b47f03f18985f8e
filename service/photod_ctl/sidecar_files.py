"""Sidecars on the disk: found below a directory, and replaced whole or not at all."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from photod.files import replacing


def sidecars_below(directory: str, on_error: Callable[[OSError], None]) -> Iterator[Path]:
    """Every sidecar in a directory and below it, whatever became of its photo, and of whichever program.

    As photod, it follows no link and enters no hidden directory, such as .photod. `on_error` hears of directories
    that cannot be listed.
    """
    for place, directories, files in os.walk(directory, onerror=on_error):
        directories[:] = [name for name in directories if not name.startswith(".")]
        for name in files:
            if name.endswith(".xmp") and _is_file(path := os.path.join(place, name)):
                yield Path(path)


def replace_sidecar(target: Path, data: bytes | None) -> None:
    """Write a sidecar, or take it away where there is no more to say. Raises OSError.

    One that was there keeps its owner and mode, and is not lost with the power: it may hold another program's work.
    """
    if data is None:
        target.unlink()
        return
    with replacing(target) as draft, draft.open("wb") as file:
        file.write(data)
        file.flush()
        if target.exists():
            before = target.stat()
            with suppress(PermissionError):  # root gives it back; nobody else can
                os.fchown(file.fileno(), before.st_uid, before.st_gid)
            os.fchmod(file.fileno(), stat.S_IMODE(before.st_mode))
            os.fsync(file.fileno())


def _is_file(path: str) -> bool:
    """Whether it is one that photod can have written: neither a link nor a pipe, which would be waited for."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False
