"""Unspoiled pictures to start from: photos whole or cropped, and scenes that a naive judge would take for spoiled.

High key, snow, low key, a disc on black, a silhouette before an evening sky, black and white and shallow focus are
no faults. They are composed here from the training photos, so that the model sees them as starting points too.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from PIL import Image, ImageFilter

from training.distortions import Floats, Generator, to_pixels
from training.photos import Pixels

FILTERS: Final = (
    Image.Resampling.LANCZOS,
    Image.Resampling.BICUBIC,
    Image.Resampling.HAMMING,
    Image.Resampling.BOX,
)


def compose(photo: Pixels, generator: Generator) -> Pixels:
    """Turn a training photo into a starting point: 7 of 10 times as it is or cropped, else as a special scene."""
    picture = crop(photo, generator)
    if generator.random() < 0.3:
        picture = SCENES[generator.integers(len(SCENES))](picture, generator)
    return picture


def crop(photo: Pixels, generator: Generator) -> Pixels:
    """The whole photo, or three quarters of each side or more, at a slightly varied size and by a varied filter."""
    rows, columns = photo.shape[:2]
    kept_rows, kept_columns = rows, columns
    if generator.random() < 0.6:
        kept_rows = round(rows * generator.uniform(0.75, 1))
        kept_columns = round(columns * generator.uniform(0.75, 1))
    top = generator.integers(rows - kept_rows + 1)
    left = generator.integers(columns - kept_columns + 1)
    image = Image.fromarray(photo[top : top + kept_rows, left : left + kept_columns])
    if generator.random() < 0.5:
        scale = max(generator.uniform(0.8, 1), 230 / min(kept_rows, kept_columns))
        size = (round(kept_columns * min(scale, 1)), round(kept_rows * min(scale, 1)))
        image = image.resize(size, FILTERS[generator.integers(len(FILTERS))])
    return np.asarray(image)


def spot(shape: tuple[int, int], generator: Generator, softness: float) -> Floats:
    """A soft ellipse, 1 inside and 0 outside, covering a fifth to two thirds of the frame: [rows, columns, 1]."""
    rows, columns = shape
    centre = generator.uniform(0.35, 0.65, 2)
    radii = generator.uniform(0.25, 0.5, 2)
    down = (np.arange(rows) / rows - centre[0]) / radii[0]
    across = (np.arange(columns) / columns - centre[1]) / radii[1]
    power = generator.uniform(2, 4)
    distance = (np.abs(down[:, None]) ** power + np.abs(across[None]) ** power) ** (1 / power)
    inside: Floats = np.clip((1 + softness - distance) / (2 * softness), 0, 1).astype(np.float32)
    return inside[..., None]


def high_key(picture: Pixels, generator: Generator) -> Pixels:
    """A bright subject on a white ground."""
    inside = spot(picture.shape[:2], generator, generator.uniform(0.01, 0.5))
    bright = 255 * (picture.astype(np.float32) / 255) ** np.float32(generator.uniform(0.6, 1))
    ground = np.float32(generator.uniform(238, 255))
    return to_pixels(bright * inside + ground * (1 - inside))


def snow(picture: Pixels, generator: Generator) -> Pixels:
    """A bright, faintly shaded ground that leaves the darkest parts of the photo standing out, and a pale sky."""
    luma = picture.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    edge = np.quantile(luma, generator.uniform(0.1, 0.45))
    dark = np.clip((edge - luma) / np.float32(generator.uniform(60, 120)) + 0.5, 0, 1)[..., None]
    shade = (luma / max(1.0, float(luma.max())))[..., None] * np.float32(generator.uniform(10, 45))
    cool = np.array([1, 1, 1], np.float32) - np.array([1, 0.6, 0], np.float32) * np.float32(
        generator.uniform(0, 0.06)
    )
    ground = (np.float32(generator.uniform(196, 215)) + shade) * cool
    return to_pixels(picture * dark + ground * (1 - dark))


def low_key(picture: Pixels, generator: Generator) -> Pixels:
    """A lit subject before a black ground."""
    inside = spot(picture.shape[:2], generator, generator.uniform(0.02, 0.7))
    return to_pixels(picture * inside + np.float32(generator.uniform(0, 14)) * (1 - inside))


def moon(picture: Pixels, generator: Generator) -> Pixels:
    """A bright textured disc in a dark sky."""
    rows, columns = picture.shape[:2]
    radius = generator.uniform(0.06, 0.4) * min(rows, columns)
    centre = generator.uniform(0.4, 0.6, 2) * (rows, columns)
    away = np.hypot(np.arange(rows)[:, None] - centre[0], np.arange(columns)[None] - centre[1])
    disc = np.clip(radius + 0.7 - away, 0, 1)[..., None].astype(np.float32)
    grey = picture.astype(np.float32).mean(2, keepdims=True)
    surface = 90 + 165 * (grey - grey.min()) / max(1.0, float(np.ptp(grey)))
    tint = np.array([1, generator.uniform(0.85, 1), generator.uniform(0.6, 1)], np.float32)
    sky = np.array(generator.uniform(0, 16, 3), np.float32) * np.array([0.5, 0.7, 1.5], np.float32)
    return to_pixels(surface * tint * disc + sky * (1 - disc))


def silhouette(picture: Pixels, generator: Generator) -> Pixels:
    """Dark land or branches before an evening sky that glows near the horizon."""
    rows, columns = picture.shape[:2]
    horizon = generator.uniform(0.5, 0.85)
    height = np.arange(rows, dtype=np.float32)[:, None, None] / rows
    glow = np.exp(-(((height - horizon) / generator.uniform(0.15, 0.5)) ** 2))
    warm = np.array([255, generator.uniform(110, 190), generator.uniform(20, 110)], np.float32)
    cool = np.array(generator.uniform((10, 15, 40), (90, 80, 140)), np.float32)
    sky = warm * glow + cool * (1 - glow)
    detail = picture.astype(np.float32) / max(1.0, float(picture.mean()))
    sky = sky * np.clip(0.7 + 0.3 * detail, 0, 1.4)
    land = 0.12 * picture.astype(np.float32)
    luma = picture.astype(np.float32).mean(2, keepdims=True)
    threshold = np.quantile(luma, generator.uniform(0.15, 0.4))
    skyline = horizon + 0.05 * np.cumsum(generator.standard_normal(columns)) / np.sqrt(columns)
    solid = (height > skyline[None, :, None]) | ((luma < threshold) & (generator.random() < 0.6))
    return to_pixels(np.where(solid, land, sky))


def black_and_white(picture: Pixels, generator: Generator) -> Pixels:
    """Grey by varied channel weights, with the contrast stretched as a photographer would."""
    grey = picture @ generator.dirichlet((3, 5, 2)).astype(np.float32)
    low, high = np.quantile(grey, (0.005, 0.995))
    stretched = (grey - low) * np.float32(250 / max(40.0, high - low)) + 2
    return to_pixels(np.repeat(stretched[..., None], 3, 2))


def graded(picture: Pixels, generator: Generator) -> Pixels:
    """A photographer's grade: a gentle S curve, richer colour, shadows and lights of different tint."""
    values = picture.astype(np.float32) / 255
    curve = generator.uniform(0, 0.6)
    values = values * (1 - curve) + curve * values * values * (3 - 2 * values)
    grey = values.mean(2, keepdims=True)
    values = grey + (values - grey) * np.float32(generator.uniform(1, 1.4))
    tint = np.array(generator.uniform(-0.05, 0.05, 3), np.float32)
    return to_pixels(255 * (values + tint * (1 - 2 * grey)))


def shallow_focus(picture: Pixels, generator: Generator) -> Pixels:
    """A sharp subject before a blurred ground."""
    inside = spot(picture.shape[:2], generator, generator.uniform(0.05, 0.3))
    radius = generator.uniform(2, 9)
    ground = np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(radius)), np.float32)
    return to_pixels(picture * inside + ground * (1 - inside))


SCENES: Final[tuple[Callable[[Pixels, Generator], Pixels], ...]] = (
    high_key,
    snow,
    low_key,
    moon,
    silhouette,
    black_and_white,
    graded,
    shallow_focus,
)
