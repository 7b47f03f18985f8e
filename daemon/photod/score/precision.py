"""The choice of arithmetic: the fastest that keeps scores where fp32 has them, by measurement."""

import hashlib
import json
import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from photod.score.devices import Crossing, crossing
from photod.score.pictures import pictures
from photod.score.scorer import Floats, TextVectors
from photod.score.tower import FP32, Engine, Tower, arithmetics, build_engine
from photod.score.weights import read_json, write_atomically

TOLERANCE = 0.02  # points of score that `auto` may move a photo away from fp32
Precision = Literal["auto", "fp32", "fast"]
_GPU_REPEATS = 5  # the quickest counts
_WORTHWHILE = 1.1  # times the speed of what moves scores less, or it is not worth it


@dataclass(frozen=True, slots=True)
class Choice:
    """The arithmetic in use, and what was measured when it was chosen."""

    arithmetic: str
    deviation: float  # the most that a bundled picture can be away from its score in fp32, points


@dataclass(frozen=True, slots=True)
class Trial:
    """One class of arithmetic on one device."""

    arithmetic: str
    seconds: float  # for a batch
    deviation: float


def decide(precision: Precision, exact_s: float, trials: Iterable[Trial]) -> Choice:
    """The fastest that is worth what it moves: `auto` allows TOLERANCE, `fast` whatever it is.

    Each must be so much faster than those that move scores less.
    """
    chosen, best_s = Choice(FP32, 0.0), exact_s
    most = TOLERANCE if precision == "auto" else math.inf
    for trial in sorted((trial for trial in trials if trial.deviation <= most), key=lambda trial: trial.deviation):
        if trial.seconds * _WORTHWHILE < best_s:
            chosen, best_s = Choice(trial.arithmetic, trial.deviation), trial.seconds
    return chosen


def choose(
    tower: Tower, device: torch.device, precision: Precision, movement: "Movement", batch_size: int
) -> Choice:
    """Try the device's arithmetics on the bundled pictures, and decide. Blocks for some passes of the tower."""
    faster = arithmetics(tower, device)
    if precision == FP32 or not faster:
        return Choice(FP32, 0.0)
    exact = _tried(tower, FP32, device, batch_size)
    trials = []
    for arithmetic in faster:
        found = _tried(tower, arithmetic, device, batch_size)
        trials.append(Trial(arithmetic, found.seconds, movement.largest(found.vectors, exact.vectors)))
    return decide(precision, exact.seconds, trials)


def shared(choices: Sequence[Choice]) -> Choice:
    """The choice for all devices together: theirs if they agree, else fp32, since scores have one arithmetic."""
    if len({choice.arithmetic for choice in choices}) > 1:
        return Choice(FP32, 0.0)
    return max(choices, key=lambda choice: choice.deviation)


@dataclass(frozen=True, slots=True)
class Movement:
    """How far a change of embeddings can move scores."""

    text: TextVectors
    logit_scale: float

    def largest(self, vectors: Floats, exact: Floats) -> float:
        """The most that any score can differ, points: the change of the logit at the formula's steepest place.

        10 * sigmoid has the slope 2.5 at most, so the pictures' own scores, which may lie where it is flat,
        do not matter.
        """
        direction = (self.text.good - self.text.bad).mean(axis=0)
        return float(2.5 * self.logit_scale * np.abs((vectors - exact) @ direction).max())


def remembered(path: Path) -> Choice | None:
    """A choice that an earlier start wrote to `path`."""
    match read_json(path):
        case {"arithmetic": str(arithmetic), "deviation": float(deviation)}:
            return Choice(arithmetic, deviation)
    return None


def remember(path: Path, choice: Choice) -> None:
    """Write a choice, so that the next start need not measure, and chooses the same."""
    write_atomically(path, json.dumps(asdict(choice)).encode())


def choice_path(cache: Path, *circumstances: object) -> Path:
    """Where the choice for these circumstances is: weights, prompts, device, library version, setting."""
    return cache / f"precision-{hashlib.sha256(repr(circumstances).encode()).hexdigest()[:32]}.json"


class _Tried(NamedTuple):
    vectors: Floats  # of the bundled pictures
    seconds: float  # for a batch


def _tried(tower: Tower, arithmetic: str, device: torch.device, batch_size: int) -> _Tried:
    """What one class of arithmetic makes of the bundled pictures, in batches as they will be, and how fast."""
    engine, cross, shown = build_engine(tower, arithmetic, device), crossing(device), pictures(tower.size)
    vectors = np.concatenate([cross(engine, shown[i : i + batch_size]) for i in range(0, len(shown), batch_size)])
    # A GPU needs a full batch to be busy, and some to reach its clock; a CPU shows on the pictures what it can.
    repeats, count = (_GPU_REPEATS, batch_size) if device.type == "cuda" else (1, min(batch_size, len(shown)))
    batch = np.resize(shown, (count, *shown.shape[1:]))
    return _Tried(vectors, min(_seconds(engine, batch, cross) for _ in range(repeats)))


def _seconds(engine: Engine, batch: NDArray[np.uint8], cross: Crossing) -> float:
    start = time.perf_counter()
    cross(engine, batch)
    return time.perf_counter() - start
