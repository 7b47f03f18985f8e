"""Opening a picture, and TIFFs in a layout that Pillow would take for another, without a word."""

import threading
from typing import Any

from PIL import Image, TiffImagePlugin
from PIL.TiffImagePlugin import (
    BITSPERSAMPLE,
    FILLORDER,
    PHOTOMETRIC_INTERPRETATION,
    PLANAR_CONFIGURATION,
    TiffImageFile,
)

from photod.errors import DecodeError
from photod.intake.buffer import Data, as_file

_SEPARATE = 2  # as a TIFF's planar configuration: each channel is stored by itself
_WHITE_IS_ZERO = 0  # as its photometric interpretation
# Whatever the byte order of a file, libtiff's is the machine's. Pillow knows that of 16 bits without sign alone.
_AS_OF_LIBTIFF = {
    "I;16S": "I;16NS",
    "I;16BS": "I;16NS",
    "I;32S": "I;32NS",
    "I;32BS": "I;32NS",
    "F;32F": "F;32NF",
    "F;32BF": "F;32NF",
}
_ALPHA = "grey and transparency"
_MISREAD_BY_BOTH = {"LA": _ALPHA, "La": _ALPHA, "PA": "a palette and transparency", "LAB": "lightness and colours"}
# Pillow's switch belongs to the whole process, and is read whenever a TIFF is opened: one file at a time.
_switching = threading.Lock()


def open_picture(data: Data, formats: tuple[str, ...]) -> Image.Image:
    """The picture in these bytes, its header read. Raises DecodeError, and whatever Pillow does."""
    with _switching:
        image: Image.Image = Image.open(as_file(data), formats=formats)
        if isinstance(image, TiffImageFile) and image.tag_v2.get(PLANAR_CONFIGURATION) == _SEPARATE:
            if image.mode in _MISREAD_BY_BOTH:
                raise DecodeError(f"a TIFF of {_MISREAD_BY_BOTH[image.mode]} that lie apart is not supported")
            if _is_misread(image):
                image = _open_with_libtiff(data)
    if isinstance(image, TiffImageFile) and image.use_load_libtiff:
        image.tile = [tile._replace(args=_in_native_order(tile.args)) for tile in image.tile]
    return image


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
