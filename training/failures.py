"""Pictures drawn by code that a judge of technical quality is apt to get wrong, and what each ought to show.

They need no photo, so they can stand in the repository. `fair` pictures deserve a middling score or better;
the others deserve less than a photo.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from training.distortions import Floats, Generator, to_pixels
from training.photos import Pixels

SIDE: Final = 640


@dataclass(frozen=True, slots=True)
class Scene:
    """A drawn picture: how to draw it, and whether it deserves a middling score at least."""

    draw: Callable[[Generator], Pixels]
    fair: bool


def texture(generator: Generator, roughness: float) -> Floats:
    """Natural texture, [SIDE, SIDE] in 0..1: noise whose amplitude falls with frequency to this power."""
    frequency = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None])
    frequency[0, 0] = 1
    spectrum = np.fft.rfft2(generator.standard_normal((SIDE, SIDE))) / frequency**roughness
    field = np.fft.irfft2(spectrum, (SIDE, SIDE))
    scaled: Floats = ((field - field.min()) / np.ptp(field)).astype(np.float32)
    return scaled


def _disc(centre: tuple[float, float], radius: float) -> Floats:
    rows, columns = np.mgrid[:SIDE, :SIDE]
    away = np.hypot(rows - centre[0], columns - centre[1])
    inside: Floats = np.clip(radius + 0.5 - away, 0, 1).astype(np.float32)
    return inside[..., None]


def full_moon(generator: Generator) -> Pixels:
    """A textured disc on black."""
    surface = (110 + 140 * texture(generator, 1.4))[..., None] * np.array([1, 0.97, 0.9], np.float32)
    inside = _disc((SIDE / 2, SIDE / 2), SIDE / 5)
    return to_pixels(surface * inside + 4 * (1 - inside))


def sunset(generator: Generator) -> Pixels:
    """A glowing sky with the sun above dark hills."""
    height = np.linspace(0, 1, SIDE, dtype=np.float32)[:, None, None]
    glow = np.exp(-(((height - 0.65) / 0.3) ** 2))
    sky = np.array([255, 140, 50], np.float32) * glow + np.array([50, 40, 100], np.float32) * (1 - glow)
    sky = sky * (0.85 + 0.3 * texture(generator, 1.8)[..., None])
    sun = _disc((SIDE * 0.6, SIDE * 0.4), SIDE / 18)
    sky = sky * (1 - sun) + np.array([255, 245, 200], np.float32) * sun
    hills = 0.7 + 0.06 * np.sin(np.arange(SIDE) / 60) + 0.1 * texture(generator, 1.5)[0]
    return to_pixels(np.where(height > hills[None, :, None], 12 * texture(generator, 1.0)[..., None], sky))


def white_ground(generator: Generator) -> Pixels:
    """A textured vase-like thing on white, as in a catalogue."""
    surface = (40 + 180 * texture(generator, 1.2))[..., None] * np.array([0.9, 0.5, 0.35], np.float32)
    inside = _disc((SIDE * 0.55, SIDE / 2), SIDE / 4)
    shade = 1 - 0.5 * np.linspace(-0.5, 1, SIDE, dtype=np.float32)[None, :, None].clip(0)
    return to_pixels(surface * shade * inside + 252 * (1 - inside))


def fog(generator: Generator) -> Pixels:
    """Tree trunks that fade into fog, on purpose."""
    image = np.full((SIDE, SIDE, 3), 205, np.float32)
    for depth in np.linspace(1, 0, 24):
        left = int(generator.uniform(0, SIDE - 30))
        width = int(8 + 30 * (1 - depth))
        trunk = 60 + 140 * depth + 25 * (1 - depth) * (texture(generator, 0.9)[:, :width] - 0.5)
        image[:, left : left + width] = trunk[..., None][:, : SIDE - left]
    return to_pixels(image)


def snow(generator: Generator) -> Pixels:
    """A bright field of snow below a pale sky."""
    light = 215 + 40 * texture(generator, 1.3)
    light[: SIDE // 3] = 200 + 15 * texture(generator, 2.0)[: SIDE // 3]
    return to_pixels(light[..., None] * np.array([0.97, 0.99, 1], np.float32))


def night(generator: Generator) -> Pixels:
    """Small lights in the dark, crisp."""
    image = Image.fromarray(to_pixels((12 * texture(generator, 1.5))[..., None].repeat(3, 2)))
    draw = ImageDraw.Draw(image)
    for _ in range(160):
        column, row = generator.uniform(0, SIDE), generator.normal(0.6, 0.08) * SIDE
        radius = generator.uniform(1, 5)
        draw.ellipse((column - radius, row - radius, column + radius, row + radius), (255, 220, 140))
    return np.asarray(image)


def road_sign(generator: Generator) -> Pixels:
    """A crisp drawing of a sign: no photo at all."""
    image = Image.new("RGB", (SIDE, SIDE), (90, 150, 220))
    draw = ImageDraw.Draw(image)
    draw.ellipse((80, 80, 560, 560), "white", (200, 20, 20), 60)
    draw.text((190, 220), "50", "black", font=ImageFont.load_default(220))
    return np.asarray(image)


def chart(generator: Generator) -> Pixels:
    """A bar chart on white with a line of text."""
    image = Image.new("RGB", (SIDE, SIDE), "white")
    draw = ImageDraw.Draw(image)
    for bar, height in enumerate(generator.uniform(100, 500, 6)):
        draw.rectangle((60 + 95 * bar, 600 - height, 120 + 95 * bar, 600), (60, 110, 180))
    draw.text((120, 20), "Photos by month", "black", font=ImageFont.load_default(40))
    return np.asarray(image)


def noise_alone(generator: Generator) -> Pixels:
    """White noise: all detail, nothing to see."""
    return generator.integers(0, 256, (SIDE, SIDE, 3), np.uint8)


def lens_cap(generator: Generator) -> Pixels:
    """Black with a little noise."""
    return to_pixels(6 + 3 * generator.standard_normal((SIDE, SIDE, 3)))


def finger(generator: Generator) -> Pixels:
    """Most of the frame covered by something warm and out of focus."""
    scene = np.asarray(Image.fromarray(sunset(generator)), np.float32)
    cover = Image.fromarray((255 * _disc((SIDE * 0.3, SIDE * 0.7), SIDE * 0.6)[..., 0]).astype(np.uint8))
    inside = np.asarray(cover.filter(ImageFilter.GaussianBlur(40)), np.float32)[..., None] / 255
    return to_pixels(scene * (1 - inside) + np.array([190, 110, 90], np.float32) * inside)


SCENES: Final[dict[str, Scene]] = {
    "full moon": Scene(full_moon, fair=True),
    "sunset": Scene(sunset, fair=True),
    "white ground": Scene(white_ground, fair=True),
    "snow": Scene(snow, fair=True),
    "fog": Scene(fog, fair=True),
    "night lights": Scene(night, fair=True),
    "road sign": Scene(road_sign, fair=False),
    "chart": Scene(chart, fair=False),
    "noise alone": Scene(noise_alone, fair=False),
    "lens cap": Scene(lens_cap, fair=False),
    "finger": Scene(finger, fair=False),
}

FAIR: Final = 4.0
"""A fair scene below this, or another above it, is a failure."""


def draw_all() -> list[Pixels]:
    """All scenes, the same every time."""
    return [scene.draw(np.random.default_rng(number)) for number, scene in enumerate(SCENES.values())]
