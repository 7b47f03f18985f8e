"""What a scorer must show before it may work: embeddings that are finite, unit, distinct and repeatable."""

import numpy as np

from photod.errors import ConfigError
from photod.score.pictures import pictures
from photod.score.scorer import Scorer

_COUNT = 4  # pictures; more show nothing new
_DISTINCT = 1e-6  # least squared distance of two embeddings; a model that sees nothing gives zero
_REPEATABLE = 1e-3  # most that a coordinate may differ between two batches, in the coarsest arithmetic


def check_embeddings(scorer: Scorer, size: int, batch_size: int) -> None:
    """Raise ConfigError that says what is wrong with the weights or the device."""
    shown = pictures(size, min(_COUNT, max(batch_size, 2)))
    rows = [scorer.embed(shown[index : index + 1])[0] for index in range(len(shown))]
    vectors = np.stack(rows)
    where = f"the self-test of {scorer.identity.name} on {scorer.device} failed"
    if not np.isfinite(vectors).all():
        raise ConfigError(f"{where}: its embeddings are not finite", "the weights are damaged")
    if np.abs(np.linalg.norm(vectors, axis=1) - 1).max() > 1e-4:
        raise ConfigError(f"{where}: its embeddings are not of unit length", "the device computes wrongly")
    distances = 2 - 2 * (vectors @ vectors.T) + 4 * np.eye(len(vectors))
    if distances.min() < _DISTINCT:
        raise ConfigError(f"{where}: different pictures get the same embedding", "the weights are untrained")
    if batch_size >= len(shown) and np.abs(scorer.embed(shown) - vectors).max() > _REPEATABLE:
        raise ConfigError(f"{where}: its embeddings change from pass to pass", "the device computes wrongly")
