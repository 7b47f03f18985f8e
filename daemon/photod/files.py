"""Looking at a path without opening it."""

import os

from photod.photos import Fingerprint


def fingerprint_at(location: str) -> Fingerprint | None:
    """The fingerprint of the file at `location` now; None when it is gone or cannot be looked at."""
    try:
        return Fingerprint.of(os.stat(location))
    except OSError:
        return None


def is_gone(location: str) -> bool:
    """Whether nothing has this name; False, too, where that cannot be found out."""
    try:
        os.lstat(location)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        pass
    return False
