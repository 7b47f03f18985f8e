"""RAW files: the camera's own full-size preview, or a quick development where there is none.

Pillow opens many RAW files as TIFF and finds a thumbnail of 160 to 256 pixels there. That is never taken for
the photo: RAW files are told apart before Pillow sees them.
"""

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from PIL import Image

from photod.errors import DecodeError
from photod.intake import formats, limits, metadata, unfinished
from photod.intake.buffer import Data, as_file
from photod.intake.scaled import Extent, load_scaled
from photod.intake.words import one_line
from photod.photos import Facts

if TYPE_CHECKING:
    import numpy as np
    import rawpy
    from numpy.typing import NDArray

_TIFF_MAGIC = (b"II*\0", b"MM\0*")
_NEW_SUBFILE_TYPE, _COMPRESSION, _PHOTOMETRIC, _MAKE, _SUB_IFDS = 0x00FE, 0x0103, 0x0106, 0x010F, 0x014A
_CFA_PATTERN, _EXIF, _MAKER_NOTE, _DNG_VERSION = 0x828E, 0x8769, 0x927C, 0xC612
_CANON, _CANONS_SENSOR_DATA = b"Canon\0", 0x0081  # as the maker, and as a tag of its note
_SENSOR_PHOTOMETRIC = frozenset((32803, 34892))  # colour filter array, linear RAW
# Sony, Epson, Samsung, Nikon, Kodak, Pentax
_SENSOR_COMPRESSION = frozenset((32767, 32769, 32770, 34713, 65000, 65535))
_SHORT = 3  # as the type of a value
_START_OF_JPEG = b"\xff\xd8"  # also of the lossless kind
_MOST_ENTRIES = 1024  # of a TIFF directory; RAW files have fewer than 100
_ORIENTATION_OF_FLIP = {1: 2, 2: 4, 3: 3, 4: 5, 5: 8, 6: 6, 7: 7}  # LibRaw's flip -> EXIF


@dataclass(frozen=True, slots=True)
class Developed:
    """The picture of a RAW file."""

    picture: Image.Image
    extent: Extent  # how far it reaches, in its pixels
    orientation: int  # EXIF's, still to be applied to `picture`
    is_adobe_rgb: bool | None  # the picture, where it carries no profile
    facts: Facts


def is_raw(data: Data) -> bool:
    """Whether these bytes are a camera's RAW file rather than a picture that Pillow should open."""
    head = bytes(data[:16])
    if formats.has_raw_magic(head):
        return True
    if head[:4] not in _TIFF_MAGIC:
        return False
    try:
        return _is_raw_tiff(data, "<" if head[:2] == b"II" else ">")
    except struct.error:
        return False


def develop(data: Data, preview_px: int, decode_px: int, max_pixels: int) -> Developed:
    """The embedded preview if its shorter side has `preview_px` pixels, else the sensor's data at half size.

    A preview may be decoded scaled down, to no less than `decode_px` pixels a side.
    """
    with _open(data) as opened:
        sizes = opened.sizes
        limits.check_pixels(sizes.width, sizes.height, max_pixels)
        orientation = _ORIENTATION_OF_FLIP.get(sizes.flip, 1)
        sideways = orientation in metadata.SIDEWAYS
        width, height = (sizes.height, sizes.width) if sideways else (sizes.width, sizes.height)
        preview = _open_preview(opened)
        own = metadata.read_tiff(data) if bytes(data[:4]) in _TIFF_MAGIC else metadata.Metadata()
        copied = metadata.read(preview) if preview is not None else metadata.Metadata()
        none = str(datetime.fromtimestamp(0))  # LibRaw's word for no date; it writes it into previews, too
        dates = (own.taken_at, copied.taken_at, _timestamp(opened))
        taken_at = next((date for date in dates if date and date != none), None)
        facts = Facts(width, height, taken_at, own.camera or copied.camera)
    least = min(preview_px, width, height)
    extent = None if preview is None or min(preview.size) < least else _load(preview, decode_px, max_pixels)
    if preview is None or extent is None:
        developed = _half_size(data)
        return Developed(developed, developed.size, 1, False, facts)  # LibRaw's own pictures are upright sRGB
    if sideways and preview.width != preview.height:
        already_turned = (preview.width > preview.height) == (width > height)
        orientation = 1 if already_turned else orientation
    is_adobe_rgb = own.is_adobe_rgb if copied.is_adobe_rgb is None else copied.is_adobe_rgb
    return Developed(preview, extent, orientation, is_adobe_rgb, facts)


@contextmanager
def _open(data: Data) -> Iterator["rawpy.RawPy"]:
    """LibRaw on these bytes. Whatever it cannot do is a DecodeError."""
    import rawpy

    with rawpy.RawPy() as opened:
        try:
            opened.open_buffer(as_file(data))
        except rawpy.LibRawError as error:
            raise DecodeError(f"this RAW file is damaged or of an unknown camera ({_words(error)})") from None
        yield opened


