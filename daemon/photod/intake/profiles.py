"""ICC profiles of photos, and for those that carry none but name their colour space.

DCF 2.0 has cameras say Adobe RGB in their EXIF, and HEIF, AVIF and PNG may have numbers in the place of a profile.
"""

import math
import struct
from collections.abc import Callable

from PIL import Image

from photod.intake.buffer import Data
from photod.intake.matrix_profile import Primaries, build
from photod.intake.unfinished import boxes, chunks

_D65 = (0.3127, 0.3290)
_BT709: Primaries = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), _D65)
_ADOBE_RGB: Primaries = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), _D65)
_BT2020: Primaries = ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), _D65)
_DCI_P3: Primaries = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.314, 0.351))
_DISPLAY_P3: Primaries = (*_DCI_P3[:3], _D65)
_REFERENCE_WHITE = 203.0  # candela per square metre, by ITU-R BT.2408; what is brighter in HDR is clipped to white
_NCLX = b"colrnclx"
_NUMBERS = struct.Struct(">8xHH")  # primaries and curve behind it
_HEAD = 8  # bytes of a box's head, and a chunk's
_ICC = (b"\2", b"\3")  # as the method of a JPEG 2000's colr box


def choose(data: Data, image: Image.Image, is_adobe_rgb: bool | None) -> object:
    """The profile to see a picture of this file by: what it carries, else what it names; None is sRGB."""
    if embedded := image.info.get("icc_profile") or (image.format == "JPEG2000" and _of_jpeg_2000(data)):
        return embedded
    return _by_numbers(*_numbers(data, image)) or (build(_ADOBE_RGB, _adobe_rgb) if is_adobe_rgb else None)


def _by_numbers(primaries: object, curve: object) -> bytes | None:
    """The profile that these numbers of ITU-T H.273 name. All curves but the two of HDR are seen as sRGB's."""
    if primaries not in _PRIMARIES and curve not in _CURVES:
        return None
    return build(_PRIMARIES.get(primaries, _BT709), _CURVES.get(curve, _srgb))


def _numbers(data: Data, image: Image.Image) -> tuple[object, object]:
    """Of primaries and curve, from a HEIF, AVIF or PNG."""
    if image.format == "PNG":
        return _of_png(data)
    named = image.info.get("nclx_profile")
    if isinstance(named, dict):
        return named["color_primaries"], named["transfer_characteristics"]
    if image.format != "AVIF":
        return None, None
    at = data.find(_NCLX)  # Pillow does not tell them; a file's first are those of the picture itself
    return _NUMBERS.unpack_from(data, at) if 0 <= at <= len(data) - _NUMBERS.size else (None, None)


def _of_jpeg_2000(data: Data) -> bytes | None:
    """The profile of a JP2 file, which Pillow passes over."""
    for outer, start, end in boxes(data):
        if outer == b"jp2h":
            header = bytes(data[start + _HEAD : end])
            contents = (header[at + _HEAD : after] for kind, at, after in boxes(header) if kind == b"colr")
            return next((content[3:] for content in contents if content[:1] in _ICC), None)
    return None


def _of_png(data: Data) -> tuple[object, object]:
    """What a PNG's cICP says; Pillow passes over it."""
    for kind, start, _end in chunks(data):
        if kind == b"cICP":
            return data[start + _HEAD], data[start + _HEAD + 1]
    return None, None


def _adobe_rgb(value: float) -> float:
    return math.pow(value, 563 / 256)


def _srgb(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else math.pow((value + 0.055) / 1.055, 2.4)


def _pq(value: float) -> float:
    """SMPTE ST 2084."""
    root = math.pow(value, 32 / 2523)
    light = math.pow(max(0.0, root - 0.8359375) / (18.8515625 - 18.6875 * root), 8192 / 1305)
    return min(1.0, 10000 * light / _REFERENCE_WHITE)


def _hlg(value: float) -> float:
    """ITU-R BT.2100, on a display of 1000 candela per square metre, with the gamma of luminance for each colour."""
    light = value * value / 3 if value <= 0.5 else (math.exp((value - 0.55991073) / 0.17883277) + 0.28466892) / 12
    return min(1.0, 1000 * math.pow(light, 1.2) / _REFERENCE_WHITE)


_PRIMARIES: dict[object, Primaries] = {9: _BT2020, 11: _DCI_P3, 12: _DISPLAY_P3}
_CURVES: dict[object, Callable[[float], float]] = {16: _pq, 18: _hlg}
