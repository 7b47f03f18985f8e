"""Rendering: groups of one unspoiled picture and four growing severities, kept in a cache of numbered shards.

A shard depends on the seed, its number, the list of photos and the code that renders it, and on nothing else; its
name says so. Rendering may therefore stop and go on at any shard, in any number of processes.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from photod.score.builtin import ATTRIBUTES
from photod.score.builtin.tower import INPUT_SIZE
from training import blanks, pristine
from training.distortions import DISTORTIONS, LIGHT, OPTICS, Distortion, Generator, to_pixels
from training.photos import Photo, Pixels, read_pixels

GROUP_SIZE: Final = 5
GROUPS_PER_SHARD: Final = 128
FAULTS: Final = tuple(ATTRIBUTES)

PRISTINE_QUALITY: Final = 2.0
WORST_QUALITY: Final = -5.0
"""Logits that the absolute loss aims at, before calibration."""
EMPTY_QUALITY: Final = -8.0
DRAWING_QUALITY: Final = -1.5


@dataclass(frozen=True, slots=True)
class Group:
    """Five pictures that are compared with each other.

    `ranked` is false where the pictures have nothing to do with each other (empty frames and drawings);
    `severity` and `quality` are [5], `faults` [5, number of faults] in 0..1.
    """

    pictures: NDArray[np.uint8]
    severity: NDArray[np.float32]
    quality: NDArray[np.float32]
    faults: NDArray[np.float32]
    ranked: bool


def squash(pixels: Pixels) -> Pixels:
    """Both sides to 224 by a bicubic filter, whatever the shape; at run time `intake.resize.bicubic` does that."""
    # The same but for portraits whose columns Pillow 13 resizes first, since that costs it less: from 3:4 on where
    # they are 320 pixels wide, from 9:16 on where they are 900. Their edges differ by up to 20 levels. The weights
    # that ship were trained with these, so whoever changes this trains anew.
    size = (INPUT_SIZE, INPUT_SIZE)
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))


def apply_distortion(pixels: Pixels, distortion: Distortion, severity: float, seed: int) -> Pixels:
    """Distort with a generator of its own, so that the same seed spoils in the same manner at any severity."""
    return distortion.apply(pixels, severity, np.random.default_rng(seed))


@dataclass(frozen=True, slots=True)
class Link:
    """One distortion of a chain: its share of the chain's severity, the seed of its details, and where it acts."""

    distortion: Distortion
    share: float
    seed: int
    partial: bool

    @property
    def harm(self) -> float:
        """How bad its worst is: what spoils a part only does less harm."""
        return self.distortion.harm * self.share * (PARTIAL_HARM if self.partial else 1.0)

    def spoil(self, pixels: Pixels, severity: float) -> Pixels:
        """Distort the whole picture, or only what lies within or around a soft spot."""
        spoiled = apply_distortion(pixels, self.distortion, severity, self.seed)
        if not self.partial:
            return spoiled
        generator = np.random.default_rng((self.seed, 1))
        where = pristine.spot(pixels.shape[:2], generator, generator.uniform(0.3, 0.8))
        where = where if generator.random() < 0.3 else 1 - where
        return to_pixels(pixels * (1 - where) + spoiled * where)


PARTIAL_HARM: Final = 0.7
PARTIAL_SHARE: Final = 0.2
"""How many of the faults of lens and light spoil a part of the picture only: a corner out of focus, a blown sky."""


def draw_chain(generator: Generator) -> tuple[Link, ...]:
    """One to three distortions in the order of a camera; the first drawn has the full severity."""
    length = generator.choice([1, 2, 3], p=[0.65, 0.25, 0.10])
    often = np.array([distortion.often for distortion in DISTORTIONS.values()])
    names = generator.choice(list(DISTORTIONS), length, replace=False, p=often / often.sum())
    links = []
    for index, name in enumerate(names):
        share = 1.0 if index == 0 else generator.uniform(0.3, 0.9)
        partial = DISTORTIONS[name].place in (OPTICS, LIGHT) and generator.random() < PARTIAL_SHARE
        links.append(Link(DISTORTIONS[name], share, int(generator.integers(2**32)), partial))
    return tuple(sorted(links, key=lambda link: link.distortion.place))


def draw_severities(generator: Generator) -> NDArray[np.float32]:
    """Zero and four rising severities, at least 0.12 apart, the last at most 1."""
    free = np.sort(generator.uniform(0, 0.52, 4))
    return np.concatenate(([0], free + 0.12 * np.arange(1, 5))).astype(np.float32)


