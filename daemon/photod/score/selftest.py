"""What a scorer must show before it may work."""

import time

import numpy as np

from photod.errors import ConfigError, DeviceError
from photod.score.pictures import COUNT, pictures
from photod.score.scorer import Floats, Scorer

_DISTINCT = 1e-6  # least squared distance of two embeddings; a model that sees nothing gives zero
_REPEATABLE = 1e-3  # most that a coordinate may differ between two batches, in the coarsest arithmetic


def warm_up(scorer: Scorer, size: int, count: int) -> float:
    """Embed `count` bundled pictures at once and judge the answer; returns photos per second.

    `count` is what a full batch puts on the device, so that memory runs out now or never. Raises ConfigError.
    """
    shown = np.resize(pictures(size, min(count, COUNT)), (count, size, size, 3))
    try:
        start = time.perf_counter()
        vectors = scorer.embed(shown)
        speed = count / (time.perf_counter() - start)
        again = scorer.embed(shown[:2][::-1])[::-1]
    except DeviceError as error:
        problem = f"model.batch_size is too large, or the device fails: {error.problem}"
        raise ConfigError(problem, "lower it, or set model.devices") from error
    fault = _fault(vectors[:COUNT], again)
    if fault:
        raise ConfigError(f"the self-test of {scorer.identity.name} on {scorer.device} failed: {fault}")
    return speed


def _fault(vectors: Floats, again: Floats) -> str:
    if not np.isfinite(vectors).all():
        return "its embeddings are not finite; the weights are damaged"
    if np.abs(np.linalg.norm(vectors, axis=1) - 1).max() > 1e-4:
        return "its embeddings are not of unit length; the device computes wrongly"
    distances = 2 - 2 * (vectors @ vectors.T) + 4 * np.eye(len(vectors))
    if len(vectors) > 1 and distances.min() < _DISTINCT:
        return "different pictures get the same embedding; the weights are not trained"
    if np.abs(again - vectors[: len(again)]).max() > _REPEATABLE:
        return "the same pictures get other embeddings the second time; the device computes wrongly"
    return ""
