"""The choice of arithmetic: the fastest that keeps scores where fp32 has them, by measurement."""

import hashlib
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from photod.score.devices import Crossing, crossing
from photod.score.engine import FP32, Engine, Tower, arithmetics, build_engine
from photod.score.pictures import pictures
from photod.score.scorer import Floats, TextVectors
from photod.score.weights import read_json, write_atomically

TOLERANCE = 0.02  # points of score that `auto` may move a photo away from fp32
Precision = Literal["auto", "fp32", "fast"]
_WORTHWHILE = 1.1  # times fp32's speed: less is not worth any deviation


@dataclass(frozen=True, slots=True)
class Choice:
    """The arithmetic in use, and what was measured when it was chosen."""

    arithmetic: str
    deviation: float  # the most that a score can be away from fp32's, points


@dataclass(frozen=True, slots=True)
class Trial:
    """One class of arithmetic on one device."""

    arithmetic: str
    seconds: float  # for the bundled pictures
    deviation: float


def decide(precision: Precision, exact_s: float, trials: Iterable[Trial]) -> Choice:
    """The first trial that is worth it: for `auto`, within TOLERANCE; for `fast`, whatever it moves."""
    for trial in trials:
        faster = trial.seconds * _WORTHWHILE < exact_s
        if faster and (precision == "fast" or trial.deviation <= TOLERANCE):
            return Choice(trial.arithmetic, trial.deviation)
    return Choice(FP32, 0.0)


def choose(tower: Tower, device: torch.device, precision: Precision, movement: "Movement") -> Choice:
    """Try the device's arithmetics on the bundled pictures, and decide. Blocks for some passes of the tower."""
    *faster, _ = arithmetics(device)
    if precision == FP32 or not faster:
        return Choice(FP32, 0.0)
    cross, shown = crossing(device), pictures(tower.size)
    exact, exact_s = _timed(build_engine(tower, FP32, device), shown, cross)

    def trials() -> Iterator[Trial]:
        for arithmetic in faster:
            vectors, elapsed_s = _timed(build_engine(tower, arithmetic, device), shown, cross)
            yield Trial(arithmetic, elapsed_s, movement.largest(vectors, exact))

    return decide(precision, exact_s, trials())


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


def _timed(engine: Engine, batch: NDArray[np.uint8], cross: Crossing) -> tuple[Floats, float]:
    """The vectors of a batch, and the seconds of a second pass."""
    cross(engine, batch)
    start = time.perf_counter()
    vectors = cross(engine, batch)
    return vectors, time.perf_counter() - start
