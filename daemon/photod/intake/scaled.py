"""Decoding a JPEG at a fraction of its size, which costs a fraction of the time."""

from PIL import Image

Extent = tuple[float, float]


def load_scaled(image: Image.Image, least_px: int) -> Extent:
    """Load a picture; a JPEG at a half, a quarter or an eighth if at least `least_px` pixels a side are left.

    Returns how far the picture reaches in the pixels that it now has. Half of 4217 pixels are 2109, the last of
    which is half outside: whoever resizes all of them squeezes the picture.
    """
    drafted = image.draft(None, (least_px, least_px))
    image.load()
    return drafted[1][2:] if drafted is not None else image.size
