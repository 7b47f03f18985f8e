"""The photos that the model learns from, their sources, and the agreed split."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
"""RGB, [height, width, 3]."""

MANIFEST: Final = "MANIFEST.csv"
FLOWERS: Final = "flower-photos"
VALIDATION_STEP: Final = 12
"""Every 12th photo of the flowers and every 12th of the others is for validation, never for training."""


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo of the training folder."""

    path: Path
    source: str
    licence: str

    @property
    def weight(self) -> float:
        """How often it is sampled: the flowers are 72 % of the photos, so the others come three times as often."""
        return 1.0 if self.source == FLOWERS else 3.0


@dataclass(frozen=True, slots=True)
class Split:
    """The photos for training and those for validation."""

    training: tuple[Photo, ...]
    validation: tuple[Photo, ...]


def list_photos(folder: Path) -> Split:
    """Read the manifest of FOLDER and split its photos; raises FileNotFoundError without a manifest."""
    with (folder / MANIFEST).open(encoding="utf-8", newline="") as rows:
        photos = [_photo(folder, row) for row in csv.DictReader(rows)]
    flowers = [photo for photo in photos if photo.source == FLOWERS]
    others = [photo for photo in photos if photo.source != FLOWERS]
    validation = (*others[::VALIDATION_STEP], *flowers[::VALIDATION_STEP])
    kept_back = {photo.path for photo in validation}
    return Split(tuple(photo for photo in photos if photo.path not in kept_back), validation)


def _photo(folder: Path, row: dict[str, str]) -> Photo:
    path = folder / row["file"]
    if not path.exists():
        path = folder / "photos" / row["file"]
    return Photo(path, row["source"], row["licence"])


def read_pixels(path: Path) -> Pixels:
    """Decode one training photo to RGB."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))
