"""Pictures that are no photos: empty frames, which deserve nothing, and drawings, which deserve little."""

from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from training.distortions import Generator, gaussian_blur, to_pixels
from training.photos import Pixels

SIDE: Final = 320


def colour(generator: Generator) -> tuple[int, int, int]:
    """A random colour; one in three is a grey, black or white."""
    if generator.random() < 1 / 3:
        grey = (0, 255, int(generator.integers(256)))[generator.integers(3)]
        return grey, grey, grey
    red, green, blue = (int(value) for value in generator.integers(0, 256, 3))
    return red, green, blue


def empty_frame(photo: Pixels, generator: Generator) -> Pixels:
    """A plain colour, a gradient of two, a lens cap with its noise, or a photo blurred beyond recognition."""
    kind = generator.integers(5)
    if kind == 4:
        return gaussian_blur(gaussian_blur(photo, 6, generator), 6, generator)
    plain = np.full((SIDE, SIDE, 3), colour(generator), np.float32)
    if kind == 1:
        fade = np.linspace(0, 1, SIDE, dtype=np.float32)[:, None, None]
        plain = plain * fade + np.array(colour(generator), np.float32) * (1 - fade)
        plain = plain if generator.random() < 0.5 else plain.transpose(1, 0, 2)
    if kind == 2:
        plain *= generator.uniform(0, 0.15)
    if kind in (2, 3):
        plain += generator.standard_normal(plain.shape, np.float32) * np.float32(generator.uniform(0.5, 8))
    return to_pixels(plain)


def drawing(generator: Generator) -> Pixels:
    """Flat shapes, lines and letters, crisp as no photo is: a sign, a chart, a logo."""
    image = Image.new("RGB", (SIDE, SIDE), colour(generator))
    draw = ImageDraw.Draw(image)
    for _ in range(generator.integers(1, 14)):
        first, second = generator.integers(-40, SIDE + 40, (2, 2))
        low, high = np.minimum(first, second).tolist(), np.maximum(first, second).tolist()
        box = (low[0], low[1], high[0], high[1])
        kind = generator.integers(5)
        if kind == 0:
            draw.rectangle(box, colour(generator))
        elif kind == 1:
            draw.ellipse(box, colour(generator), colour(generator), int(generator.integers(1, 6)))
        elif kind == 2:
            draw.line(box, colour(generator), int(generator.integers(1, 8)))
        elif kind == 3:
            draw.polygon([tuple(p) for p in generator.integers(0, SIDE, (4, 2)).tolist()], colour(generator))
        else:
            letters = "".join(chr(code) for code in generator.integers(48, 91, generator.integers(2, 12)))
            font = ImageFont.load_default(float(generator.integers(10, 90)))
            draw.text((low[0], low[1]), letters, colour(generator), font=font)
    return np.asarray(image)
