"""Read a photo once: the bytes that are hashed are the bytes that are decoded."""

import errno
import fcntl
import hashlib
import mmap
import os
import stat
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from photod.photos import Candidate, Fingerprint, Passed

_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY  # neither a FIFO nor a tty may hold us up
_CHUNK = 1 << 20
_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL


class PhotoBytes:
    """A photo's bytes in a sealed memfd: nobody can change them any more, not even the process that decodes.

    `size` is the length of the file. `fd` is None when the file was larger than the limit: then only its hash
    was made, and decoding it says so. Close it, or use it as a context manager.
    """

    __slots__ = ("fd", "size")

    def __init__(self, fd: int | None, size: int) -> None:
        self.fd = fd
        self.size = size

    def close(self) -> None:
        """Give the memory back. May be called more than once."""
        fd, self.fd = self.fd, None
        if fd is not None:
            os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class ReadPhoto:
    """A photo that was read whole while nobody wrote to it."""

    candidate: Candidate
    sha256: str  # of exactly the bytes in `data`
    data: PhotoBytes


class _TornError(Exception):
    """The file is not what the candidate said."""


def read_photo(candidate: Candidate, max_bytes: int) -> ReadPhoto | Passed:
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
        return _read(candidate, file, max_bytes)
    except _TornError:
        return Passed(candidate, "changed")
    except OSError as error:
        return Passed(candidate, "unreadable", _words(error))
    finally:
        os.close(file)


def _open(location: str) -> int:
    try:
        return os.open(location, _FLAGS | os.O_NOATIME)
    except PermissionError:  # only a file's owner may leave its atime alone
        return os.open(location, _FLAGS)


def _read(candidate: Candidate, file: int, max_bytes: int) -> ReadPhoto:
    _check_same(candidate.fingerprint, file)
    size = candidate.fingerprint.size
    if size > max_bytes:
        sha256 = _hash_without_keeping(file, size)
        _check_same(candidate.fingerprint, file)
        return ReadPhoto(candidate, sha256, PhotoBytes(None, size))
    memory = os.memfd_create("photo", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with PhotoBytes(memory, size) as data:  # closed on any error
        _copy(file, memory, size)
        _check_same(candidate.fingerprint, file)
        fcntl.fcntl(memory, fcntl.F_ADD_SEALS, _SEALS)
        photo = ReadPhoto(candidate, _hash(memory, size), PhotoBytes(memory, size))
        data.fd = None  # `photo` owns it now
        return photo


def _check_same(expected: Fingerprint, file: int) -> None:
    status = os.fstat(file)
    if not stat.S_ISREG(status.st_mode) or Fingerprint.of(status) != expected:
        raise _TornError


def _copy(file: int, memory: int, size: int) -> None:
    done = 0
    while done < size:
        try:
            count = os.sendfile(memory, file, done, size - done)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOSYS):
                raise
            count = os.write(memory, os.pread(file, min(_CHUNK, size - done), done))  # cannot be spliced
        if count == 0:
            raise _TornError  # shorter than its size
        done += count


def _hash(memory: int, size: int) -> str:
    if size == 0:
        return hashlib.sha256().hexdigest()
    with mmap.mmap(memory, size, flags=mmap.MAP_SHARED | mmap.MAP_POPULATE, prot=mmap.PROT_READ) as view:
        return hashlib.sha256(view).hexdigest()


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
