"""The process of the model without a model: `photod.score.worker` as it is, over a fake scorer, without torch.

With STUB_KILLED it is killed as soon as it has loaded.
"""

import os
import runpy
import signal
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from fake_scorer import FakeScorer
from photod.config import Model
from photod.score.scorer import TextVectors


class StubScorer(FakeScorer):
    """What the worker asks of a scorer."""

    text = TextVectors(np.eye(2, dtype=np.float32)[1:], np.eye(2, dtype=np.float32)[:1])

    def embed(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Refuses an empty batch, as the true one does."""
        if not len(pixels):
            raise ValueError("expected photos, got 0")
        return super().embed(pixels)


def assemble(model: Model, cache: Path, preprocessing: int) -> tuple[StubScorer, ...]:
    """One scorer."""
    return (StubScorer(),)


def stand_in(name: str, **contents: object) -> None:
    """Have a module of `photod.score` be this."""
    module = ModuleType(f"photod.score.{name}")
    vars(module).update(contents)
    sys.modules[module.__name__] = module


if __name__ == "__main__":
    stand_in("assembly", assemble=assemble)
    stand_in("devices", device_memory=lambda device: None)
    stand_in("tower_scorer", TowerScorer=StubScorer)
    if "STUB_KILLED" in os.environ:  # once it has loaded, when it makes its first memory for pixels
        os.memfd_create = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[assignment]
    runpy.run_module("photod.score.worker", run_name="__main__")
