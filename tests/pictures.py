"""Pictures that tests make themselves."""

import io
from pathlib import Path

from PIL import Image


def make_photo(path: Path, level: int = 128, size: tuple[int, int] = (64, 48)) -> Path:
    """A plain picture of one brightness; the fake scorer's score for it is 10 * level / 255."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (level, level, level)).save(path)
    return path


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    """The bytes of a picture in a format of Pillow's."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()
