"""One batch on one device: who is scored together, and who is to blame when the device fails.

A device that failed cannot be trusted, so the process ends. What it had in hand is suspected; after the restart,
suspects go to the device alone. A photo that makes it fail alone, too, after two starts whose warm-up it passed, is
unscoreable: no photo can stop the daemon for ever, and none is condemned because a device died under it.
"""

from collections.abc import Callable, Iterable

import numpy as np

from photod.errors import DeviceError
from photod.intake.decoder import Decoded
from photod.photos import EMBEDDING_DTYPE, Judged, Scored, Suspected, Unscoreable
from photod.score.scorer import Scorer
from photod.score.words import first_line

CONDEMNED_AFTER = 3  # failures in a row: among others, alone, and alone once more

Failures = Callable[[Decoded], int]


def judge(scorer: Scorer, batch: list[Decoded]) -> list[Judged]:
    """Score a batch; each result keeps the identity of its photo. Whatever the device raises is a DeviceError."""
    side = scorer.identity.input.size
    pixels = np.stack([np.frombuffer(d.pixels, np.uint8).reshape(side, side, 3) for d in batch])
    try:
        embeddings = scorer.embed(pixels)
        scores = scorer.score(embeddings)
    except DeviceError:
        raise
    except Exception as error:
        raise _device_error(scorer, first_line(error)) from error
    if not len(embeddings) == len(scores) == len(batch):
        raise _device_error(scorer, f"{len(scores)} scores for {len(batch)} photos")
    if not np.isfinite(scores).all():
        raise _device_error(scorer, "scores that are not numbers")
    return [
        Judged(d.candidate, Scored(d.sha256, d.facts, float(score), row.astype(EMBEDDING_DTYPE).tobytes()), False)
        for d, score, row in zip(batch, scores, embeddings, strict=True)
    ]


def apart(batch: Iterable[Decoded], failures: Failures) -> list[list[Decoded]]:
    """Those that nothing is known against together, then every suspect alone, the most suspected last.

    So whoever is condemned has seen the device take all others first, or fail under each of them, too.
    """
    good = [photo for photo in batch if not failures(photo)]
    alone = [[photo] for photo in sorted(filter(failures, batch), key=failures)]
    return [good, *alone] if good else alone


def blame(batch: list[Decoded], failures: Failures, error: DeviceError) -> list[Judged | Suspected]:
    """What is to be written down when the device fails on a batch."""
    first = batch[0]
    if len(batch) == 1 and failures(first) + 1 >= CONDEMNED_AFTER:
        reason = f"the device fails whenever it has this photo ({error.problem})"
        return [Judged(first.candidate, Unscoreable(first.sha256, reason), duplicate=False)]
    folders = {photo.candidate.folder for photo in batch}
    return [
        Suspected(folder, tuple({p.sha256 for p in batch if p.candidate.folder == folder})) for folder in folders
    ]


def _device_error(scorer: Scorer, problem: str) -> DeviceError:
    return DeviceError(f"device {scorer.device}: {problem}", "check it and its driver, then start again")
