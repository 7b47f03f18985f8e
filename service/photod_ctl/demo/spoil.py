"""What goes wrong with photographs: out of focus, shaken, dark, noisy, blown out, flat, a finger."""

import numpy as np
from PIL import Image, ImageFilter

from photod_ctl.demo.canvas import Canvas, Pixels, from_image, paint, to_image


def defocus(picture: Pixels, radius: float) -> Pixels:
    """Out of focus by `radius` pixels."""
    return from_image(to_image(picture).filter(ImageFilter.GaussianBlur(radius)))


def shake(picture: Pixels, pixels: int) -> Pixels:
    """Moved sideways by `pixels` while the shutter was open."""
    moved: Pixels = np.mean([np.roll(picture, step, axis=1) for step in range(pixels)], axis=0)
    return moved


def expose(picture: Pixels, stops: float) -> Pixels:
    """Under- or over-exposed by some stops."""
    exposed: Pixels = np.clip(picture**2.2 * 2.0**stops, 0, 1) ** (1 / 2.2)
    return exposed


def add_noise(picture: Pixels, amount: float, rng: np.random.Generator) -> Pixels:
    """The noise of a small sensor at a high sensitivity, coarse and coloured."""
    height, width = picture.shape[:2]
    fine = rng.normal(0, amount, picture.shape)
    blotches = Image.fromarray(rng.integers(0, 256, (height // 4, width // 4, 3), dtype=np.uint8))
    coarse = np.asarray(blotches.resize((width, height), Image.Resampling.BILINEAR), np.float32) / 255 - 0.5
    noisy: Pixels = np.clip(picture + fine + coarse * amount, 0, 1)
    return noisy


def haze(picture: Pixels) -> Pixels:
    """Flat: everything between two greys."""
    flat: Pixels = 0.52 + (picture - 0.5) * 0.22
    return flat


def finger(picture: Pixels, rng: np.random.Generator) -> Pixels:
    """A thumb before the lens."""
    height, width = picture.shape[:2]
    canvas, covered = Canvas(width, height, rng), picture.copy()
    paint(covered, "#b5705a", canvas.disc(canvas.aspect * 0.93, 0.95, 0.55, softness=0.25))
    return covered
