"""The running median against the definition."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photod.score.median import RunningMedian

scores = st.floats(min_value=0, max_value=10)


def test_there_is_no_median_of_nothing() -> None:
    running = RunningMedian()
    assert running.median() is None
    assert len(running) == 0


@given(st.lists(scores, min_size=1))
def test_after_each_score_the_median_is_that_of_all_so_far(values: list[float]) -> None:
    running = RunningMedian()
    for count, value in enumerate(values, start=1):
        running.add(value)
        assert len(running) == count
        assert running.median() == pytest.approx(statistics.median(values[:count]), abs=1e-12)


@given(st.lists(scores), st.lists(scores))
def test_a_seeded_median_goes_on_as_if_each_score_had_been_added(old: list[float], new: list[float]) -> None:
    running = RunningMedian()
    running.add(9.9)
    running.seed(old)
    for value in new:
        running.add(value)
    expected = pytest.approx(statistics.median(old + new), abs=1e-12) if old + new else None
    assert running.median() == expected
    assert len(running) == len(old + new)


def test_a_score_that_is_not_a_number_is_refused() -> None:
    running = RunningMedian()
    with pytest.raises(ValueError, match="not a number"):
        running.add(float("nan"))
    with pytest.raises(ValueError, match="not a number"):
        running.seed([1.0, float("nan")])
    assert len(running) == 0
