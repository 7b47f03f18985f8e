"""What the daemon and the process that computes say to each other: records, pickled, over socket pairs.

The daemon sends a `LoadRequest`. It gets a `ReadyScorer` for each scorer, followed by its desk, which is two
descriptors: a socket, and the memory for pixels; or it gets the error for which there is none. From then on each
scorer is spoken to at its desk: the daemon lays pixels into the memory and sends how many photos they are, and gets
`Embedded`, or an error.
"""

from dataclasses import dataclass
from pathlib import Path

from photod import config
from photod.photos import ModelIdentity
from photod.score.scorer import Floats, TextVectors


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """The model that is wanted; see `photod.score.load_scorers`."""

    model: config.Model
    cache: Path
    preprocessing: int
    logs: tuple[str, str]  # as for `configure_logs`


@dataclass(frozen=True, slots=True)
class ReadyScorer:
    """A scorer that is ready, and what need not be asked any more."""

    identity: ModelIdentity
    device: str
    text: TextVectors
    held: int | None  # as in `Embedded`


@dataclass(frozen=True, slots=True)
class Embedded:
    """What a scorer made of the pixels."""

    embeddings: Floats  # [n, d]
    held: int | None  # bytes of its device's own memory that it holds now; None: the device has none


def pixels_shape(request: LoadRequest, scorer: ReadyScorer) -> tuple[int, int, int, int]:
    """Of the memory for a full batch, in bytes: photos, rows, columns, colours."""
    size = scorer.identity.input.size
    return request.model.batch_size, size, size, 3
