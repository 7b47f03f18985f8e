"""kill -9 at any moment loses nothing: the ordinary form and the long one of tests/kill_harness.py."""

from pathlib import Path

import pytest

from kill_harness import kill_again_and_again
from photod.config import Config

ROUNDS = [pytest.param(12, id="12 rounds"), pytest.param(200, id="200 rounds", marks=pytest.mark.slow)]


@pytest.mark.parametrize("rounds", ROUNDS)
def test_killed_at_any_moment_nothing_is_lost_and_little_is_repeated(tmp_path: Path, rounds: int) -> None:
    record = kill_again_and_again(tmp_path, rounds, seed=6)
    print(record)
    assert record.kills.total() == rounds
    assert record.committed > rounds  # there was something to lose
    assert (record.lost, record.rescored, record.missed) == (0, 0, 0)
    assert max(record.repeats) <= Config().store.group
