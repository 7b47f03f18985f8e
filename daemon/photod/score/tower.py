"""The scorer: an image tower on one device, fed with batches of pixels."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from photod.errors import DeviceError
from photod.photos import ModelIdentity
from photod.score.engine import Engine, Tower, build_engine
from photod.score.pixels import normalised
from photod.score.precision import Choice
from photod.score.scorer import Floats, TextVectors, scores

# Photos per pass: enough to fill the arithmetic units, few enough for a CPU's caches.
_CPU_PASS = 8
_GPU_PASS = 32


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
        self._text = text
        self._device = device
        self._batch_size = batch_size
        self._engine: Engine | None = None

    def embed(self, pixels: NDArray[np.uint8]) -> Floats:
        """Unit embeddings; a ValueError is a mistake of the caller."""
        size = self._tower.size
        if pixels.dtype != np.uint8 or pixels.shape[1:] != (size, size, 3):
            raise ValueError(f"expected uint8 [n, {size}, {size}, 3], got {pixels.dtype} {pixels.shape}")
        if not 1 <= len(pixels) <= self._batch_size:
            raise ValueError(f"expected 1 to {self._batch_size} photos, got {len(pixels)}")
        try:
            return self._embed(pixels)
        except (RuntimeError, MemoryError) as error:
            raise DeviceError(
                f"{self.device} failed: {str(error).splitlines()[0]}", "see the system's log"
            ) from error

    def score(self, embeddings: NDArray[np.floating]) -> Floats:
        """Scores by the configured prompts."""
        return scores(embeddings, self._text, self.identity.logit_scale)

    def release(self) -> None:
        """On a GPU, drop the weights and whatever torch keeps in reserve; on the CPU there is nothing to give."""
        if self._device.type == "cuda":
            self._engine = None
            with torch.cuda.device(self._device):
                torch.cuda.empty_cache()

    def largest_pass(self, batch_size: int) -> int:
        """The most photos of a batch that are on the device at once: what decides whether memory suffices."""
        return batch_size if self._device.type == "cuda" else min(batch_size, _CPU_PASS)

    @torch.inference_mode()
    def _embed(self, pixels: NDArray[np.uint8]) -> Floats:
        if self._engine is None:
            self._engine = build_engine(self._tower, self.identity.precision, self._device)
        engine = self._engine
        vectors = torch.cat([engine(normalised(part, self._tower)) for part in self._parts(pixels)])
        return vectors.cpu().numpy()

    def _parts(self, pixels: NDArray[np.uint8]) -> Iterator[Tensor]:
        """The batch in passes, on the device. On a GPU the next is copied while the last is computed."""
        gpu = self._device.type == "cuda"
        step = _GPU_PASS if gpu else _CPU_PASS
        for start in range(0, len(pixels), step):
            part = torch.from_numpy(pixels[start : start + step])
            yield part.pin_memory().to(self._device, non_blocking=True) if gpu else part
