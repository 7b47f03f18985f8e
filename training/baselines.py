"""Four simple judges to compare with, all on the squashed picture: higher is better for each."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

Scores = NDArray[np.float64]
BATCH = 64


def _grey(pictures: NDArray[np.uint8]) -> Tensor:
    """[n, h, w, 3] -> luma [n, 1, h, w] in 0..255."""
    return (torch.from_numpy(pictures).float() @ torch.tensor([0.299, 0.587, 0.114]))[:, None]


def laplacian_variance(pictures: NDArray[np.uint8]) -> Scores:
    """Variance of the 4-neighbour Laplacian: the usual measure of sharpness."""
    kernel = torch.tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]])[None, None]
    return np.asarray(functional.conv2d(_grey(pictures), kernel).flatten(1).var(1).double().numpy())


def colourfulness(pictures: NDArray[np.uint8]) -> Scores:
    """Hasler and Suesstrunk, "Measuring colourfulness in natural images", 2003."""
    red, green, blue = torch.from_numpy(pictures).float().flatten(1, 2).unbind(2)
    first, second = red - green, (red + green) / 2 - blue
    spread = torch.hypot(first.std(1), second.std(1))
    return np.asarray((spread + 0.3 * torch.hypot(first.mean(1), second.mean(1))).double().numpy())


def rms_contrast(pictures: NDArray[np.uint8]) -> Scores:
    """Standard deviation of the luma."""
    return np.asarray(_grey(pictures).flatten(1).std(1).double().numpy())


def _shape_from_ratio(ratio: Tensor) -> Tensor:
    """Shape of a generalised Gaussian whose E[|x|]^2 / E[x^2] is given, by table."""
    shapes = torch.arange(0.2, 10, 0.001, dtype=torch.float64)
    table = torch.exp(2 * torch.lgamma(2 / shapes) - torch.lgamma(1 / shapes) - torch.lgamma(3 / shapes))
    return shapes[torch.searchsorted(table, ratio.double()).clamp_max(len(shapes) - 1)]


def _asymmetric_fit(values: Tensor) -> list[Tensor]:
    """Shape, mean, left and right spread of an asymmetric generalised Gaussian: values are [n, many]."""
    negative, positive = values < 0, values >= 0
    left = ((values.square() * negative).sum(1) / negative.sum(1).clamp_min(1)).sqrt() + 1e-6
    right = ((values.square() * positive).sum(1) / positive.sum(1).clamp_min(1)).sqrt() + 1e-6
    skew = left / right
    ratio = values.abs().mean(1).square() / (values.square().mean(1) + 1e-9)
    ratio = ratio * (skew**3 + 1) * (skew + 1) / (skew.square() + 1).square()
    shape = _shape_from_ratio(ratio)
    mean = (right - left) * torch.exp(
        torch.lgamma(2 / shape) - 0.5 * torch.lgamma(1 / shape) - 0.5 * torch.lgamma(3 / shape)
    )
    return [shape, mean, left, right]


def brisque_features(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    """36 statistics of locally normalised luma at two scales: [n, 36].

    Source: Mittal, Moorthy and Bovik, "No-reference image quality assessment in the spatial domain", 2012.
    """
    axis = torch.arange(-3, 4)
    bell = torch.exp(-(axis.double() ** 2) / (2 * (7 / 6) ** 2)).float()
    window = (bell[:, None] * bell / bell.sum() ** 2)[None, None]
    luma, columns = _grey(pictures), []
    for _ in range(2):
        padded = functional.pad(luma, (3, 3, 3, 3), mode="replicate")
        mean = functional.conv2d(padded, window)
        spread = (functional.conv2d(padded.square(), window) - mean.square()).clamp_min(0).sqrt()
        normal = (luma - mean) / (spread + 1)
        flat = normal.flatten(1)
        columns += [_shape_from_ratio(flat.abs().mean(1).square() / (flat.square().mean(1) + 1e-9)), flat.std(1)]
        for down, across in ((0, 1), (1, 0), (1, 1), (1, -1)):
            shifted = torch.roll(normal, (down, across), (2, 3))
            columns += _asymmetric_fit((normal * shifted).flatten(1))
        luma = functional.avg_pool2d(luma, 2)
    return np.asarray(torch.stack([column.double() for column in columns], 1).numpy())


@dataclass(frozen=True, slots=True)
class BrisqueRidge:
    """A ridge regression from the BRISQUE-like features to the quality aim of the training renders."""

    centre: NDArray[np.float64]
    spread: NDArray[np.float64]
    slopes: NDArray[np.float64]

    def __call__(self, pictures: NDArray[np.uint8]) -> Scores:
        """Estimated aim of pictures [n, h, w, 3], up to a constant."""
        found: Scores = (brisque_features(pictures) - self.centre) / self.spread @ self.slopes
        return found


def fit_brisque(pictures: NDArray[np.uint8], aim: NDArray[np.float32], penalty: float = 1.0) -> BrisqueRidge:
    """Fit on rendered pictures [n, 224, 224, 3] and their aims [n]."""
    features = np.concatenate(
        [brisque_features(pictures[at : at + BATCH]) for at in range(0, len(pictures), BATCH)]
    )
    centre, spread = features.mean(0), features.std(0) + 1e-9
    normal = (features - centre) / spread
    target = aim.astype(np.float64) - aim.mean()
    slopes = np.linalg.solve(normal.T @ normal + penalty * np.eye(normal.shape[1]), normal.T @ target)
    assert math.isfinite(float(slopes.sum()))
    return BrisqueRidge(centre, spread, slopes)
