"""The check on everyday photos, decoded and squashed as at run time, and on frames that show nothing."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from photod.score.builtin.tower import INPUT_SIZE
from training.photos import Pixels
from training.render import squash

SUFFIXES: Final = {".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".avif", ".tif", ".tiff"}


@dataclass(frozen=True, slots=True)
class Everyday:
    """The photos that could be decoded, [n, 224, 224, 3], and the names of those that could not."""

    paths: tuple[Path, ...]
    pictures: NDArray[np.uint8]
    skipped: tuple[str, ...]


def open_photo(path: Path) -> Pixels:
    """Decode upright to sRGB, on white where transparent, JPEGs no larger than needed, and squash."""
    with Image.open(path) as image:
        image.draft("RGB", (6 * INPUT_SIZE, 6 * INPUT_SIZE))
        profile = image.info.get("icc_profile")
        upright = ImageOps.exif_transpose(image)
        if upright.has_transparency_data:
            ground = Image.new("RGBA", upright.size, "white")
            upright = Image.alpha_composite(ground, upright.convert("RGBA"))
        return squash(np.asarray(_in_srgb(upright.convert("RGB"), profile)))


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if not profile:
        return image
    from io import BytesIO

    try:
        converted = ImageCms.profileToProfile(image, ImageCms.ImageCmsProfile(BytesIO(profile)), "sRGB")
    except ImageCms.PyCMSError:
        return image
    return converted or image


def read_everyday(folder: Path) -> Everyday:
    """Every photo below FOLDER that Pillow reads, in order of path."""
    import pillow_heif

    pillow_heif.register_heif_opener()
    paths, pictures, skipped = [], [], []
    for path in sorted(entry for entry in folder.rglob("*") if entry.is_file()):
        if path.suffix.lower() not in SUFFIXES:
            skipped.append(path.name)
            continue
        try:
            pictures.append(open_photo(path))
        except (OSError, ValueError) as error:
            skipped.append(f"{path.name} ({error})")
            continue
        paths.append(path)
    return Everyday(tuple(paths), np.stack(pictures), tuple(skipped))


def plain_frames() -> NDArray[np.uint8]:
    """Frames of one colour: every corner of the colour cube, its edges' middles and its centre, 27 in all."""
    levels = (0, 128, 255)
    colours = [(red, green, blue) for red in levels for green in levels for blue in levels]
    return np.stack([np.full((INPUT_SIZE, INPUT_SIZE, 3), colour, np.uint8) for colour in colours])
