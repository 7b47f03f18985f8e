"""Memory that photos are read into: only this process writes to it, and what one photo leaves the next one takes.

The kernel clears new memory page by page, which costs more than to copy a photo from the page cache.
"""

import fcntl
import mmap
import os
import threading
from types import TracebackType
from typing import Self

_SMALLEST = 1 << 20  # bytes
_MOST_SPARE = 64 << 20  # bytes that wait for photos at most
_FUTURE_WRITE = 0x10  # F_SEAL_FUTURE_WRITE of Linux 5.1, which Python does not name before 3.13
_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL


class PhotoMemory:
    """Hands out memory and takes it back. Any thread may call."""

    def __init__(self) -> None:
        self._spare: list[_Block] = []
        self._lock = threading.Lock()

    def take(self, size: int) -> "PhotoBytes":
        """Room for a photo of so many bytes. Raises OSError if the system has none."""
        with self._lock:
            fitting = [block for block in self._spare if block.capacity >= size]
            if fitting:
                block = min(fitting, key=lambda block: block.capacity)
                self._spare.remove(block)
                return PhotoBytes(size, block, self)
        return PhotoBytes(size, _make_block(max(_SMALLEST, 1 << size.bit_length())), self)

    def take_back(self, block: "_Block") -> None:
        """Keep memory for the next photo, or let it go where enough is kept."""
        with self._lock:
            if block.capacity + sum(spare.capacity for spare in self._spare) <= _MOST_SPARE:
                self._spare.append(block)

    def release(self) -> None:
        """Give back to the system what no photo is in."""
        with self._lock:
            self._spare.clear()


class _Block:
    """A sealed memfd, and the one mapping through which it can be written to. It ends with the last reference."""

    def __init__(self, fd: int, pages: mmap.mmap) -> None:
        self.fd = fd
        self.pages = pages
        self.capacity = len(pages)

    def __del__(self) -> None:
        os.close(self.fd)


def _make_block(capacity: int) -> _Block:
    """A new one of so many bytes, which take no memory until they are written to."""
    fd = os.memfd_create("photo", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        os.ftruncate(fd, capacity)
        pages = mmap.mmap(fd, capacity)
        _seal(fd)
    except BaseException:
        os.close(fd)
        raise
    return _Block(fd, pages)


def _seal(memory: int) -> None:
    """From now on its size is fixed, and it is written to through the mapping that is there, or not at all."""
    try:
        fcntl.fcntl(memory, fcntl.F_ADD_SEALS, _SEALS | _FUTURE_WRITE)
    except OSError:
        fcntl.fcntl(memory, fcntl.F_ADD_SEALS, _SEALS)  # an older kernel: a decoder could write to what it decodes


class PhotoBytes:
    """The bytes of one photo: the process that decodes them is given `fd`, and can only read.

    `size` is the length of the file; what lies behind it in the memory means nothing. `fd` is None when the bytes
    were not kept, because the file was larger than the limit. Close it, or use it as a context manager; who forgets
    to gives the memory back to the system.
    """

    def __init__(self, size: int, block: _Block | None = None, home: PhotoMemory | None = None) -> None:
        self.size = size
        self._block = block
        self._home = home

    @property
    def fd(self) -> int | None:
        """The memory's descriptor."""
        return self._block.fd if self._block else None

    def view(self) -> memoryview:
        """The bytes themselves, to be written and read; to be released before `close`."""
        if self._block is None:
            raise ValueError("these bytes were not kept, or were given back")
        return memoryview(self._block.pages)[: self.size]

    def close(self) -> None:
        """Give the memory back. May be called more than once."""
        block, self._block = self._block, None
        if block and self._home:
            self._home.take_back(block)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
