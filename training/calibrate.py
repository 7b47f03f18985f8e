"""Calibration: one stretch and one shift of the quality logit, so that everyday photos spread about 5."""

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from photod.score.builtin.tower import CONSTANT
from training.photos import Photo, read_pixels
from training.render import squash

LOW, HIGH = 2.0, 7.2
"""Where the 5th and the 95th percentile of everyday photos come to lie, or further out."""
MEDIAN: Final = 5.0


def logit(score: float) -> float:
    """The quality logit of a score."""
    return float(np.log(score / (10 - score)))


def weighted_quantile(values: NDArray[np.float64], weights: NDArray[np.float64], share: float) -> float:
    """The value below which a share of the whole weight lies."""
    order = np.argsort(values)
    below = np.cumsum(weights[order]) - weights[order] / 2
    return float(np.interp(share * weights.sum(), below, values[order]))


def calibrate(differences: Tensor, embeddings: Tensor, photos: tuple[Photo, ...]) -> Tensor:
    """Return the differences with their first row stretched and shifted by the photos' own distribution.

    `embeddings` [n, 128] are those of the unspoiled photos, weighed as in training.
    """
    quality = (embeddings @ differences[0]).double().numpy()
    weights = np.array([photo.weight for photo in photos], np.float64)
    low, median, high = (weighted_quantile(quality, weights, share) for share in (0.05, 0.5, 0.95))
    stretch = max(logit(LOW) / (low - median), logit(HIGH) / (high - median))
    calibrated = differences.clone()
    calibrated[0] *= stretch
    calibrated[0, -1] += (logit(MEDIAN) - stretch * median) / CONSTANT
    return calibrated


def squashed(photos: tuple[Photo, ...]) -> NDArray[np.uint8]:
    """All photos as the model sees them at run time: [n, 224, 224, 3]."""
    return np.stack([squash(read_pixels(photo.path)) for photo in photos])


def as_is(differences: Tensor) -> Tensor:
    """A copy in fp32, detached."""
    return differences.detach().to(torch.float32).clone()
