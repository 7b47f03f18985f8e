"""`photod` on a GPU whose kernels fail: `python tests/failing_gpu.py run --once FOLDER`. All else is real.

FAKE_FAILURE says when: at the "start", or at "work". Without arguments this is the process that computes.
"""

import os
import sys
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor

from photod.__main__ import main
from photod.score import assembly, process
from photod.score.tower import ByteTower
from photod.score.tower_scorer import TowerScorer


def fail(pixels: Tensor) -> Tensor:
    """Read beyond an end, which the driver never forgives: all that is asked of the device from here on fails."""
    values = pixels.flatten()
    beyond = values[torch.full((1,), len(values), device=values.device)]
    torch.cuda.synchronize()
    return beyond


def spoil() -> None:
    """Have every engine that is built from now on fail."""
    ByteTower.engine = lambda *_: fail  # type: ignore[method-assign]


def assemble(*arguments: Any) -> tuple[TowerScorer, ...]:
    """Scorers that passed their self-test and fail from then on."""
    scorers = assemble_really(*arguments)
    for scorer in scorers:
        scorer._engine = None
    spoil()
    return scorers


if __name__ == "__main__":
    if sys.argv[1:]:
        process.WORKER = "failing_gpu"
        os.environ["PYTHONPATH"] = os.path.dirname(os.path.abspath(__file__))
        main()
    if os.environ["FAKE_FAILURE"] == "start":
        spoil()
    else:
        assemble_really, assembly.assemble = assembly.assemble, assemble  # type: ignore[assignment]
    from photod.score import worker

    with suppress(EOFError, ConnectionError):
        worker.main()
    os._exit(0)
