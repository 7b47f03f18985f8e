"""Lies on a program's PYTHONPATH: the `photod` that `photod-ctl` starts gets a fake scorer, and no model is loaded.

FAKE_GATE names a file that this scorer's loading waits for.
"""

import os
import sys
import time
from pathlib import Path

if sys.orig_argv[1:4] == ["-P", "-m", "photod"]:
    sys.path.append(str(Path(__file__).parents[1]))

    import photod.score
    from fake_scorer import FakeScorer
    from photod.config import Model

    def start_scorers(model: Model, cache: Path, preprocessing: int) -> tuple[FakeScorer, ...]:
        """In the place of the true one."""
        while "FAKE_GATE" in os.environ and not os.path.exists(os.environ["FAKE_GATE"]):
            time.sleep(0.01)
        return FakeScorer().load(model, cache, preprocessing)

    photod.score.start_scorers = start_scorers
