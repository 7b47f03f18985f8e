"""What is too large to be decoded."""

from photod.errors import DecodeError


def check_pixels(width: int, height: int, most: int) -> None:
    """Raises DecodeError if a picture has more than `most` pixels. To be called before any of them is decoded."""
    if width * height > most:
        raise DecodeError(f"larger than {most / 1e6:g} megapixels ({width} x {height})")
