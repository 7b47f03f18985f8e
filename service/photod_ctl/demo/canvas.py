"""What the rendered scenes are made of: coordinates, gradients, noise, light."""

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[Any]
"""[height, width, 3], floating point, sRGB from 0 to 1; scenes may exceed the range, `finish` brings them back."""
Plane = NDArray[Any]
"""[height, width], floating point; one of the two may be 1 where it does not vary."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """The size of a picture and its own source of randomness."""

    width: int
    height: int
    rng: np.random.Generator

    @property
    def x(self) -> Plane:
        """Columns: 0 at the left edge, the aspect ratio at the right one. [1, width]"""
        return np.linspace(0, self.width / self.height, self.width, dtype=np.float32)[None, :]

    @property
    def y(self) -> Plane:
        """Rows: 0 at the top, 1 at the bottom. [height, 1]"""
        return np.linspace(0, 1, self.height, dtype=np.float32)[:, None]

    @property
    def aspect(self) -> float:
        """Width divided by height."""
        return self.width / self.height

    def gradient(self, *stops: tuple[float, str]) -> Pixels:
        """A vertical gradient through colours at heights from 0 (top) to 1 (bottom)."""
        heights = [height for height, _ in stops]
        colours = np.array([rgb(colour) for _, colour in stops])
        rows = np.stack([np.interp(self.y[:, 0], heights, colours[:, c]) for c in range(3)], axis=1)
        return np.repeat(rows[:, None, :], self.width, axis=1).astype(np.float32)

    def noise(self, cells: float, octaves: int = 4, stretch: float = 1.0) -> Plane:
        """Cloudy noise from 0 to 1; `cells` per picture height, `stretch` times as wide as high."""
        total = np.zeros((self.height, self.width), np.float32)
        for octave in range(octaves):
            rows = max(2, round(cells * 2**octave))
            columns = max(2, round(cells * 2**octave * self.aspect / stretch))
            grid = Image.fromarray(self.rng.random((rows + 3, columns + 3), dtype=np.float32))
            layer = grid.resize((self.width, self.height), Image.Resampling.BICUBIC)
            total += np.asarray(layer) / 2**octave
        low, high = total.min(), total.max()
        scaled: Plane = (total - low) / max(high - low, 1e-6)
        return scaled

    def ridge(self, base: float, height: float, roughness: int = 6) -> Plane:
        """A skyline: for every column the row where land begins. [1, width]"""
        line: NDArray[Any] = np.zeros(self.width)
        for octave in range(roughness):
            knots = self.rng.random(3 + 2 * 2**octave) - 0.5
            places = np.linspace(0, self.width - 1, len(knots))
            line += _smooth(places, knots, np.arange(self.width)) / 1.9**octave
        rows: Plane = base - height * (line - line.min()) / max(np.ptp(line), 1e-6)
        return rows[None, :]

    def disc(self, x: float, y: float, radius: float, softness: float = 0.004) -> Plane:
        """Coverage of a disc, 0 to 1."""
        distance = np.hypot(self.x - x, self.y - y)
        coverage: Plane = np.clip((radius - distance) / softness + 0.5, 0, 1)
        return coverage

    def glow(self, x: float, y: float, radius: float) -> Plane:
        """Light that falls off from a point, 1 at its centre."""
        falloff: Plane = np.exp(-((self.x - x) ** 2 + (self.y - y) ** 2) / (2 * radius**2))
        return falloff


def rgb(colour: str) -> Pixels:
    """The colour "#rrggbb" as three numbers from 0 to 1."""
    return np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)], np.float32)


def paint(picture: Pixels, colour: str | Pixels, coverage: Plane) -> None:
    """Lay a colour, or another picture, over the picture where `coverage` says so."""
    box = _box(coverage)
    over = rgb(colour) if isinstance(colour, str) else colour
    if over.ndim == 3:
        over = over[box]
    picture[box] += (over - picture[box]) * coverage[box][..., None]


def light(picture: Pixels, colour: str, amount: Plane) -> None:
    """Add light of a colour to the picture."""
    box = _box(amount)
    picture[box] += rgb(colour) * amount[box][..., None]


def below(canvas: Canvas, line: Plane) -> Plane:
    """Coverage of everything below a skyline."""
    return np.clip((canvas.y - line) / 0.003 + 0.5, 0, 1)


def finish(picture: Pixels, canvas: Canvas) -> Pixels:
    """What a lens and a sensor add: darker corners, a little grain, highlights that roll off."""
    radius = ((canvas.x / canvas.aspect - 0.5) ** 2 + (canvas.y - 0.5) ** 2)[..., None]
    picture = picture * (1 - 0.5 * radius)
    picture = picture + canvas.rng.normal(0, 0.008, (canvas.height, canvas.width, 1)).astype(np.float32)
    bright = np.maximum(picture - 0.8, 0)
    return np.clip(np.minimum(picture, 0.8) + 0.2 * (1 - np.exp(-bright / 0.2)), 0, 1)


def to_image(picture: Pixels) -> Image.Image:
    """The picture as 8-bit RGB."""
    return Image.fromarray((picture * 255 + 0.5).astype(np.uint8))


def from_image(image: Image.Image) -> Pixels:
    """The inverse of `to_image`."""
    return np.asarray(image.convert("RGB"), np.float32) / 255


def _box(plane: Plane) -> tuple[slice, slice]:
    """The smallest rectangle outside which the plane is as good as zero: most shapes are small."""
    seen = plane > 1e-3
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    if not len(rows):
        return slice(0, 0), slice(0, 0)
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _smooth(places: NDArray[Any], values: NDArray[Any], at: NDArray[Any]) -> NDArray[Any]:
    """Cosine interpolation."""
    right = np.clip(np.searchsorted(places, at, side="right"), 1, len(places) - 1)
    t = (at - places[right - 1]) / (places[right] - places[right - 1])
    t = (1 - np.cos(np.pi * t)) / 2
    return cast("NDArray[Any]", values[right - 1] * (1 - t) + values[right] * t)
