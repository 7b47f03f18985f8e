"""Opening a picture, and those that Pillow would take for others, without a word: some TIFFs and JPEG 2000."""

import struct
import threading
from typing import Any

from PIL import Image, TiffImagePlugin, UnidentifiedImageError
from PIL.TiffImagePlugin import (
    BITSPERSAMPLE,
    COMPRESSION,
    COMPRESSION_INFO,
    EXTRASAMPLES,
    FILLORDER,
    IMAGELENGTH,
    IMAGEWIDTH,
    OPEN_INFO,
    PHOTOMETRIC_INTERPRETATION,
    PLANAR_CONFIGURATION,
    SAMPLEFORMAT,
    SAMPLESPERPIXEL,
    ImageFileDirectory_v2,
    TiffImageFile,
)

from photod.errors import DecodeError
from photod.intake.buffer import Data, as_file

_BIG_MAGIC = (b"II+\0", b"MM\0+")
_SEPARATE = 2  # as a TIFF's planar configuration: each channel is stored by itself
_WHITE_IS_ZERO, _INKS = 0, 5  # as its photometric interpretation
_INTERPRETATIONS = frozenset((*range(11), 32803, 32844, 32845, 34892))
_WEBP = 50001  # as its compression: Pillow knows it, the libtiff that comes with it does not
_DEPTHS = frozenset((1, 2, 4, 8, 10, 12, 14, 16, 24, 32, 64))
_FLOAT = 3  # as its sample format
_TRANSPARENCIES = ((1,), (2,))  # as its extra samples
# Whatever the byte order of a file, libtiff's is the machine's. Pillow knows that of 16 bits without sign alone.
_AS_OF_LIBTIFF = {
    "I;16S": "I;16NS",
    "I;16BS": "I;16NS",
    "I;32S": "I;32NS",
    "I;32BS": "I;32NS",
    "F;32F": "F;32NF",
    "F;32BF": "F;32NF",
}
_CODESTREAM = b"\xff\x4f\xff\x51"  # begins with the size, whose last part are the channels
_CHANNELS_AT = 40  # bytes
_CHANNEL = struct.Struct("3B")  # depth, and how many pixels a sample stands for, across and down
_ALPHA = "grey and transparency"
_MISREAD_BY_BOTH = {"LA": _ALPHA, "La": _ALPHA, "PA": "a palette and transparency", "LAB": "lightness and colours"}
# Pillow leaves out the fifth channel of CMYK, but knows spot colours alone there. Photoshop keeps selections in it,
# called transparency.
for _order in (b"II", b"MM"):
    for _extra in _TRANSPARENCIES:
        OPEN_INFO.setdefault((_order, _INKS, (1,), 1, (8,) * 5, _extra), ("CMYK", "CMYKX"))
# Of greys of 16 bits whose white is zero it knows one order of bytes.
OPEN_INFO.setdefault((b"MM", _WHITE_IS_ZERO, (1,), 1, (16,), ()), ("I;16B", "I;16B"))
COMPRESSION_INFO.pop(_WEBP, None)
# Pillow's switch belongs to the whole process, and is read whenever a TIFF is opened: one file at a time.
_switching = threading.Lock()


def open_picture(data: Data, formats: tuple[str, ...]) -> Image.Image:
    """The picture in these bytes, its header read. Raises DecodeError, and whatever Pillow does."""
    with _switching:
        try:
            image: Image.Image = Image.open(as_file(data), formats=formats)
        except UnidentifiedImageError:
            if kind := _kind_of_tiff(data):
                raise DecodeError(f"a TIFF of a kind that is not supported ({kind})") from None
            raise
        if image.format == "JPEG2000":
            _check_jpeg_2000(data, image)
        if isinstance(image, TiffImageFile) and image.tag_v2.get(PLANAR_CONFIGURATION) == _SEPARATE:
            if image.mode in _MISREAD_BY_BOTH:
                raise DecodeError(f"a TIFF of {_MISREAD_BY_BOTH[image.mode]} that lie apart is not supported")
            if image.mode == "CMYK" and image.tag_v2.get(EXTRASAMPLES) in _TRANSPARENCIES:
                raise DecodeError("a TIFF of inks and transparency that lie apart is not supported")
            if _is_misread(image):
                image = _open_with_libtiff(data)
    if isinstance(image, TiffImageFile) and image.use_load_libtiff:
        image.tile = [tile._replace(args=_in_native_order(tile.args)) for tile in image.tile]
    return image


