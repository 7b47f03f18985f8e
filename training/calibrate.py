"""Calibration: one stretch and one shift of the quality logit, so that everyday photos spread about 5."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from photod.score.builtin.tower import CONSTANT
from training.photos import FLOWERS, Photo, read_pixels
from training.render import squash

LOW, HIGH = 2.0, 7.2
"""Where the 5th and the 95th percentile of everyday photos come to lie, or further out."""
MEDIAN: Final = 5.0
SHOWPIECES: Final = (FLOWERS, "cq100-unsplash")
"""The sources whose photos were chosen for their looks; an archive holds mostly others."""


def logit(score: float) -> float:
    """The quality logit of a score."""
    return float(np.log(score / (10 - score)))


def calibrate(differences: Tensor, embeddings: Tensor, photos: tuple[Photo, ...]) -> Tensor:
    """Return the differences with their first row stretched and shifted by the distribution of ordinary photos.

    `embeddings` [n, 128] are those of the unspoiled photos.
    """
    ordinary = torch.tensor([photo.source not in SHOWPIECES for photo in photos])
    quality = (embeddings[ordinary] @ differences[0]).double().numpy()
    low, median, high = np.quantile(quality, (0.05, 0.5, 0.95))
    stretch = max(logit(LOW) / (low - median), logit(HIGH) / (high - median))
    calibrated = differences.clone()
    calibrated[0] *= stretch
    calibrated[0, -1] += (logit(MEDIAN) - stretch * median) / CONSTANT
    return calibrated


PRESENT, ABSENT = 0.4, 0.1
"""A fault is there from this share of its worst on, and not there below; what lies between teaches nothing."""
POSITIVE_WEIGHT: Final = 2.0
PENALTY: Final = 1e-6


def fit_faults(differences: Tensor, embeddings: Tensor, shares: Tensor) -> Tensor:
    """Return the differences with the rows of the faults refitted by logistic regression on training renders.

    During training the faults shape the embedding but are rare, so their rows only learn to say no. `embeddings`
    are [n, 128], `shares` [n, faults] in 0..1.
    """
    inputs = embeddings.double()
    rows = differences[1:].double().clone().requires_grad_()
    wanted, known = (shares >= PRESENT).double(), (shares >= PRESENT) | (shares < ABSENT)
    weights = known * (1 + (POSITIVE_WEIGHT - 1) * wanted)
    optimiser = torch.optim.LBFGS([rows], max_iter=300, history_size=20, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        losses = functional.binary_cross_entropy_with_logits(inputs @ rows.T, wanted, reduction="none")
        loss = (losses * weights).sum() / len(inputs) + PENALTY * rows.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    return torch.cat((differences[:1], rows.detach().to(differences.dtype)))


IN_VAIN: Final = 0.02
"""How many unspoiled photos may be told of each fault; the more, the more real faults are named."""


def set_thresholds(differences: Tensor, embeddings: Tensor) -> Tensor:
    """Return the differences with every fault's offset such that it is named on that many unspoiled photos.

    `embeddings` are [n, 128].
    """
    logits = embeddings @ differences[1:].T
    shifted = differences.clone()
    shifted[1:, -1] -= torch.quantile(logits, 1 - IN_VAIN, dim=0) / CONSTANT
    return shifted


def labelled(paths: Iterable[Path], label: str) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The ranked pictures of these shards [n, 224, 224, 3] and one of their labels [n, ...]."""
    pictures, labels = [], []
    for path in paths:
        known = np.load(path.with_suffix(".npz"))
        chosen = known["ranked"]
        pictures.append(np.concatenate(np.load(path, mmap_mode="r")[chosen]))
        labels.append(np.concatenate(known[label][chosen]))
    return np.concatenate(pictures), np.concatenate(labels)


def squashed(photos: tuple[Photo, ...]) -> NDArray[np.uint8]:
    """All photos as the model sees them at run time, but for some portraits (see `squash`): [n, 224, 224, 3]."""
    return np.stack([squash(read_pixels(photo.path)) for photo in photos])


def as_is(differences: Tensor) -> Tensor:
    """A copy in fp32, detached."""
    return differences.detach().to(torch.float32).clone()
