"""Whether weights fit their architecture, and whether anybody has trained them."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from photod.errors import ConfigError

_STANDARD_ERRORS = 4.0  # a sample this close to the initial distribution was drawn from it


def check_fit(state: Mapping[str, Tensor], expected: Mapping[str, Tensor], where: str) -> None:
    """Raise ConfigError that names the first tensor which is missing, too many or of another shape."""
    remedy = f"check model.architecture: these weights {_looks_like(state)}"
    missing = [name for name in expected if name not in state]
    if missing:
        raise ConfigError(f"{where} lacks {missing[0]}{_more(missing)}", remedy)
    extra = [name for name in state if name not in expected]
    if extra:
        raise ConfigError(f"{where} has {extra[0]}{_more(extra)}, unknown to its architecture", remedy)
    for name, tensor in state.items():
        if tensor.shape != expected[name].shape:
            shapes = f"{_shape(tensor)} instead of {_shape(expected[name])}"
            raise ConfigError(f"{where}: {name} has the shape {shapes}", remedy)


def check_values(state: Mapping[str, Tensor], where: str) -> None:
    """Raise ConfigError that names a tensor which is not finite, or looks as it did before any training.

    Untrained looks: a matrix of zeros, a normalisation whose gains are all exactly one, a projection whose
    entries are still distributed as open_clip draws them (normal, standard deviation width^-0.5).
    """
    for name, tensor in state.items():
        if not math.isfinite(float(tensor.sum(dtype=torch.float64))):
            raise ConfigError(f"{where}: {name} holds values that are not finite", "the file is damaged")
        problem = _untrained(name, tensor)
        if problem:
            raise ConfigError(f"{where}: {name} {problem}", "these weights were never trained")


def _untrained(name: str, tensor: Tensor) -> str:
    if tensor.ndim >= 2 and not bool(tensor.any()):
        return "is all zeros"
    if tensor.ndim == 1 and name.endswith(".weight") and bool((tensor == 1).all()):
        return "is all ones, as at its initialisation"
    if name in ("visual.proj", "text_projection") and _as_drawn(tensor):
        return "is distributed as at its initialisation"
    return ""


def _as_drawn(matrix: Tensor) -> bool:
    """Whether standard deviation and kurtosis are those of the initial normal distribution."""
    values = matrix.double().flatten()
    count, initial = values.numel(), float(matrix.shape[0]) ** -0.5
    mean, std = float(values.mean()), float(values.std())
    kurtosis = float(((values - mean) ** 4).mean()) / std**4
    near = _STANDARD_ERRORS / math.sqrt(count)
    return abs(std / initial - 1) < near / math.sqrt(2) and abs(kurtosis - 3) < near * math.sqrt(24)


def _looks_like(state: Mapping[str, Tensor]) -> str:
    patches = state.get("visual.conv1.weight")
    if patches is None or patches.ndim != 4 or "visual.class_embedding" not in state:
        return "are not laid out as OpenAI's ViT"
    width, _, side, _ = patches.shape
    size = {768: "B", 1024: "L", 1280: "H", 1664: "bigG"}.get(width, f"of width {width}")
    # Their activation shows nowhere: with the other one they load as well, and score wrongly.
    return f"look like ViT-{size}-{side}, or ViT-{size}-{side}-quickgelu if made from OpenAI's, as AesCLIP is"


def _more(names: list[str]) -> str:
    return f" and {len(names) - 1} more" if len(names) > 1 else ""


def _shape(tensor: Tensor) -> str:
    return "x".join(str(side) for side in tensor.shape) or "scalar"
