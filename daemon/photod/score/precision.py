"""The choice of arithmetic: the fastest that keeps scores where fp32 has them, by measurement."""

import hashlib
import json
import time
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
_WORTHWHILE = 1.1  # times fp32's speed: less is not worth any deviation


@dataclass(frozen=True, slots=True)
class Choice:
    """The arithmetic in use, and what was measured when it was chosen."""

    arithmetic: str
    deviation: float  # the most that a score can be away from fp32's, points


def choose(
    tower: Tower,
    device: torch.device,
    precision: Literal["auto", "fp32", "fast"],
    movement: "Movement",
) -> Choice:
    """Measure the device's arithmetics on the bundled pictures against fp32, and choose.

    `auto` takes the first within TOLERANCE, `fast` the fastest. Blocks for some passes of the tower.
    """
    offered = arithmetics(device)
    if precision == FP32 or offered == (FP32,):
        return Choice(FP32, 0.0)
    batch = pictures(tower.size)
    cross = crossing(device)
    exact, exact_s = _timed(build_engine(tower, FP32, device), batch, cross)
    for arithmetic in offered[:-1]:
        vectors, elapsed_s = _timed(build_engine(tower, arithmetic, device), batch, cross)
        deviation = movement.largest(vectors, exact)
        if elapsed_s * _WORTHWHILE < exact_s and (precision == "fast" or deviation <= TOLERANCE):
            return Choice(arithmetic, deviation)
    return Choice(FP32, 0.0)


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
