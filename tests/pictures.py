"""Pictures that tests make themselves."""

from pathlib import Path

from PIL import Image


def make_photo(path: Path, level: int = 128, size: tuple[int, int] = (64, 48)) -> Path:
    """A plain picture of one brightness; the fake scorer's score for it is 10 * level / 255."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (level, level, level)).save(path)
    return path
