"""`photod` on a GPU whose kernels fail: `python tests/failing_gpu.py run --once FOLDER`. All else is real.

FAKE_FAILURE says when: at the "start", or at "work".
"""

import os
from functools import partial
from typing import Any

import torch
from torch import Tensor

import photod.daemon
from photod.__main__ import main
from photod.score import Scorer, load_scorers
from photod.score.tower import ByteTower


def fail(pixels: Tensor) -> Tensor:
    """Read beyond an end, which the driver never forgives: all that is asked of the device from here on fails."""
    values = pixels.flatten()
    beyond = values[torch.full((1,), len(values), device=values.device)]
    torch.cuda.synchronize()
    return beyond


def spoil() -> None:
    """Have every engine that is built from now on fail."""
    ByteTower.engine = lambda *_: fail  # type: ignore[method-assign]


def load(*arguments: Any) -> tuple[Scorer, ...]:
    """Scorers that passed their self-test and fail from then on."""
    scorers = load_scorers(*arguments)
    for scorer in scorers:
        scorer.release()
    spoil()
    return scorers


if __name__ == "__main__":
    if os.environ["FAKE_FAILURE"] == "start":
        spoil()
    else:
        photod.daemon.Daemon = partial(photod.daemon.Daemon, load=load)  # type: ignore[assignment,misc]
    main()
