"""Pictures that photod carries as formulas: for the warm-up, the self-test and the measure of precision."""

import numpy as np
from numpy.typing import NDArray

COUNT = 16


def pictures(size: int, count: int = COUNT) -> NDArray[np.uint8]:
    """RGB pictures [count, size, size, 3], always the same ones: landscapes of noise, shapes and gradients.

    Their spectrum falls like that of photographs (amplitude as 1/f), and they run through bright and dark,
    vivid and pale, soft and sharp, so that a model's activations are spread as on real photos.
    """
    return np.stack([_picture(size, index) for index in range(count)])


def _picture(size: int, index: int) -> NDArray[np.uint8]:
    random = np.random.default_rng(index)
    y, x = np.mgrid[0:size, 0:size] / size
    steepness = 0.8 + 0.1 * (index % 8)
    shared = _noise(random, size, steepness)
    colour = np.stack([_noise(random, size, steepness + 0.3) for _ in range(3)], axis=-1)
    canvas = 0.5 + 0.2 * shared[..., None] + (0.02 + 0.02 * (index % 5)) * colour
    horizon = random.uniform(0.3, 0.7) + 0.1 * np.sin(2 * np.pi * (x + random.uniform()))
    canvas += np.where(y < horizon, 0.25, -0.2)[..., None] * random.uniform(0.2, 1.0, 3)
    for _ in range(index % 4):
        centre, radius = random.uniform(0.2, 0.8, 2), random.uniform(0.05, 0.25)
        disc = np.hypot(y - centre[0], x - centre[1]) < radius
        canvas[disc] = 0.3 * canvas[disc] + 0.7 * random.uniform(0, 1, 3)
    gain = (0.45, 0.8, 1.0, 1.3)[index // 4 % 4]
    return (np.clip(canvas * gain, 0, 1) * 255 + 0.5).astype(np.uint8)


def _noise(random: np.random.Generator, size: int, steepness: float) -> NDArray[np.float64]:
    """Noise [size, size] of mean 0 and variance 1 whose amplitude falls as frequency^-steepness."""
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :])
    frequency[0, 0] = np.inf  # no constant part
    spectrum = np.fft.rfft2(random.standard_normal((size, size))) / frequency**steepness
    field: NDArray[np.float64] = np.fft.irfft2(spectrum, s=(size, size))
    field /= field.std()
    return field
