"""The check on everyday photos, as photod decodes them, and on frames that show nothing."""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from photod.errors import DecodeError
from photod.intake.decode import decode_photo
from photod.intake.formats import is_photo_name
from photod.photos import InputSpec
from photod.score.builtin.tower import INPUT_SIZE


@dataclass(frozen=True, slots=True)
class Everyday:
    """The photos that could be decoded, [n, 224, 224, 3], and the names of those that could not."""

    paths: tuple[Path, ...]
    pictures: NDArray[np.uint8]
    skipped: tuple[str, ...]


def read_everyday(folder: Path) -> Everyday:
    """Every photo below FOLDER, in order of path."""
    paths, pictures, skipped = [], [], []
    for path in sorted(entry for entry in folder.rglob("*") if entry.is_file() and is_photo_name(entry.name)):
        try:
            decoded = decode_photo(path.read_bytes(), InputSpec(INPUT_SIZE), sys.maxsize)
        except DecodeError as error:
            skipped.append(f"{path.name} ({error})")
            continue
        pictures.append(np.frombuffer(decoded.pixels, np.uint8).reshape(INPUT_SIZE, INPUT_SIZE, 3))
        paths.append(path)
    return Everyday(tuple(paths), np.stack(pictures), tuple(skipped))


def plain_frames() -> NDArray[np.uint8]:
    """Frames of one colour: every corner of the colour cube, its edges' middles and its centre, 27 in all."""
    levels = (0, 128, 255)
    colours = [(red, green, blue) for red in levels for green in levels for blue in levels]
    return np.stack([np.full((INPUT_SIZE, INPUT_SIZE, 3), colour, np.uint8) for colour in colours])
