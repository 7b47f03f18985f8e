"""The photos themselves, as the client reads them: what cannot be read is told from what cannot be written."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from photod.errors import FULL, UsageError

CHUNK = 1 << 20  # bytes; in which export looks for a rating, too


class UnreadableError(Exception):
    """A photo cannot be read. `str()` says why, and follows its name."""


@contextmanager
def reading() -> Iterator[None]:
    """What fails inside is the photo's. Raises UnreadableError."""
    try:
        yield
    except FileNotFoundError as error:
        raise UnreadableError("is not there") from error
    except OSError as error:
        raise UnreadableError(f"cannot be read: {error.strerror}") from error


def chunks(photo: Path) -> Iterator[bytes]:
    """A photo's bytes. Raises UnreadableError."""
    with reading(), photo.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def unwritten(path: Path | str, error: OSError, remedy: str) -> UsageError:
    """That a file cannot be written, and what to do about it: `remedy`, unless the disk is full."""
    return UsageError(
        f"cannot write {path}: {error.strerror or error}",
        "make room, then try again" if error.errno in FULL else remedy,
    )
