"""Five distortions that training never uses: was quality learned, or only a list of faults?"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from PIL import Image

from training.distortions import FILE, OPTICS, SENSOR, Distortion, Generator, recompress, to_pixels, unit_length
from training.photos import Pixels


def zoom_blur(pixels: Pixels, severity: float, generator: Generator) -> Pixels:
    """The mean of the photo at growing magnifications about its centre."""
    rows, columns = pixels.shape[:2]
    image = Image.fromarray(pixels)
    total = np.zeros(pixels.shape, np.float32)
    factors = np.linspace(1, 1 + 0.02 + 0.14 * severity, 12)
    for factor in factors:
        half_width, half_height = columns / factor / 2, rows / factor / 2
        box = (columns / 2 - half_width, rows / 2 - half_height, columns / 2 + half_width, rows / 2 + half_height)
        total += np.asarray(image.resize((columns, rows), Image.Resampling.BILINEAR, box=box))
    return to_pixels(total / len(factors))


def speckle(pixels: Pixels, severity: float, generator: Generator) -> Pixels:
    """Noise in proportion to the light, grainy over two pixels."""
    rows, columns = pixels.shape[:2]
    coarse = generator.standard_normal(((rows + 1) // 2, (columns + 1) // 2, 1), np.float32)
    grain = coarse.repeat(2, 0).repeat(2, 1)[:rows, :columns]
    return to_pixels(pixels * (1 + grain * np.float32(0.04 + 0.3 * severity)))


def jpeg2000(pixels: Pixels, severity: float, generator: Generator) -> Pixels:
    """Wavelet compression at a ratio of 40 to 300."""
    return recompress(pixels, "JPEG2000", quality_mode="rates", quality_layers=[round(20 * 15**severity)])


def jitter(pixels: Pixels, severity: float, generator: Generator) -> Pixels:
    """Each pixel is taken from a random place near it, as through frosted glass."""
    rows, columns = pixels.shape[:2]
    reach = (0.5 + 4 * severity) * unit_length(pixels)
    offsets = np.rint(generator.uniform(-1, 1, (2, rows, columns)) * reach).astype(np.intp)
    row = np.clip(np.arange(rows)[:, None] + offsets[0], 0, rows - 1)
    column = np.clip(np.arange(columns)[None] + offsets[1], 0, columns - 1)
    return np.asarray(pixels[row, column])


def stripes(pixels: Pixels, severity: float, generator: Generator) -> Pixels:
    """The row noise of a cheap sensor: every row is a little too bright or too dark."""
    offsets = generator.standard_normal((pixels.shape[0], 1, 1), np.float32)
    return to_pixels(pixels + offsets * np.float32(4 + 28 * severity))


UNSEEN: Final[Mapping[str, Distortion]] = {
    "zoom blur": Distortion(zoom_blur, OPTICS),
    "speckle": Distortion(speckle, SENSOR),
    "JPEG 2000": Distortion(jpeg2000, FILE),
    "jitter": Distortion(jitter, OPTICS),
    "row stripes": Distortion(stripes, SENSOR),
}
