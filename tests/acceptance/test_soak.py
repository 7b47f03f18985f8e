"""Long runs hold nothing and idle runs do nothing: the ordinary form and the long one of tests/soak.py."""

from pathlib import Path

import pytest

from programs import FAKED, PHOTOD
from soak import growth, report, soak

FORMS = [
    pytest.param(FAKED, 14, 8.0, 5, id="14 seconds"),
    pytest.param(PHOTOD, 3600, 3.0, 600, id="1 hour", marks=pytest.mark.slow),
]


@pytest.mark.alone
@pytest.mark.parametrize(("command", "seconds", "per_second", "idle_s"), FORMS)
def test_a_long_run_holds_nothing_and_an_idle_one_does_nothing(
    tmp_path: Path, command: list[str], seconds: float, per_second: float, idle_s: float
) -> None:
    samples, idle = soak(tmp_path, command, seconds, per_second, idle_s)
    report(samples, idle)
    assert growth(samples, "daemon_mb") < 8
    assert growth(samples, "children_mb") < 16
    assert growth(samples, "descriptors") <= 0
    assert growth(samples, "threads") <= 0
    assert max(sample.processes for sample in samples) <= 1 + max(2, samples[-1].processes)
    assert max(sample.wal_mb for sample in samples) < 64
    assert idle.disk_bytes == 0
    assert idle.read_calls <= 2 + idle_s / 5  # it looks whether its folders are still mounted: no disk turns for it
    assert idle.write_calls == 0
    assert idle.cpu_s <= 0.001 * idle_s + 0.05
