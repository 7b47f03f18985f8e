"""What the pipeline knows of a model, and the formula that turns embeddings into scores."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from photod.photos import EMBEDDING_DTYPE, ModelIdentity

Floats = NDArray[np.float32]


class Scorer(Protocol):
    """One model on one device. Owned by one thread: no method may run beside another."""

    @property
    def identity(self) -> ModelIdentity:
        """What the scores depend on."""

    @property
    def device(self) -> str:
        """Such as "cpu" or "cuda:0"."""

    def embed(self, pixels: NDArray[np.uint8]) -> Floats:
        """Unit embeddings [n, d] of upright RGB pixels [n, s, s, 3], 1 <= n <= batch_size.

        Blocks until they are computed. Raises DeviceError when the device fails.
        """

    def score(self, embeddings: NDArray[np.floating]) -> Floats:
        """Scores [n] in 0..10 of embeddings [n, d], fresh ones or stored ones. Needs no device."""


class RestingScorer(Scorer, Protocol):
    """A scorer that has work now and then."""

    @property
    def held(self) -> int | None:
        """Bytes of the device's own memory that it holds; None: the device has none. Any thread may ask."""

    def prepare(self) -> None:
        """Take the memory soon: `embed` is about to be called. Never blocks, and any thread may call."""

    def release(self) -> None:
        """Give all memory back; the next `embed` takes it again."""


def score_stored(scorer: Scorer, embeddings: list[bytes]) -> list[float]:
    """Scores of embeddings as a database keeps them; at least one. NaN where one has no direction."""
    rows = np.frombuffer(b"".join(embeddings), EMBEDDING_DTYPE).reshape(len(embeddings), -1)
    with np.errstate(invalid="ignore"):
        points: list[float] = scorer.score(rows).tolist()
    return points


@dataclass(frozen=True, slots=True)
class TextVectors:
    """The embedded prompts: unit vectors, float32 [pairs, d]; row i of each belongs to pair i."""

    good: Floats
    bad: Floats


def scores(embeddings: NDArray[np.floating], text: TextVectors, logit_scale: float) -> Floats:
    """AesCLIP's zero-shot score, 10 * softmax(logit_scale * [cos(good), cos(bad)])[good], float32 [n].

    The softmax of two is the logistic function of their difference; with several pairs the differences
    are averaged, not the softmaxes. Cosines are differenced on the text side (the direction that leads from
    bad to good), which spares float32 a cancellation. `embeddings` [n, d] are normalised in float32 here,
    since stored ones were rounded.
    Source: Sheng et al., "AesCLIP", ACM Multimedia 2023, doi 10.1145/3581783.3611969.
    """
    direction = (text.good.astype(np.float64) - text.bad).mean(axis=0).astype(np.float32)
    rows = np.asarray(embeddings, dtype=np.float32)
    norms = np.sqrt(np.einsum("nd,nd->n", rows, rows))
    differences: Floats = (rows @ direction) / norms
    # 1 / (1 + exp(-x)) written as a tanh, which cannot overflow.
    halves = 0.5 * logit_scale * differences.astype(np.float64)
    points: Floats = (5.0 + 5.0 * np.tanh(halves)).astype(np.float32)
    return points
