"""Any of Pillow's modes -> RGB in sRGB."""

import math
from functools import lru_cache
from io import BytesIO

from PIL import Image, ImageCms

from photod.errors import DecodeError

_WHITE = (255, 255, 255)
_SPACE_OF_MODE = {"RGB": "RGB", "L": "GRAY", "CMYK": "CMYK", "LAB": "Lab"}
_SRGB = ImageCms.createProfile("sRGB")


def simplify(image: Image.Image) -> Image.Image:
    """The same picture in L, RGB, CMYK, LAB or premultiplied RGBa: modes that can be resized without artefacts."""
    mode = image.mode
    if mode.startswith("I") or mode == "F":
        return _to_8_bits(image)
    if image.has_transparency_data or mode in ("La", "RGBa"):
        return image.convert("RGBA").convert("RGBa") if mode != "RGBa" else image
    if mode in _SPACE_OF_MODE:
        return image
    return image.convert("L" if mode == "1" else "RGB")


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """RGB in sRGB, on white where the picture is transparent. A broken or unfitting profile is ignored."""
    if image.mode == "RGBa":
        image = image.convert("RGBA")
        page = Image.new("RGB", image.size, _WHITE)
        page.paste(image, mask=image)
        image = page
    if image.mode == "LAB":
        return _apply(_lab_transform(), image)
    if isinstance(profile, bytes) and profile:
        transform = _transform(profile, image.mode)
        if transform is not None:
            return _apply(transform, image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _to_8_bits(image: Image.Image) -> Image.Image:
    """16-bit, 32-bit and float grey, scaled to the whole range of L instead of clipped at 255."""
    wide = image.convert("F") if image.mode in ("I", "F") else image.convert("I").convert("F")
    low, high = wide.getextrema()
    if not (isinstance(low, float) and isinstance(high, float) and math.isfinite(low) and math.isfinite(high)):
        raise DecodeError("its pixels are not numbers")
    offset, white = _range(image.mode, low, high)
    scale = 255.0 / (white - offset)
    return wide.point(lambda value: value * scale + (0.5 - offset * scale)).convert("L")


def _range(mode: str, low: float, high: float) -> tuple[float, float]:
    """Which values are black and white."""
    if mode.startswith("I;16"):
        return 0.0, 65535.0
    if mode == "F" and low >= 0.0 and high <= 1.0:
        return 0.0, 1.0
    if mode == "I" and low >= 0.0 and high <= 65535.0:
        return 0.0, 65535.0
    return (low, high) if high > low else (low - 1.0, low)


def _apply(transform: ImageCms.ImageCmsTransform, image: Image.Image) -> Image.Image:
    return ImageCms.applyTransform(image, transform) or image


@lru_cache(maxsize=16)  # a folder has few profiles, and building a transform costs more than applying it
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        if source.profile.xcolor_space.strip() != _SPACE_OF_MODE.get(mode):
            return None
        return ImageCms.buildTransform(
            source,
            _SRGB,
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except Exception:  # whatever is wrong with a profile, the pixels are still there
        return None


@lru_cache(maxsize=1)
def _lab_transform() -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(ImageCms.createProfile("LAB"), _SRGB, "LAB", "RGB")
