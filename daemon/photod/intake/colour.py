"""Any of Pillow's modes -> RGB in sRGB. A picture is resized in between, so that little is done at full size."""

import math
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Self, cast

from PIL import Image, ImageChops, ImageCms
from PIL.TiffImagePlugin import BITSPERSAMPLE, PHOTOMETRIC_INTERPRETATION, SAMPLEFORMAT, TiffImageFile

from photod.errors import DecodeError

_GREY_AND_TRANSPARENCY = frozenset(("LA", "La"))
_RESIZABLE = frozenset(("RGB", "L", "CMYK", "LAB"))  # as they are
_WHITE_OF_16_BITS = 65535.0
_WHITE_IS_ZERO = 0  # as a TIFF's photometric interpretation
_UNSIGNED = 1  # as its sample format
_SRGB = ImageCms.createProfile("sRGB")
_LAB = ImageCms.createProfile("LAB")


@dataclass(frozen=True, slots=True)
class Tones:
    """Which values of a picture with more than 8 bits are black and white."""

    black: float
    white: float

    @classmethod
    def of(cls, image: Image.Image) -> Self | None:
        """The tones of a 12-bit, 16-bit, 32-bit or float picture; None for others. Raises DecodeError."""
        tags = image.tag_v2 if isinstance(image, TiffImageFile) else {}
        if image.mode.startswith("I;16"):
            black, white = 0.0, 2.0 ** tags.get(BITSPERSAMPLE, (16,))[0] - 1
        elif image.mode in ("I", "F"):
            black, white = _range_of(image)
            if black < 0 and tags and tags.get(SAMPLEFORMAT, (_UNSIGNED,)) == (_UNSIGNED,):
                # Pillow's numbers have a sign.
                raise DecodeError("a TIFF of greys above 2147483647 is not supported")
        else:
            return None
        # Pillow itself turns negatives of 8 bits, and only those.
        return cls(white, black) if tags.get(PHOTOMETRIC_INTERPRETATION) == _WHITE_IS_ZERO else cls(black, white)

    def apply(self, image: Image.Image) -> Image.Image:
        """The picture as L, rounded."""
        scale = 255.0 / (self.white - self.black)
        offset = 0.5 - self.black * scale
        return image.convert("F").point(lambda value: value * scale + offset).convert("L")


def _range_of(image: Image.Image) -> tuple[float, float]:
    """Black and white of a picture whose numbers may lie anywhere: the usual ones, or else what is found in it."""
    low, high = cast(tuple[float, float], image.getextrema())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise DecodeError("its pixels are not numbers")
    white = 1.0 if image.mode == "F" else _WHITE_OF_16_BITS
    if low >= 0 and high <= white:
        return 0.0, white
    return (low, high) if high > low else (low - 1.0, low)


def simplify(image: Image.Image) -> Image.Image:
    """The same picture in a mode that can be resized: L, RGB, CMYK, LAB, I, F or premultiplied RGBa."""
    mode = image.mode
    if mode.startswith("I;16"):
        return _whitened(image.convert("I"), image.info.get("transparency"))
    if mode == "La":
        image = image.convert("LA")  # all that Pillow can make of it
    if mode in ("I", "F", "RGBa"):
        return image
    if image.has_transparency_data:
        return image.convert("RGBA").convert("RGBa")
    if mode in _RESIZABLE:
        return image
    return image.convert("L" if mode == "1" else "RGB")


def to_srgb(image: Image.Image, tones: Tones | None, profile: object, of: str) -> Image.Image:
    """A simplified picture as RGB in sRGB, on white where it is transparent. A broken profile is ignored.

    `of`: the mode that it had, which tells what its profile is for.
    """
    if tones is not None:
        image = tones.apply(image)
    if image.mode == "RGBa":
        image = _on_white(image)
        if of in _GREY_AND_TRANSPARENCY:
            image = image.getchannel(0)
    if isinstance(profile, bytes) and (transform := _transform(profile, image.mode)):
        return _apply(transform, image)
    if image.mode == "LAB":
        return _apply(_lab_transform(), image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _whitened(deep: Image.Image, transparent: object) -> Image.Image:
    """A picture of 16 bits with white in the place of the one value that a PNG may declare transparent."""
    if isinstance(transparent, int):
        declared = [255 if value == transparent else 0 for value in range(65536)]
        deep.paste(int(_WHITE_OF_16_BITS), mask=deep.point(declared, "L"))
    return deep


def _on_white(image: Image.Image) -> Image.Image:
    """Premultiplied colours lack nothing but the white that shines through."""
    *colours, alpha = image.split()
    through = ImageChops.invert(alpha)
    return Image.merge("RGB", [ImageChops.add(colour, through) for colour in colours])


def _apply(transform: ImageCms.ImageCmsTransform, image: Image.Image) -> Image.Image:
    return ImageCms.applyTransform(image, transform) or image


@lru_cache(maxsize=16)  # a folder has few profiles, and building a transform costs more than applying it
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    try:
        return ImageCms.buildTransform(
            BytesIO(profile),
            _SRGB,
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except Exception:  # broken, or for other channels: whatever is wrong with a profile, the pixels are still there
        return None


@lru_cache(maxsize=1)
def _lab_transform() -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(_LAB, _SRGB, "LAB", "RGB")
