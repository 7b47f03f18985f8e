"""A scorer whose scores can be computed from the picture: it stands at the seam that the design names."""

import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from photod.config import Model
from photod.photos import InputSpec, ModelIdentity


class FakeScorer:
    """Scores brightness: 10 * mean / 255. Counts the photos that it has seen."""

    def __init__(self, name: str = "brightness") -> None:
        self.identity = ModelIdentity(name, "fake", "0" * 64, InputSpec(), "fp32", 1, (("bright", "dark"),), 1.0)
        self.device = "cpu"
        self.held: int | None = None
        self.batches: list[int] = []
        self.released = threading.Event()
        self.prepared = 0

    @property
    def photos(self) -> int:
        """How many photos went through the model."""
        return sum(self.batches)

    def embed(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """A unit vector whose second coordinate is the mean brightness over 255."""
        self.batches.append(len(pixels))
        bright = pixels.reshape(len(pixels), -1).mean(axis=1) / 255
        return np.stack([np.sqrt(1 - bright**2), bright], axis=1).astype(np.float32)

    def score(self, embeddings: NDArray[np.floating]) -> NDArray[np.float32]:
        """Ten times the second coordinate."""
        return (10 * np.asarray(embeddings, np.float32)[:, 1]).astype(np.float32)

    def prepare(self) -> None:
        """Note that a photo is about to come."""
        self.prepared += 1

    def release(self) -> None:
        """Note that memory would be given back."""
        self.released.set()

    def load(self, _model: Model, _cache: Path, _preprocessing: int) -> tuple["FakeScorer", ...]:
        """In the place of `photod.score.start_scorers`."""
        return (self,)


class SlowScorer(FakeScorer):
    """Scores only when it may."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()
        self.may = threading.Event()

    def embed(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """As the fast one does."""
        self.asked.set()
        assert self.may.wait(60)
        return super().embed(pixels)
