"""A scorer whose tower is a function: what a device answers is up to the test."""

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from photod.photos import InputSpec, ModelIdentity
from photod.score.precision import Choice
from photod.score.scorer import TextVectors
from photod.score.tower import Engine
from photod.score.tower_scorer import TowerScorer

SIZE = 8
IDENTITY = ModelIdentity("stub", "stub", "0" * 64, InputSpec(SIZE), "fp32", 1, (("good", "bad"),), 100.0)
TEXT = TextVectors(np.eye(4, dtype=np.float32)[:1], np.eye(4, dtype=np.float32)[1:2])


class StubTower:
    """A tower whose engine is a function."""

    size = SIZE
    coarser: ClassVar[frozenset[str]] = frozenset({"tf32", "fp16", "bf16"})

    def __init__(self, run: Engine) -> None:
        self._run = run

    def engine(self, device: torch.device, dtype: torch.dtype) -> Engine:
        return self._run


def scorer(run: Engine, batch_size: int = 8) -> TowerScorer:
    return TowerScorer(StubTower(run), TEXT, IDENTITY, torch.device("cpu"), Choice("fp32", 0.0), batch_size)


def statistics_of(pixels: Tensor) -> Tensor:
    rows = pixels.float().flatten(1)
    parts = [rows.mean(1), rows.std(1), rows[:, ::3].mean(1), rows[:, 1::3].mean(1)]
    return torch.nn.functional.normalize(torch.stack(parts, dim=1), dim=1)
