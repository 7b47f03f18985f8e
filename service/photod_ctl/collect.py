"""The result of a ranking used elsewhere: copies, links, a playlist. Nothing is ever overwritten."""

import filecmp
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from photod.errors import UsageError
from photod_ctl.ranking import Place
from photod_ctl.tables import number_of, warn


def copy_photos(places: Sequence[Place], target: str) -> str:
    """Copy photos into a directory, named by their order. Returns what was done, in words; raises UsageError."""
    return f"copied {number_of('photo', _place_all(places, target, _copy))} to {target}"


def link_photos(places: Sequence[Place], target: str) -> str:
    """The same with symbolic links."""
    return f"linked {number_of('photo', _place_all(places, target, _link))} in {target}"


def write_playlist(places: Sequence[Place], target: str) -> str:
    """Write the photos' paths as an M3U playlist. Raises UsageError."""
    lines = [b"#EXTM3U"]
    for place in places:
        if "\n" in place.location:
            warn(f"left out, since a playlist cannot name it: {place.location}")
        else:
            lines.append(os.fsencode(place.location))
    path = Path(os.path.expanduser(target))
    try:
        with path.open("xb") as file:
            file.write(b"\n".join(lines) + b"\n")
    except FileExistsError:
        raise UsageError(f"{target} exists already", "name another file") from None
    except OSError as error:
        raise _unwritable(target, error) from error
    return f"wrote {number_of('path', len(lines) - 1)} to {target}"


def _place_all(places: Sequence[Place], target: str, place_one: Callable[[Path, Path], None]) -> int:
    directory = Path(os.path.expanduser(target))
    digits = len(str(len(places)))
    count = 0
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for number, place in enumerate(places, 1):
            source = Path(place.location)
            try:
                place_one(source, directory / f"{number:0{digits}} {source.name}")
            except FileNotFoundError:
                warn(f"{source} is not there, left out")
            else:
                count += 1
    except FileExistsError as error:
        raise UsageError(f"{error.filename} exists already", "name an empty directory") from None
    except OSError as error:
        raise _unwritable(target, error) from error
    return count


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as photo:
        if target.exists() and filecmp.cmp(source, target, shallow=False):
            return  # an earlier copy of it
        with target.open("xb") as file:
            shutil.copyfileobj(photo, file)
    shutil.copystat(source, target)


def _link(source: Path, target: Path) -> None:
    source.stat()
    if target.is_symlink() and Path(os.readlink(target)) == source:
        return  # made earlier
    target.symlink_to(source)


def _unwritable(target: str, error: OSError) -> UsageError:
    problem = f"cannot write {error.filename or target}: {error.strerror}"
    return UsageError(problem, "name a place that you can write")