def _open_preview(opened: "rawpy.RawPy") -> Image.Image | None:
    """The largest picture that the camera put in; of a JPEG, only the header has been read."""
    import rawpy

    try:
        thumbnail = opened.extract_thumb()
        if thumbnail.format == rawpy.ThumbFormat.JPEG:
            jpeg = bytes(thumbnail.data)
            unfinished.check(jpeg)
            return Image.open(io.BytesIO(jpeg), formats=("JPEG",))
        if thumbnail.format == rawpy.ThumbFormat.BITMAP and not isinstance(thumbnail.data, bytes):
            return _as_picture(thumbnail.data)
    except MemoryError:
        raise
    except Exception:  # no preview, or a broken one: the sensor's data may still be whole
        return None
    return None


def _load(preview: Image.Image, decode_px: int, max_pixels: int) -> Extent | None:
    """Decode a preview; None if that did not work."""
    try:
        limits.check_pixels(preview.width, preview.height, max_pixels)
        return load_scaled(preview, decode_px)
    except MemoryError:
        raise
    except Exception:  # likewise
        return None


def _half_size(data: Data) -> Image.Image:
    """The sensor's data, four photosites to a pixel. On a fresh LibRaw: a broken preview leaves it unusable."""
    import rawpy

    with _open(data) as opened:
        try:
            return _as_picture(opened.postprocess(half_size=True, use_camera_wb=True))
        except MemoryError:
            raise
        except Exception as error:
            problem = "this RAW file has no usable preview, and its sensor data cannot be decoded"
            words = f" ({_words(error)})" if isinstance(error, rawpy.LibRawError) else ""
            raise DecodeError(problem + words) from None


def _as_picture(pixels: "NDArray[np.uint8]") -> Image.Image:
    """Pixels as LibRaw gives them, [height, width, channels]; of a sensor without colours there is one."""
    return Image.fromarray(pixels[..., 0] if pixels.shape[2:] == (1,) else pixels)


def _timestamp(opened: "rawpy.RawPy") -> str | None:
    try:
        stamp: Any = opened.other.timestamp
        if isinstance(stamp, datetime):
            return str(stamp.replace(microsecond=0, tzinfo=None))
        return str(datetime.fromtimestamp(stamp)) if stamp else None  # LibRaw read it as local time
    except Exception:
        return None


def _words(error: Exception) -> str:
    text = error.args[0] if error.args else error
    return one_line(text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text))


def _is_raw_tiff(data: Data, order: str) -> bool:
    at = struct.unpack_from(order + "I", data, 4)[0]
    first = _directory(data, order, at)
    if _DNG_VERSION in first or _holds_sensor_data(first):
        return True
    if _SUB_IFDS not in first:
        return _is_canons_tiff(data, order, first)
    # The directories below IFD0 hold the photo of a RAW file, but only smaller copies of a plain TIFF's.
    reduced = bool(first.get(_NEW_SUBFILE_TYPE, 0) & 1)
    return reduced or any(_holds_sensor_data(_directory(data, order, sub)) for sub in _sub_ifds(data, order, at))


def _holds_sensor_data(directory: dict[int, int]) -> bool:
    if _PHOTOMETRIC not in directory and _CFA_PATTERN in directory:  # Samsung's NX1
        return True
    return directory.get(_PHOTOMETRIC) in _SENSOR_PHOTOMETRIC or directory.get(_COMPRESSION) in _SENSOR_COMPRESSION


def _is_canons_tiff(data: Data, order: str, first: dict[int, int]) -> bool:
    """Whether this is a .TIF of an EOS-1D or 1Ds: a TIFF of the thumbnail alone. Only a note tells of the photo."""
    make = first.get(_MAKE, 0)
    if bytes(data[make : make + len(_CANON)]) != _CANON or _EXIF not in first:
        return False
    note = _directory(data, order, first[_EXIF]).get(_MAKER_NOTE)
    at = _directory(data, order, note).get(_CANONS_SENSOR_DATA) if note else None
    # A TIFF that was made from such a file may have its note, and other things at that place.
    return at is not None and bytes(data[at : at + len(_START_OF_JPEG)]) == _START_OF_JPEG


def _directory(data: Data, order: str, at: int) -> dict[int, int]:
    """The first value of each tag; only values that fit into the entry are of use here."""
    return {tag: value for tag, _number, value in _entries(data, order, at)}


def _sub_ifds(data: Data, order: str, at: int) -> Iterator[int]:
    for tag, number, value in _entries(data, order, at):
        if tag == _SUB_IFDS:
            yield from (value,) if number == 1 else struct.unpack_from(f"{order}{min(number, 16)}I", data, value)


def _entries(data: Data, order: str, at: int) -> Iterator[tuple[int, int, int]]:
    """Tag, number of values, and the first of them or where they are."""
    count = min(struct.unpack_from(order + "H", data, at)[0], _MOST_ENTRIES)
    for entry in range(at + 2, at + 2 + 12 * count, 12):
        tag, kind, number = struct.unpack_from(order + "HHI", data, entry)
        yield tag, number, struct.unpack_from(order + ("H" if kind == _SHORT else "I"), data, entry + 8)[0]
