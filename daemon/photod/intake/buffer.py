"""A photo's bytes in memory, and as the file that libraries want."""

import io
import mmap
from typing import BinaryIO

Data = bytes | bytearray | mmap.mmap


def as_file(data: Data) -> BinaryIO:
    """A readable, seekable file of these bytes, without the copy that BytesIO makes."""
    return io.BufferedReader(_Reader(data))


class _Reader(io.RawIOBase):
    def __init__(self, data: Data) -> None:
        self._view = memoryview(data)
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._view)}[whence]
        if start + offset < 0:
            raise ValueError("negative position")
        self._at = start + offset
        return self._at

    def readinto(self, target: memoryview) -> int:  # type: ignore[override]
        piece = self._view[self._at : self._at + len(target)]
        target[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def readall(self) -> bytes:
        """The rest with one copy; without this it would come in small pieces, to be joined twice."""
        rest = bytes(self._view[self._at :])
        self._at = len(self._view)
        return rest