def _check_jpeg_2000(data: Data, image: Image.Image) -> None:
    """Raises DecodeError if a channel is stored in a way that Pillow misreads."""
    at = data.find(_CODESTREAM) + _CHANNELS_AT
    (count,) = struct.unpack_from(">H", data, at)
    for depth, across, down in _CHANNEL.iter_unpack(data[at + 2 : at + 2 + count * _CHANNEL.size]):
        bits = 1 + (depth & 0x7F)
        # Pillow makes 8 bits of them, rounds up, and so white to black. A single grey keeps its bits.
        if bits > 8 and image.mode != "I;16":
            raise DecodeError(f"a JPEG 2000 of {bits} bits a channel is not supported")
        if image.width % across or image.height % down:  # its rows are longer than Pillow takes them for
            raise DecodeError(f"a JPEG 2000 of {image.width} x {image.height} with halved colours is not supported")


def _kind_of_tiff(data: Data) -> str | None:
    """What a sound TIFF says that it holds, in words; None for all other files."""
    try:
        tags = ImageFileDirectory_v2(bytes(data[: 16 if bytes(data[:4]) in _BIG_MAGIC else 8]))
        file = as_file(data)
        file.seek(tags.next)
        tags.load(file)
        bits = tags.get(BITSPERSAMPLE, (1,))
        samples, compression = tags.get(SAMPLESPERPIXEL, len(bits)), tags.get(COMPRESSION, 1)
        sound = (
            isinstance(samples, int)
            and isinstance(compression, int)
            and min(tags[IMAGEWIDTH], tags[IMAGELENGTH]) > 0
            and _DEPTHS.issuperset(bits)
            and len(bits) in (1, samples)
            and tags.get(PHOTOMETRIC_INTERPRETATION) in _INTERPRETATIONS
        )
    except MemoryError:
        raise
    except Exception:  # Pillow's reader raises almost anything on what is none
        return None
    if not sound:
        return None
    if compression not in COMPRESSION_INFO:
        return f"compression {compression}"
    floating = ", floating point" if _FLOAT in tags.get(SAMPLEFORMAT, ()) else ""
    apart = " that lie apart" if tags.get(PLANAR_CONFIGURATION) == _SEPARATE else ""
    return f"{samples} x {bits[0]} bits{floating}{apart}"


def _is_misread(image: TiffImageFile) -> bool:
    """Whether Pillow's own reader, which takes "R" of "RGB;16L" for a layer, misses what stands behind it.

    All others stay with it: of a file that ends too early it says so.
    """
    tags = image.tag_v2
    plain = (
        set(tags.get(BITSPERSAMPLE, (1,))) == {8}
        and tags.get(PHOTOMETRIC_INTERPRETATION, _WHITE_IS_ZERO) != _WHITE_IS_ZERO
        and tags.get(FILLORDER, 1) == 1
    )
    return not image.use_load_libtiff and not plain


def _open_with_libtiff(data: Data) -> Image.Image:
    TiffImagePlugin.READ_LIBTIFF = True
    try:
        return Image.open(as_file(data), formats=(TiffImageFile.format,))
    finally:
        TiffImagePlugin.READ_LIBTIFF = False


def _in_native_order(args: tuple[Any, ...] | str | None) -> tuple[Any, ...] | str | None:
    """What libtiff is told: the layout of its samples first."""
    return (_AS_OF_LIBTIFF.get(args[0], args[0]), *args[1:]) if isinstance(args, tuple) else args
