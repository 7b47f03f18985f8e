"""From bytes to the tower's input, on the device."""

import torch
from torch import Tensor

from photod.score.engine import Tower


def normalised(pixels: Tensor, tower: Tower) -> Tensor:
    """uint8 [n, s, s, 3] -> float32 [n, 3, s, s] with the tower's mean and deviation, channels last in memory."""
    mean = torch.tensor(tower.mean, device=pixels.device) * 255
    std = torch.tensor(tower.std, device=pixels.device) * 255
    return ((pixels.float() - mean) / std).permute(0, 3, 1, 2)
