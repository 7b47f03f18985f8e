"""Files with holes: copies that stopped, or wrote their blocks in another order.

libjpeg decodes a JPEG whose data end in zeros without complaint, into a picture with a grey part. Two signs are
certain enough to call such a file unfinished: no end marker and a tail of zeros, and a hole of zeros that starts
and ends on the borders of disk blocks. A run of zeros alone proves nothing: a black frame may be coded as one.
"""

import mmap

from photod.errors import DecodeError

_BLOCK = 4096  # bytes; holes are made of these
_TAIL = 64  # zeros at the end of a JPEG without end marker that count as missing data
_SLACK = 16  # bytes of real data beside a hole that may happen to be zero
_SCAN = 0xDA
_END = b"\xff\xd9"

Data = bytes | bytearray | memoryview | mmap.mmap


def check(data: Data) -> None:
    """Raises DecodeError if `data` is a JPEG of which a part is missing."""
    if bytes(data[:3]) != b"\xff\xd8\xff":
        return
    searchable = data if isinstance(data, bytes | bytearray | mmap.mmap) else bytes(data)
    start = _scan_start(searchable)
    if start is None:
        return
    end = searchable.find(_END, start)
    if end < 0:
        if not any(searchable[max(start, len(searchable) - _TAIL) :]):
            raise DecodeError("unfinished: the end of the picture is missing")
        end = len(searchable)
    if _has_hole(searchable, start, end):
        raise DecodeError("unfinished: a part of the picture is missing")


def _scan_start(data: bytes | bytearray | mmap.mmap) -> int | None:
    """Where the picture's compressed data start: behind the segments that may hold anything."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        if data[at + 1] == 0xFF:  # fill byte
            at += 1
        elif data[at + 1] == _SCAN:
            return at
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def _has_hole(data: bytes | bytearray | mmap.mmap, start: int, end: int) -> bool:
    zeros = bytes(_BLOCK)
    at = data.find(zeros, start, end)
    while at >= 0:
        after = _end_of_zeros(data, at, end)
        first = -(-at // _BLOCK) * _BLOCK
        last = after // _BLOCK * _BLOCK
        if first < last and first - at <= _SLACK and (after - last <= _SLACK or after == end):
            return True
        at = data.find(zeros, after, end)
    return False


def _end_of_zeros(data: bytes | bytearray | mmap.mmap, start: int, end: int) -> int:
    at = start
    while at < end:
        piece = bytes(data[at : min(end, at + _BLOCK)])
        if left := piece.lstrip(b"\0"):
            return at + len(piece) - len(left)
        at += len(piece)
    return end
