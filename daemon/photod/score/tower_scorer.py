"""The scorer: an image tower on one device, fed with batches of pixels."""

import numpy as np
import torch
from numpy.typing import NDArray

from photod.errors import DeviceError
from photod.photos import ModelIdentity
from photod.score.devices import crossing
from photod.score.precision import Choice
from photod.score.scorer import Floats, TextVectors, scores
from photod.score.tower import Engine, Tower, build_engine
from photod.score.words import first_line


class TowerScorer:
    """Scorer of any image tower. Owned by one thread; see `photod.score.scorer.Scorer` for the methods."""

    def __init__(
        self,
        tower: Tower,
        text: TextVectors,
        identity: ModelIdentity,
        device: torch.device,
        choice: Choice,
        batch_size: int,
    ) -> None:
        self.identity = identity
        self.device = str(device)
        self.deviation = choice.deviation
        self.images_per_s = 0.0  # of the warm-up
        self._tower = tower
        self.text = text
        self._device = device
        self._batch_size = batch_size
        self._engine: Engine | None = None
        self._cross = crossing(device)

    def embed(self, pixels: NDArray[np.uint8]) -> Floats:
        """Unit embeddings; a ValueError is a mistake of the caller."""
        size = self._tower.size
        if pixels.dtype != np.uint8 or pixels.shape[1:] != (size, size, 3):
            raise ValueError(f"expected uint8 [n, {size}, {size}, 3], got {pixels.dtype} {pixels.shape}")
        if not 1 <= len(pixels) <= self._batch_size:
            raise ValueError(f"expected 1 to {self._batch_size} photos, got {len(pixels)}")
        try:
            if self._engine is None:
                self._engine = build_engine(self._tower, self.identity.precision, self._device)
            return self._cross(self._engine, np.require(pixels, requirements=("C", "W")))  # as torch takes it
        except (RuntimeError, MemoryError) as error:
            raise self._failure(error) from error

    def score(self, embeddings: NDArray[np.floating]) -> Floats:
        """Scores by the configured prompts."""
        return scores(embeddings, self.text, self.identity.logit_scale)

    def _failure(self, error: Exception) -> DeviceError:
        return DeviceError(f"{self.device} failed: {first_line(error)}", "see the system's log")
