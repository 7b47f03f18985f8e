"""Files by their paths: whether they are there, whose they are and become, and replacing them whole."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def is_gone(location: str) -> bool:
    """Whether nothing has this name; False, too, where that cannot be found out."""
    try:
        os.lstat(location)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        pass
    return False


def may_be_a_strangers(location: str) -> bool:
    """Whether somebody else may have made this: it lies where everybody may write, and is neither ours, nor root's,
    nor of whoever owns that directory. False, too, where that cannot be found out."""
    try:
        place, found = os.stat(os.path.dirname(location)), os.lstat(location)
    except OSError:
        return False
    return bool(place.st_mode & stat.S_IWOTH) and found.st_uid not in (os.geteuid(), place.st_uid, 0)


def give_to_owner_of(path: Path, *made: Path) -> None:
    """What root has made beside a file belongs to its owner, whose programs go on with it. Raises OSError."""
    if os.geteuid() != 0:
        return
    owner = path.stat()
    for place in made:
        look = os.open(place, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            # Whoever may write there could have put a link in its place.
            status = os.fstat(look)
            if stat.S_ISDIR(status.st_mode) or (stat.S_ISREG(status.st_mode) and status.st_nlink == 1):
                os.chown(f"/proc/self/fd/{look}", owner.st_uid, owner.st_gid)
        finally:
            os.close(look)


def is_inside(directory: str, tree: str) -> bool:
    """Whether a directory is `tree` or lies in it; both relative to one folder, which is ''."""
    return not tree or directory == tree or directory.startswith(tree + "/")


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A draft beside `target`, to be written: in the end it takes its place, and on failure it is removed.

    Its name is short, since a name has 255 bytes at most, and nobody can guess it and lay something there. Raises
    OSError.
    """
    draft = target.with_name(f".photod-{os.urandom(8).hex()}")
    try:
        yield draft
        draft.replace(target)
    except BaseException:
        with suppress(OSError):  # what went wrong first is what matters
            draft.unlink()
        raise


def closed_at(folder: Path) -> Path | None:
    """The directory that keeps this user out of a folder: one above it, or itself. None where none does."""
    place = folder
    try:
        for place in (*reversed(folder.parents), folder):
            os.stat(f"{place}/.")  # asks for the right to enter, by which user is effective
        with os.scandir(folder):
            pass
    except PermissionError:
        return place
    except OSError:
        pass
    return None
