"""A GPU that fails under the real program: a device error with its exit code, and no crash of the driver's."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from other_program import opened
from photod.config import Folder
from photod.errors import EXIT_DEVICE
from pictures import make_photo

FAILING_GPU = Path(__file__).parents[1] / "failing_gpu.py"


@pytest.fixture(autouse=True, scope="module")
def _gpu() -> None:
    if not torch.cuda.is_available():  # no CI promises one, so this never fails
        pytest.skip("needs a GPU that torch can use")


@pytest.mark.parametrize(("failure", "suspects"), [("start", 0), ("work", 1)])
def test_a_gpu_that_fails_ends_photod_with_a_reason_and_its_exit_code(
    folder: Path, monkeypatch: pytest.MonkeyPatch, failure: str, suspects: int
) -> None:
    monkeypatch.setenv("FAKE_FAILURE", failure)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    make_photo(folder / "photo.png")
    command = [sys.executable, str(FAILING_GPU), "run", "--once", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == EXIT_DEVICE, done.stderr
    assert "cuda:0 failed: CUDA error: device-side assert triggered" in done.stderr
    with opened(Folder(path=folder).database_path) as database:
        assert database.execute("SELECT count(*) FROM suspect").fetchone() == (suspects,)
