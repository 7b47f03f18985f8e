"""Photos to measure with: camera-size files of photographic statistics, the same ones everywhere, kept in a cache.

    python benchmarks/material.py            makes everything and tells what it is

A scene is a "dead leaves" picture: discs of all sizes, the small ones many, each covering what lies behind it. Such
pictures share with photographs what matters to a codec: edges everywhere, a spectrum that falls as 1/f, and areas
of flat colour. Fine texture and the noise of a sensor lie on top, so that files are as large as a camera's.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import borrowed  # noqa: F401
import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from dng import make_dng

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "photod-bench"
VERSION = 1  # of everything below; raise it with any change that makes other files
COARSE = 4  # scenes are drawn at a quarter of the size
DISCS = 6000
TEXTURE_SIDE = 1024


@dataclass(frozen=True, slots=True)
class Kind:
    """A set of like files."""

    name: str
    count: int
    width: int
    height: int
    suffix: str
    quality: int

    @property
    def folder(self) -> Path:
        """Where the files are once they are made."""
        return CACHE / f"v{VERSION}" / self.name


KINDS = {
    kind.name: kind
    for kind in (
        Kind("jpeg-12mp", 300, 4000, 3000, ".jpg", 90),
        Kind("jpeg-24mp", 60, 6000, 4000, ".jpg", 90),
        Kind("heic-12mp", 12, 4000, 3000, ".heic", 60),
        Kind("png-12mp", 12, 4000, 3000, ".png", 0),
        Kind("dng-12mp", 12, 4000, 3000, ".dng", 90),
        Kind("small", 500, 1200, 900, ".jpg", 88),
    )
}


def installed(name: str, *what: str) -> Path:
    """Where these packages are, beside the cached material: whole, or not there. `what` is told to pip."""
    place = CACHE / name
    if not place.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE, prefix="installing-") as draft:
            target = Path(draft, "packages")
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(target)]
            subprocess.run([*pip, *what], check=True)
            target.rename(place)
    return place


def photos(name: str, count: int | None = None) -> list[Path]:
    """The first COUNT files of a kind, all if none is given or there are fewer; made now if need be."""
    kind = KINDS[name]
    wanted = [kind.folder / f"{number:03}{kind.suffix}" for number in range(min(count or kind.count, kind.count))]
    missing = [number for number, path in enumerate(wanted) if not path.exists()]
    if missing:
        print(f"making {len(missing)} files in {kind.folder}", flush=True)
        kind.folder.mkdir(parents=True, exist_ok=True)
        with ProcessPoolExecutor() as pool:
            list(pool.map(partial(make, kind), missing))
    return wanted


def make(kind: Kind, number: int) -> None:
    """Draw and encode one file, and move it into place whole."""
    path = kind.folder / f"{number:03}{kind.suffix}"
    image = Image.fromarray(scene(kind.width, kind.height, number))
    partial_path = path.with_name(f".{path.name}.{os.getpid()}")
    if kind.suffix == ".heic":
        pillow_heif.from_pillow(image).save(partial_path, quality=kind.quality, enc_params={"preset": "ultrafast"})
    elif kind.suffix == ".png":
        image.save(partial_path, "PNG", compress_level=3)
    elif kind.suffix == ".dng":
        partial_path.write_bytes(make_dng(image, sensor=mosaic(np.asarray(image)), quality=kind.quality))
    else:
        image.save(partial_path, "JPEG", quality=kind.quality, subsampling="4:2:0")
    partial_path.replace(path)


def scene(width: int, height: int, seed: int) -> NDArray[np.uint8]:
    """One picture [height, width, 3]."""
    generator = np.random.default_rng((VERSION, seed))
    coarse = dead_leaves(width // COARSE, height // COARSE, generator)
    shown = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))
    tile = texture(generator)
    times = (-(-height // TEXTURE_SIDE), -(-width // TEXTURE_SIDE))
    surface = np.tile(tile, times)[:height, :width, None]
    noise = generator.integers(-6, 7, (height, width, 1), np.int16)
    pixels: NDArray[np.uint8] = np.clip(shown.astype(np.int16) + surface + noise, 0, 255).astype(np.uint8)
    return pixels


def mosaic(pixels: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """What a sensor behind a filter of red, green and blue squares (RGGB) sees of a picture: [height, width]."""
    seen = pixels[..., 1].astype(np.uint16)
    seen[0::2, 0::2], seen[1::2, 1::2] = pixels[0::2, 0::2, 0], pixels[1::2, 1::2, 2]
    return seen * 257


def dead_leaves(width: int, height: int, generator: np.random.Generator) -> Image.Image:
    """Discs from the farthest to the nearest, their radii distributed as r^-3."""
    image = Image.new("RGB", (width, height), (110, 120, 130))
    draw = ImageDraw.Draw(image)
    smallest, largest = 3.0, width / 3
    share = generator.random(DISCS)
    radii = (smallest**-2 + share * (largest**-2 - smallest**-2)) ** -0.5
    middles = generator.random((DISCS, 2)) * (width, height)
    colours = generator.normal(120, 45, (DISCS, 1)) + generator.normal(0, 22, (DISCS, 3))
    for radius, (x, y), colour in zip(radii, middles, np.clip(colours, 0, 255).astype(int), strict=True):
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), tuple(colour.tolist()))
    return image


def texture(generator: np.random.Generator) -> NDArray[np.int16]:
    """A tile of 1/f noise, 9 levels of deviation: [1024, 1024]."""
    frequency = np.fft.fftfreq(TEXTURE_SIDE)
    distance = np.hypot(frequency[:, None], frequency[None, : TEXTURE_SIDE // 2 + 1])
    distance[0, 0] = np.inf
    spectrum = np.fft.rfft2(generator.standard_normal((TEXTURE_SIDE, TEXTURE_SIDE))) / distance
    tile = np.fft.irfft2(spectrum)
    return np.asarray(9 * tile / tile.std(), np.int16)


def describe(paths: Iterable[Path]) -> str:
    """How many files and how large."""
    sizes = sorted(path.stat().st_size / 1e6 for path in paths)
    return f"{len(sizes)} files of {sizes[0]:.1f} to {sizes[-1]:.1f} MB"


def main() -> None:
    """Make everything."""
    for name, kind in KINDS.items():
        print(f"{name}: {kind.width} x {kind.height}, {describe(photos(name))}", flush=True)


if __name__ == "__main__":
    main()
