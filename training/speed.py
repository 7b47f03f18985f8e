"""How fast the tower is beside CLIP's ViT-B/16, in the same process on the same threads."""

import time
from dataclasses import dataclass
from typing import Final

import open_clip
import torch
from torch import Tensor, nn

from photod.score.builtin.tower import INPUT_SIZE, QualityTower

BATCH: Final = 64
BAR: Final = 15.0


@dataclass(frozen=True, slots=True)
class Speed:
    """Images per second at batch 64 in bf16."""

    builtin: float
    vit_b_16: float

    @property
    def ratio(self) -> float:
        """How many times faster the built-in model is."""
        return self.builtin / self.vit_b_16


def images_per_second(tower: nn.Module, seconds: float) -> float:
    """Best of repeated batches of noise in bf16 for about this long, after one to warm up."""
    tower = tower.eval().bfloat16().to(memory_format=torch.channels_last)
    batch: Tensor = torch.randn(BATCH, 3, INPUT_SIZE, INPUT_SIZE).bfloat16()
    batch = batch.contiguous(memory_format=torch.channels_last)
    taken: list[float] = []
    with torch.inference_mode():
        tower(batch)
        while sum(taken) < seconds:
            started = time.perf_counter()
            tower(batch)
            taken.append(time.perf_counter() - started)
    return BATCH / min(taken)


def measure() -> Speed:
    """Measure both with random weights, which cost the same as trained ones."""
    model = open_clip.create_model("ViT-B-16-quickgelu", pretrained=None)
    return Speed(images_per_second(QualityTower(), 5), images_per_second(model.visual, 20))
