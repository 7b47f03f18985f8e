"""Read a photo once: the bytes that are hashed are the bytes that are decoded."""

import hashlib
import os
import stat
from dataclasses import dataclass

from photod.fingerprints import fingerprint_of
from photod.held import open_beside
from photod.intake.memory import PhotoBytes, PhotoMemory
from photod.photos import Candidate, Fingerprint, Passed

_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY  # neither a FIFO nor a tty may hold us up
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class ReadPhoto:
    """A photo that was read whole while nobody wrote to it."""

    candidate: Candidate
    sha256: str  # of exactly the bytes in `data`
    data: PhotoBytes


class _TornError(Exception):
    """The file is not what the candidate said."""


def read_photo(candidate: Candidate, max_bytes: int, memory: PhotoMemory) -> ReadPhoto | Passed:
    """Read and hash a candidate's file; blocks for as long as the disk takes.

    A file of more than `max_bytes` is hashed but not kept: `data.fd` is None.
    """
    try:
        file = _open(candidate.location)
    except (FileNotFoundError, NotADirectoryError):
        return Passed(candidate, "vanished")
    except OSError as error:
        return Passed(candidate, "unreadable", _words(error))
    try:
        return _read(candidate, file, max_bytes, memory)
    except _TornError:
        return Passed(candidate, "changed")
    except OSError as error:
        return Passed(candidate, "unreadable", _words(error))
    finally:
        os.close(file)


def _open(location: str) -> int:
    try:
        return open_beside(location, _FLAGS | os.O_NOATIME)
    except PermissionError:  # only a file's owner may leave its atime alone
        return open_beside(location, _FLAGS)


def _read(candidate: Candidate, file: int, max_bytes: int, memory: PhotoMemory) -> ReadPhoto:
    _check_same(candidate.fingerprint, file)
    size = candidate.fingerprint.size
    if size > max_bytes:
        sha256 = _hash_without_keeping(file, size)
        _check_same(candidate.fingerprint, file)
        return ReadPhoto(candidate, sha256, PhotoBytes(size))
    data = memory.take(size)
    with data.view() as view:
        _fill(view, file)
        _check_same(candidate.fingerprint, file)
        return ReadPhoto(candidate, hashlib.sha256(view).hexdigest(), data)


def _check_same(expected: Fingerprint, file: int) -> None:
    status = os.fstat(file)
    if not stat.S_ISREG(status.st_mode) or fingerprint_of(status) != expected:
        raise _TornError


def _fill(view: memoryview, file: int) -> None:
    done = 0
    while done < len(view):
        with view[done:] as rest:
            count = os.preadv(file, [rest], done)
        if count == 0:
            raise _TornError  # shorter than its size
        done += count


def _hash_without_keeping(file: int, size: int) -> str:
    digest = hashlib.sha256()
    done = 0
    while done < size:
        piece = os.pread(file, min(_CHUNK, size - done), done)
        if not piece:
            raise _TornError
        digest.update(piece)
        done += len(piece)
    return digest.hexdigest()


def _words(error: OSError) -> str:
    return error.strerror or str(error)
