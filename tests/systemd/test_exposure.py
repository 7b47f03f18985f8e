"""How much of the machine the units could reach, by systemd's own reckoning. Needs no running systemd."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from machine import need

UNITS = Path(__file__).parents[2] / "systemd"


@pytest.mark.parametrize(("gpu", "most"), [(False, 0.3), (True, 0.6)], ids=["cpu", "gpu"])
def test_the_exposure_of_the_system_unit_is_low(gpu: bool, most: float, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        need("systemd-analyze")
    unit = (UNITS / "photod.service").read_text().replace("/usr/bin/photod", "/bin/true")
    service, _, install = unit.partition("[Install]")
    if gpu:  # as a drop-in does it: lists grow, single values are replaced
        service += (UNITS / "gpu.conf").read_text().partition("[Service]")[2]
    (tmp_path / "photod.service").write_text(f"{service}\n[Install]{install}")
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(tmp_path / "photod.service")],
        capture_output=True,
        text=True,
        check=False,
    )
    figure = re.search(r"exposure level for photod.service: ([\d.]+)", done.stdout)
    assert figure, done.stdout + done.stderr
    assert float(figure[1]) <= most
