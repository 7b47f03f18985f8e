"""How fast a show goes."""

import pytest

from photod_ctl.slideshow.pace import FADE_S, Pace


@pytest.mark.parametrize(("delay_s", "factor", "then"), [(3600, 1.25, 4500), (0.2, 0.8, 0.2), (80000, 1.25, 86400)])
def test_a_slower_show_is_never_a_faster_one(delay_s: float, factor: float, then: float) -> None:
    pace = Pace(delay_s, fade=False)
    pace.change(factor)
    assert pace.delay_s == then


def test_a_fade_takes_half_of_a_short_delay_at_most() -> None:
    assert Pace(5.0, fade=True).fade_s == FADE_S
    assert Pace(0.4, fade=True).fade_s == 0.2
    assert Pace(5.0, fade=False).fade_s == 0