VISIBLE_CHANGE: Final = 2.5
"""RMS difference from the original, of 255, at and above which a distortion counts as its parameters say."""


def visible_severity(pictures: Pixels, severity: NDArray[np.float32]) -> NDArray[np.float32]:
    """Lower the severities where little is to be seen: blur of an empty sky, lost colour of a grey photo."""
    change = pictures.astype(np.float32) - pictures[0]
    rms = np.sqrt(np.square(change).mean((1, 2, 3)))
    return np.maximum.accumulate(severity * np.minimum(rms / VISIBLE_CHANGE, 1)).astype(np.float32)


def render_group(photo: Pixels, generator: Generator) -> Group:
    """One photo unspoiled and at four rising severities of one chain."""
    start = pristine.compose(photo, generator)
    chain, severity = draw_chain(generator), draw_severities(generator)
    pictures, faults = [], np.zeros((GROUP_SIZE, len(FAULTS)), np.float32)
    for row, level in enumerate(severity):
        picture = start
        for link in chain if level > 0 else ():
            own = float(level) * link.share
            picture = link.spoil(picture, own)
            for name, share in link.distortion.faults.items():
                column = FAULTS.index(name)
                faults[row, column] = max(faults[row, column], own * share)
        pictures.append(squash(picture))
    severity = visible_severity(np.stack(pictures), severity)
    harm = max(link.harm for link in chain) + 0.15 * (len(chain) - 1)
    quality = PRISTINE_QUALITY + (WORST_QUALITY - PRISTINE_QUALITY) * severity**0.8 * min(harm, 1.1)
    return Group(np.stack(pictures), severity, quality.astype(np.float32), faults, ranked=True)


def render_blanks(photo: Pixels, generator: Generator) -> Group:
    """Three empty frames and two drawings."""
    pictures = [squash(blanks.empty_frame(photo, generator)) for _ in range(3)]
    pictures += [squash(blanks.drawing(generator)) for _ in range(2)]
    quality = np.array([EMPTY_QUALITY] * 3 + [DRAWING_QUALITY] * 2, np.float32)
    unknown = np.full((GROUP_SIZE, len(FAULTS)), np.nan, np.float32)
    return Group(np.stack(pictures), np.full(GROUP_SIZE, np.nan, np.float32), quality, unknown, ranked=False)


BLANKS_SHARE: Final = 0.06


def render_shard(photos: tuple[Photo, ...], seed: int, number: int, path: Path) -> None:
    """Render one shard: its labels beside PATH, then its pictures at PATH; a shard with pictures is whole."""
    torch.set_num_threads(1)
    generator = np.random.default_rng((seed, number))
    weights = np.array([photo.weight for photo in photos])
    groups = []
    for index in generator.choice(len(photos), GROUPS_PER_SHARD, p=weights / weights.sum()):
        photo = read_pixels(photos[index].path)
        draw = render_blanks if generator.random() < BLANKS_SHARE else render_group
        groups.append(draw(photo, generator))
    labels = {
        name: np.stack([getattr(group, name) for group in groups])
        for name in ("severity", "quality", "faults", "ranked")
    }
    _write_whole(path.with_suffix(".npz"), lambda stream: np.savez(stream, allow_pickle=False, **labels))
    pictures = np.stack([group.pictures for group in groups])
    _write_whole(path, lambda stream: np.save(stream, pictures))


def _write_whole(path: Path, write: Callable[[BinaryIO], None]) -> None:
    partial = path.with_suffix(f"{path.suffix}.{os.getpid()}")
    with partial.open("wb") as stream:
        write(stream)
    partial.replace(path)


def cache_key(photos: tuple[Photo, ...], seed: int) -> str:
    """A short hash of everything that a shard depends on besides its number."""
    digest = hashlib.sha256(f"{seed} {np.__version__} {[photo.path.name for photo in photos]}".encode())
    for name in ("render", "distortions", "pristine", "blanks", "photos"):
        digest.update(Path(__file__).with_name(f"{name}.py").read_bytes())
    return digest.hexdigest()[:12]


def render_cache(photos: tuple[Photo, ...], seed: int, shards: int, cache: Path, processes: int) -> Iterator[Path]:
    """Yield the paths of all shards in order, rendering those that are missing."""
    folder = cache / cache_key(photos, seed)
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number:04}.npy" for number in range(shards)]
    with ProcessPoolExecutor(processes) as pool:
        waiting = {
            path: pool.submit(render_shard, photos, seed, number, path)
            for number, path in enumerate(paths)
            if not path.exists()
        }
        for path in paths:
            if path in waiting:
                waiting[path].result()
            yield path
