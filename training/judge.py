"""The tower with its text differences as one trainable thing: pixels in, a quality logit and fault logits out."""

from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from photod.score.builtin import ATTRIBUTES
from photod.score.builtin.tower import EMBEDDING_SIZE, QualityTower

LOGIT_SCALE: Final = 100.0
HEAD_GAIN: Final = 20.0
"""Lets AdamW, whose steps are as long as the learning rate, reach the needed lengths in time."""
BATCH: Final = 64


class Judge(nn.Module):
    """A tower and, for the quality and each fault, 100 times the difference of its two text vectors."""

    def __init__(self) -> None:
        super().__init__()
        self.tower = QualityTower()
        self.heads = nn.Parameter(torch.randn(1 + len(ATTRIBUTES), EMBEDDING_SIZE) * 0.02)

    def differences(self) -> Tensor:
        """100 x (good - bad), then 100 x (present - absent) of every fault: [1 + faults, 128]."""
        return self.heads * HEAD_GAIN

    def forward(self, pixels: Tensor) -> Tensor:
        """RGB bytes [n, 224, 224, 3] -> logits [n, 1 + faults]; the first is the quality."""
        embedding: Tensor = self.tower(pixels)
        return embedding @ self.differences().T


@torch.no_grad()
def embed(tower: QualityTower, pictures: NDArray[np.uint8]) -> Tensor:
    """Unit embeddings [n, 128] in fp32 of squashed pictures, in batches."""
    parts = [tower(torch.from_numpy(pictures[at : at + BATCH])) for at in range(0, len(pictures), BATCH)]
    return torch.cat(parts)


def load_tower(path: Path) -> QualityTower:
    """The exported tower, strictly loaded, in fp32."""
    from safetensors.torch import load_file

    tower = QualityTower()
    tower.load_state_dict({name: tensor.float() for name, tensor in load_file(path).items()}, strict=True)
    return tower.eval().to(memory_format=torch.channels_last)
