"""Eighteen ways to spoil a photo, each from barely visible to severe.

Every distortion takes RGB pixels, a severity in (0, 1] and a generator, and returns new pixels of the same shape.
Called again with a generator of the same seed and a higher severity it spoils the same photo in the same manner,
only more. Lengths are in pixels of a photo whose short side is 320.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from torch.nn import functional

from training.photos import Pixels

Generator = np.random.Generator
Floats = NDArray[np.float32]
Apply = Callable[[Pixels, float, Generator], Pixels]

LEVELS: Final = (0.25, 0.5, 0.75, 1.0)
"""The severities that are measured: mild, moderate, strong, severe."""
MILD, STRONG = LEVELS[0], LEVELS[2]
REFERENCE_SIDE: Final = 320


@dataclass(frozen=True, slots=True)
class Distortion:
    """A way to spoil a photo: its place in a chain, the faults it shows, and how bad its worst is beside others.

    `often` is how frequently training draws it beside others: subtle ones need more practice.
    """

    apply: Apply
    place: int
    faults: Mapping[str, float] = field(default_factory=dict)
    harm: float = 1.0
    often: float = 1.0


def unit_length(pixels: Pixels) -> float:
    """How many pixels of this photo make one pixel of a photo of the reference size."""
    rows, columns = pixels.shape[:2]
    return float(min(rows, columns) / REFERENCE_SIDE)


def to_pixels(values: NDArray[np.floating[Any]]) -> Pixels:
    """Clip floats in 0..255 and round them."""
    rounded: Pixels = np.clip(values + 0.5, 0, 255).astype(np.uint8)
    return rounded


def convolve(pixels: Pixels, kernel: Floats) -> Pixels:
    """Filter each channel with a kernel of odd size, edges repeated."""
    planes = torch.from_numpy(pixels.astype(np.float32)).permute(2, 0, 1)[:, None]
    rows, columns = kernel.shape[0] // 2, kernel.shape[1] // 2
    padded = functional.pad(planes, (columns, columns, rows, rows), mode="replicate")
    filtered = functional.conv2d(padded, torch.from_numpy(kernel)[None, None])
    return to_pixels(filtered[:, 0].permute(1, 2, 0).numpy())


def gaussian_blur(pixels: Pixels, severity: float, generator: Generator) -> Pixels:
    """A Gaussian blur."""
    radius = (0.4 + 3.6 * severity) * unit_length(pixels)
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(radius)))


def disc(radius: float) -> Floats:
    """A disc of unit sum whose edge is one pixel soft."""
    reach = int(np.ceil(radius))
    axis = np.arange(-reach, reach + 1, dtype=np.float32)
    kernel = np.clip(radius + 0.5 - np.hypot(axis[:, None], axis[None]), 0, 1)
    return np.asarray(kernel / kernel.sum(), np.float32)


def defocus_blur(pixels: Pixels, severity: float, generator: Generator) -> Pixels:
    """A lens out of focus: blur by a disc."""
    return convolve(pixels, disc((1 + 5 * severity) * unit_length(pixels)))


def line(length: float, angle: float) -> Floats:
    """A line of unit sum through the middle of a square kernel."""
    reach = int(np.ceil(length / 2))
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    for position in np.linspace(-length / 2, length / 2, 4 * reach + 1):
        row, column = reach + position * np.sin(angle), reach + position * np.cos(angle)
        kernel[round(row), round(column)] += 1
    return np.asarray(kernel / kernel.sum(), np.float32)


def motion_blur(pixels: Pixels, severity: float, generator: Generator) -> Pixels:
    """A moving camera: blur along a line."""
    angle = generator.uniform(0, np.pi)
    return convolve(pixels, line((3 + 16 * severity) * unit_length(pixels), angle))


def gaussian_noise(pixels: Pixels, severity: float, generator: Generator) -> Pixels:
    """The same noise everywhere, in every channel; two times in five of a coarse grain."""
    rows, columns = pixels.shape[:2]
    high, wide = generator.integers(1, 4, 2) if generator.random() < 0.4 else (1, 1)
    noise = generator.standard_normal((-(-rows // high), -(-columns // wide), 3), np.float32)
    grain = noise.repeat(high, 0).repeat(wide, 1)[:rows, :columns]
    return to_pixels(pixels + grain * np.float32(4 + 36 * severity))


def sensor_noise(pixels: Pixels, severity: float, generator: Generator) -> Pixels:
    """Shot noise that is coarser in colour than in brightness, as after demosaicing at a high ISO."""
    rows, columns = pixels.shape[:2]
    fine = generator.standard_normal((rows, columns, 1), np.float32)
    coarse = generator.standard_normal(((rows + 1) // 2, (columns + 1) // 2, 3), np.float32)
    colour = coarse.repeat(2, 0).repeat(2, 1)[:rows, :columns]
    strength = np.sqrt(pixels.astype(np.float32) * 0.8 + 40) / 12
    return to_pixels(pixels + strength * (fine + 0.7 * colour) * np.float32(4 + 34 * severity))


def impulse_noise(pixels: Pixels, severity: float, generator: Generator) -> Pixels:
    """Dead and hot photosites: a growing share of values becomes 0 or 255."""
    chance = generator.random(pixels.shape, np.float32)
    share = 0.002 + 0.1 * severity**1.5
    extreme = np.where(chance < share / 2, 0, 255).astype(np.uint8)
    return np.where((chance < share / 2) | (chance > 1 - share / 2), extreme, pixels)


def expose(pixels: Pixels, stops: float) -> Pixels:
    """Change the exposure in linear light (display gamma 2.2)."""
    values = np.arange(256, dtype=np.float32) / 255
    table = to_pixels(255 * np.minimum(values**2.2 * np.float32(2.0**stops), 1) ** np.float32(1 / 2.2))
    return table[pixels]


def underexposure(pixels: Pixels, severity: float, generator: Generator) -> Pixels:
    """Too little light, by 0.4 to 3.4 stops."""
    return expose(pixels, -(0.4 + 3.0 * severity))


def overexposure(pixels: Pixels, severity: float, generator: Generator) -> Pixels:
    """Too much light, by 0.3 to 2.5 stops, and clipped."""
    return expose(pixels, 0.3 + 2.2 * severity)


def haze(pixels: Pixels, severity: float, generator: Generator) -> Pixels:
    """A light veil, denser towards the top, as with distance."""
    air = np.array(generator.uniform(190, 225) + generator.uniform(-8, 8, 3), np.float32)
    depth = np.linspace(1, generator.uniform(0.5, 1), pixels.shape[0], dtype=np.float32)[:, None, None]
    veil = (0.12 + 0.68 * severity) * depth
    return to_pixels(pixels * (1 - veil) + air * veil)


def low_contrast(pixels: Pixels, severity: float, generator: Generator) -> Pixels:
    """Everything nearer to one middle grey."""
    kept = 0.85 - 0.65 * severity
    middle = pixels.mean() * 0.5 + generator.uniform(90, 140) * 0.5
    return to_pixels(middle + (pixels.astype(np.float32) - np.float32(middle)) * np.float32(kept))


def colour_cast(pixels: Pixels, severity: float, generator: Generator) -> Pixels:
    """Gains that differ between the channels, with the mean brightness kept about the same."""
    phase = generator.uniform(0, 2 * np.pi)
    shift = np.cos(phase + np.array([0, 2, 4]) * np.pi / 3)
    gains = np.exp(shift * (0.06 + 0.54 * severity)).astype(np.float32)
    return to_pixels(pixels * gains)


def desaturation(pixels: Pixels, severity: float, generator: Generator) -> Pixels:
    """Colours fade."""
    grey = pixels @ np.array([0.299, 0.587, 0.114], np.float32)
    return to_pixels(grey[..., None] + (pixels - grey[..., None]) * np.float32(0.85 - 0.65 * severity))


def posterisation(pixels: Pixels, severity: float, generator: Generator) -> Pixels:
    """From 32 down to 3 steps of brightness."""
    levels = 32 * (3 / 32) ** severity
    return to_pixels(np.round(pixels * np.float32(levels / 255)) * np.float32(255 / levels))


def recompress(pixels: Pixels, form: str, **options: object) -> Pixels:
    """Encode and decode once."""
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, form, **options)
    return np.asarray(Image.open(stream).convert("RGB"))


def jpeg(pixels: Pixels, severity: float, generator: Generator) -> Pixels:
    """JPEG from quality 50 down to 5."""
    return recompress(pixels, "JPEG", quality=max(2, round(50 * 0.1**severity)))


def webp(pixels: Pixels, severity: float, generator: Generator) -> Pixels:
    """WebP from quality 40 down to 0."""
    return recompress(pixels, "WEBP", quality=round(40 * (1 - severity) ** 1.6), method=2)


def pixelation(pixels: Pixels, severity: float, generator: Generator) -> Pixels:
    """Squares of up to six pixels."""
    rows, columns = pixels.shape[:2]
    factor = (1 + 5 * severity) * unit_length(pixels)
    small = (max(2, round(columns / factor)), max(2, round(rows / factor)))
    coarse = Image.fromarray(pixels).resize(small, Image.Resampling.BOX)
    return np.asarray(coarse.resize((columns, rows), Image.Resampling.NEAREST))


def smear(pixels: Pixels, severity: float, generator: Generator) -> Pixels:
    """Noise reduction that wipes texture away and leaves edges: a guided filter led by the photo itself.

    Source: He, Sun and Tang, "Guided image filtering", 2013.
    """
    planes = torch.from_numpy(pixels.astype(np.float32) / 255).permute(2, 0, 1)[None]
    radius = max(1, round((2 + 5 * severity) * unit_length(pixels)))

    def box(values: torch.Tensor) -> torch.Tensor:
        padded = functional.pad(values, (radius,) * 4, mode="replicate")
        rows = functional.avg_pool2d(padded, (2 * radius + 1, 1), stride=1)
        return functional.avg_pool2d(rows, (1, 2 * radius + 1), stride=1)

    mean = box(planes)
    variance = box(planes.square()) - mean.square()
    gain = variance / (variance + (0.03 + 0.15 * severity) ** 2)
    smooth = box(gain) * planes + box(mean * (1 - gain))
    return to_pixels(255 * smooth[0].permute(1, 2, 0).numpy())


def moire(pixels: Pixels, severity: float, generator: Generator) -> Pixels:
    """Bent stripes, from waves to bars, as where the grid of a sensor meets that of a screen or a cloth."""
    rows, columns = pixels.shape[:2]
    period = 2.5 * 10 ** generator.uniform(0, 1) * unit_length(pixels)
    angle, bend = generator.uniform(0, np.pi), generator.uniform(-1, 1) / min(rows, columns)
    row, column = np.arange(rows, dtype=np.float32)[:, None], np.arange(columns, dtype=np.float32)[None]
    along, across = column * np.cos(angle) + row * np.sin(angle), row * np.cos(angle) - column * np.sin(angle)
    phases = generator.uniform(0, 2 * np.pi) + generator.uniform(0, 1) * np.arange(3)
    waves = np.sin(2 * np.pi / period * (along + bend * across**2)[..., None] + phases)
    edges = generator.uniform(0.1, 4)
    return to_pixels(pixels + np.tanh(edges * waves) / np.tanh(edges) * (3 + 27 * severity))


OPTICS, LIGHT, SENSOR, FILE = range(4)
"""Places in a chain, in the order in which a camera spoils a photo."""

DISTORTIONS: Final[Mapping[str, Distortion]] = {
    "gaussian blur": Distortion(gaussian_blur, OPTICS, {"blurry": 1}, often=0.7),
    "defocus blur": Distortion(defocus_blur, OPTICS, {"blurry": 1}, often=0.7),
    "motion blur": Distortion(motion_blur, OPTICS, {"blurry": 1}, often=0.7),
    "gaussian noise": Distortion(gaussian_noise, SENSOR, {"noisy": 1}, often=0.7),
    "sensor noise": Distortion(sensor_noise, SENSOR, {"noisy": 1}, often=0.7),
    "underexposure": Distortion(underexposure, LIGHT, {"dark": 1}, often=1.2),
    "haze": Distortion(haze, LIGHT, {"flat": 1, "dull": 0.4}),
    "low contrast": Distortion(low_contrast, LIGHT, {"flat": 1, "dull": 0.3}),
    "JPEG": Distortion(jpeg, FILE, {"blocky": 1}, often=1.7),
    "WebP": Distortion(webp, FILE, {"blocky": 0.5, "smeared": 0.7}, often=1.7),
    "pixelation": Distortion(pixelation, FILE, {"blocky": 1, "blurry": 0.3}, often=0.7),
    "impulse noise": Distortion(impulse_noise, SENSOR, {"noisy": 1}, often=0.7),
    "overexposure": Distortion(overexposure, LIGHT, {"overexposed": 1}, often=1.4),
    "colour cast": Distortion(colour_cast, LIGHT, {"tinted": 1}, 0.7, often=1.5),
    "desaturation": Distortion(desaturation, LIGHT, {"dull": 1}, 0.6, often=1.3),
    "posterisation": Distortion(posterisation, FILE, {"blocky": 0.7}, 0.9, often=1.3),
    "smear": Distortion(smear, SENSOR, {"smeared": 1, "blurry": 0.4}, often=1.4),
    "moire": Distortion(moire, SENSOR, {"noisy": 0.6}),
}

ELEVEN: Final = tuple(DISTORTIONS)[:11]
"""The distortions that the bars are strictest about."""
SEVENTEEN: Final = tuple(DISTORTIONS)[:17]
"""Those that all bars are about; the rest is there to teach."""
