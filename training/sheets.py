"""Contact sheets: the best and the worst of a folder with their scores, to be looked at by a person."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageDraw

from training.evaluate import Model
from training.everyday import read_everyday
from training.photos import Pixels

COLUMNS: Final = 6
CAPTION: Final = 16


def sheet(pictures: Sequence[Pixels], captions: Sequence[str]) -> Image.Image:
    """Squashed pictures in rows of six, each above its caption."""
    side = pictures[0].shape[0]
    rows = -(-len(pictures) // COLUMNS)
    image = Image.new("RGB", (COLUMNS * side, rows * (side + CAPTION)), "white")
    draw = ImageDraw.Draw(image)
    for index, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        left, top = index % COLUMNS * side, index // COLUMNS * (side + CAPTION)
        image.paste(Image.fromarray(picture), (left, top))
        draw.text((left + 3, top + side + 2), caption, "black")
    return image


def write_sheets(weights: Path, folder: Path, out: Path, count: int) -> tuple[Path, Path]:
    """Write best.jpg and worst.jpg of the COUNT highest and lowest photos of FOLDER into OUT."""
    photos = read_everyday(folder)
    found = Model(weights)(photos.pictures)
    order = np.argsort(-found)
    out.mkdir(parents=True, exist_ok=True)
    paths = out / "best.jpg", out / "worst.jpg"
    for path, chosen in zip(paths, (order[:count], order[::-1][:count]), strict=True):
        captions = [f"{found[index]:.2f}  {photos.paths[index].name[:26]}" for index in chosen]
        sheet([photos.pictures[index] for index in chosen], captions).save(path, quality=90)
    return paths
