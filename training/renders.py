"""The renders that the bars are measured on: every validation photo, unspoiled and in every way and level."""

import hashlib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from training import unseen
from training.distortions import DISTORTIONS, LEVELS
from training.photos import Photo, Pixels, read_pixels
from training.render import apply_distortion, cache_key, squash
from training.unseen import UNSEEN

ALL: Final = {**DISTORTIONS, **UNSEEN}
NAMES: Final = tuple(ALL)


@dataclass(frozen=True, slots=True)
class Renders:
    """Squashed pictures: `pristine` [photos, 224, 224, 3], `spoiled` [photos, distortions, levels, 224, 224, 3]."""

    pristine: NDArray[np.uint8]
    spoiled: NDArray[np.uint8]


def _spoil(number: int, photo: Photo) -> tuple[Pixels, NDArray[np.uint8]]:
    torch.set_num_threads(1)
    pixels = read_pixels(photo.path)
    rows = [
        np.stack([squash(apply_distortion(pixels, way, level, 1000 * number + index)) for level in LEVELS])
        for index, way in enumerate(ALL.values())
    ]
    return squash(pixels), np.stack(rows)


def render_validation(photos: tuple[Photo, ...], cache: Path, processes: int) -> Renders:
    """Render all, or take them from the cache.

    The seeds are the numbers of photo and distortion, so that every run measures the same.
    """
    code = Path(__file__).read_bytes() + Path(unseen.__file__).read_bytes()
    folder = cache / f"validation-{cache_key(photos, 0)}-{hashlib.sha256(code).hexdigest()[:8]}"
    if not folder.exists():
        with ProcessPoolExecutor(processes) as pool:
            pairs = list(pool.map(_spoil, range(len(photos)), photos))
        partial = folder.with_suffix(".partial")
        partial.mkdir(parents=True, exist_ok=True)
        np.save(partial / "pristine.npy", np.stack([pristine for pristine, _ in pairs]))
        np.save(partial / "spoiled.npy", np.stack([spoiled for _, spoiled in pairs]))
        partial.rename(folder)
    return Renders(np.load(folder / "pristine.npy"), np.load(folder / "spoiled.npy"))
