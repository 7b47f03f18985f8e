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
    """Images per second at batch 64 in fp32."""

    builtin: float
    vit_b_16: float

    @property
    def ratio(self) -> float:
        """How many times faster the built-in model is."""
        return self.builtin / self.vit_b_16


def images_per_second(tower: nn.Module, batch: Tensor, seconds: float) -> float:
    """Best of repeated passes for about this long, after one to warm up."""
    tower = tower.eval().to(memory_format=torch.channels_last)
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
    clip = open_clip.create_model("ViT-B-16-quickgelu", pretrained=None)
    noise = torch.randint(0, 256, (BATCH, INPUT_SIZE, INPUT_SIZE, 3), dtype=torch.uint8)
    normalised = torch.randn(BATCH, 3, INPUT_SIZE, INPUT_SIZE).contiguous(memory_format=torch.channels_last)
    return Speed(images_per_second(QualityTower(), noise, 5), images_per_second(clip.visual, normalised, 20))
