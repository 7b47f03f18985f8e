"""The result of a ranking used elsewhere: copies, links, a playlist. Nothing is ever overwritten."""

import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from photod.errors import UsageError
from photod.files import replacing
from photod_ctl.originals import UnreadableError, chunks, reading, unwritten
from photod_ctl.ranking import Place
from photod_ctl.tables import number_of, warn

LONGEST_NAME = 255  # bytes
STANDARD_OUTPUT = "-"  # as a playlist's name


def copy_photos(places: Sequence[Place], target: str) -> str:
    """Copy photos into a directory, named by their order. Returns what was done, in words; raises UsageError."""
    return _place_all(places, target, _copy, "copied {} to {}")


def link_photos(places: Sequence[Place], target: str) -> str:
    """The same with symbolic links."""
    return _place_all(places, target, _link, "linked {} in {}")


def write_playlist(places: Sequence[Place], target: str) -> str:
    """Write the photos' paths as an M3U playlist. Returns what was done, in words; raises UsageError.

    On standard output the playlist is all there is to say.
    """
    lines = [b"#EXTM3U"]
    for place in places:
        if "\n" in place.location:
            warn(f"left out, since a playlist cannot name it: {place.location}")
        else:
            lines.append(os.fsencode(place.location))
    playlist = b"\n".join(lines) + b"\n"
    if target == STANDARD_OUTPUT:
        sys.stdout.buffer.write(playlist)
        return ""
    try:
        with _creating(Path(os.path.expanduser(target))) as draft:
            draft.write_bytes(playlist)
    except FileExistsError:
        raise UsageError(f"{target} exists already", "name another file") from None
    except OSError as error:
        raise unwritten(target, error, "name a place that you can write") from error
    return f"wrote {number_of('path', len(lines) - 1)} to {target}"


def _place_all(places: Sequence[Place], target: str, place_one: Callable[[Path, Path], bool], told: str) -> str:
    directory = Path(os.path.expanduser(target))
    _note_folder_around(directory, {place.folder for place in places})
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _misplaced(directory, error) from error
    digits = len(str(len(places)))
    made: Counter[bool] = Counter()
    for number, place in enumerate(places, 1):
        source = Path(place.location)
        copy = directory / numbered(f"{number:0{digits}}", source.name)
        try:
            made[place_one(source, copy)] += 1
        except UnreadableError as error:
            warn(f"{source} {error}, left out")
        except OSError as error:
            raise _misplaced(copy, error) from error
    done = told.format(number_of("photo", made[True]), target)
    return done + (f", {made[False]:,} there already" if made[False] else "")


def _note_folder_around(directory: Path, folders: Iterable[str]) -> None:
    """Say that what is put into a folder of photos is ranked with them the next time."""
    for folder in folders:
        if Path(os.path.realpath(directory)).is_relative_to(folder):
            warn(f"{directory} is in {folder}: unless it is excluded, what is put there is scored and ranked, too")


def numbered(number: str, name: str) -> str:
    """A photo's name with a number before it; where that is too long, the end of its stem is cut off."""
    stem, suffix = os.path.splitext(name)
    while stem and len(os.fsencode(f"{number} {stem}{suffix}")) > LONGEST_NAME:
        stem = stem[:-1]  # a character, of one byte or several
    return f"{number} {stem}{suffix}"


def _copy(source: Path, target: Path) -> bool:
    """Returns whether it had to be made: an earlier copy is as good."""
    if target.is_file() and _same_bytes(source, target):
        return False
    with _creating(target) as draft:
        with draft.open("xb") as file:
            file.writelines(chunks(source))
        shutil.copystat(source, draft)
    return True


@contextmanager
def _creating(target: Path) -> Iterator[Path]:
    """A draft, to be written, that becomes `target`, whole or not at all. Raises FileExistsError, OSError."""
    with replacing(target) as draft:
        yield draft
        if os.path.lexists(target):
            raise FileExistsError


def _same_bytes(source: Path, target: Path) -> bool:
    with target.open("rb") as earlier:
        return all(chunk == earlier.read(len(chunk)) for chunk in chunks(source)) and not earlier.read(1)


def _link(source: Path, target: Path) -> bool:
    """Returns whether it had to be made."""
    with reading():
        source.stat()
    if target.is_symlink() and Path(os.readlink(target)) == source:
        return False
    target.symlink_to(source)
    return True


def _misplaced(path: Path, error: OSError) -> UsageError:
    if isinstance(error, FileExistsError):
        return UsageError(f"{path} exists already", "name an empty directory")
    return unwritten(path, error, "name a place that you can write")
