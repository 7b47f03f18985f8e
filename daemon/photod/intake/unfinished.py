"""Files with holes: copies that stopped, or wrote their blocks in another order.

Most decoders refuse a file that ends too early, but take zeros in place of data without complaint, and return a
picture with a grey part. What is looked for here is certain enough: a container that promises more bytes than
there are, a JPEG without end marker whose tail is zeros, PNG pixels whose checksum is wrong, and, in compressed
data, a hole of zeros that starts and ends on the borders of disk blocks. A run of zeros alone proves nothing: a
black frame may be coded as one, and so the uncompressed formats cannot be checked at all.
"""

from collections.abc import Iterator
from zlib import crc32

from photod.errors import DecodeError
from photod.intake.buffer import Data

_BLOCK = 4096  # bytes; holes are made of these
_TAIL = 64  # zeros at a file's end that count as missing data
_SLACK = 16  # bytes of real data beside a hole that may happen to be zero
_PNG = b"\x89PNG\r\n\x1a\n"
_CODESTREAM = b"\xff\x4f\xff\x51"  # a JPEG 2000 without boxes
SCAN = b"\xff\xda"
END = b"\xff\xd9"
_ENDS_EARLY = "unfinished: the end of the file is missing"
HAS_HOLE = "unfinished: a part of the picture is missing"


def check(data: Data) -> None:
    """Raises DecodeError if a part of this file is certainly missing."""
    head = bytes(data[:12])
    if head.startswith(b"\xff\xd8\xff"):
        _check_jpeg(data)
    elif head[4:8] in (b"ftyp", b"jP  "):
        _check_boxes(data)
    elif head.startswith(_PNG):
        _check_chunks(data)
    elif head[:4] == b"RIFF" and head[8:] == b"WEBP":
        if int.from_bytes(head[4:8], "little") + 8 > len(data):
            raise DecodeError(_ENDS_EARLY)
        _check_holes(data, 0, len(data))
    elif head.startswith(_CODESTREAM):
        if data.find(END) < 0:  # which pixels never look like
            raise DecodeError(_ENDS_EARLY)
        _check_holes(data, 0, len(data))


def _check_jpeg(data: Data) -> None:
    start = find_scan(data)
    if start is None:
        return  # the decoder will say what is wrong with it
    if data.rfind(END, start) < 0 and not any(data[max(start, len(data) - _TAIL) :]):
        raise DecodeError(_ENDS_EARLY)
    if next(_empty_blocks(data, start, len(data)), None) is not None:  # only then is the end worth looking for
        end = data.find(END, start)
        _check_holes(data, start, end if end >= 0 else len(data))


def find_scan(data: Data) -> int | None:
    """Where the picture's compressed data start: behind the segments that may hold anything."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        if data[at + 1] == 0xFF:  # fill byte
            at += 1
        elif data[at + 1] == SCAN[1]:
            return at
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def _check_boxes(data: Data) -> None:
    """HEIF, AVIF, CR3, JPEG 2000: boxes that say how long they are."""
    is_raw = bytes(data[8:12]) == b"crx "  # what cameras may leave empty in there is not known
    for kind, start, end in boxes(data):
        if end > len(data) and kind in (b"mdat", b"meta", b"moov", b"jp2c"):
            raise DecodeError(_ENDS_EARLY)
        if kind in (b"mdat", b"jp2c") and not is_raw:
            _check_holes(data, start, end)


def boxes(data: Data) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of the outermost boxes, as far as they are well-formed. A box's head is 8 bytes or 16."""
    at = 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16], "big")
        elif size == 0:
            size = len(data) - at
        if size < 8:
            return
        yield bytes(data[at + 4 : at + 8]), at, at + size
        at += size


def _check_chunks(data: Data) -> None:
    """PNG, of whose checksums Pillow compares all but those of the pixels. Inflated, zeros may be pixels, too."""
    with memoryview(data) as view:
        for kind, start, end in chunks(data):
            if kind == b"IEND":
                return
            if kind == b"IDAT" and crc32(view[start + 4 : end - 4]) != int.from_bytes(view[end - 4 : end], "big"):
                _check_holes(data, start, len(data))
                raise DecodeError("damaged PNG: its pixels are not what was written")


def chunks(data: Data) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of a PNG's chunks that are whole. 8 bytes stand before the content, and 4 behind it."""
    at = len(_PNG)
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        if end > len(data):
            return
        yield bytes(data[at + 4 : at + 8]), at, end
        at = end


def _check_holes(data: Data, start: int, end: int) -> None:
    after = start
    for block in _empty_blocks(data, start, end):
        if block < after:
            continue
        at, after = _start_of_zeros(data, block, start), _end_of_zeros(data, block, end)
        last = after // _BLOCK * _BLOCK
        if block - at <= _SLACK and (after - last <= _SLACK or after == len(data)):
            raise DecodeError(HAS_HOLE)


def _empty_blocks(data: Data, start: int, end: int) -> Iterator[int]:
    """Where disk blocks are zeros, the file's last too. Most are told from others by one byte: it takes no time."""
    for at in range(-(-start // _BLOCK) * _BLOCK, end - _TAIL + 1, _BLOCK):
        if data[at] == 0 and not any(data[at : at + _BLOCK]):
            yield at


def _start_of_zeros(data: Data, block: int, start: int) -> int:
    """Where the zeros before a block begin; no farther back than the block before it, which is not empty."""
    before = bytes(data[max(start, block - _BLOCK) : block])
    return block - (len(before) - len(before.rstrip(b"\0")))


def _end_of_zeros(data: Data, start: int, end: int) -> int:
    for at in range(start, end, _BLOCK):
        piece = bytes(data[at : min(end, at + _BLOCK)])
        if left := piece.lstrip(b"\0"):
            return at + len(piece) - len(left)
    return end
