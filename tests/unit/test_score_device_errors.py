"""What an error of a device means: whether to change the configuration, or to wait until it is well again."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch

from photod import config
from photod.errors import BusyDeviceError, ConfigError, DeviceError
from photod.score import assembly, device_errors
from photod.score.assembly import find_devices
from photod.score.device_errors import Fault, at_the_start, fault_of
from photod.score.precision import Choice, shared
from photod.score.selftest import warm_up
from stub_tower import SIZE, scorer

GPU, CPU = torch.device("cuda:0"), torch.device("cpu")
GIB = 1 << 30


def out_of_memory() -> Exception:
    return torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.\nGPU 0 has less.")


@pytest.fixture
def a_gpu_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a driver does that is there and does not work: it counts a device, and cannot open it."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    fault = Fault("no kernel image is available", passes=False)
    monkeypatch.setattr(assembly, "fault_of", lambda device: fault if device == GPU else None)


def memory(monkeypatch: pytest.MonkeyPatch, free: int, ours: int) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free * GIB, 24 * GIB))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: ours * GIB)


def test_a_device_is_tried_before_it_is_used() -> None:
    assert fault_of(CPU) is None
    fault = fault_of(torch.device("cuda:77"))
    assert fault is not None, "no machine has so many"
    assert not fault.passes


@pytest.mark.parametrize(
    "words",
    [
        "CUDA error: out of memory",
        "CUDA-capable device(s) is/are busy or unavailable",
        "CUDA unknown error - this may be due to an incorrectly set up environment",  # after the machine slept
        "Unexpected error from cudaGetDeviceCount(). Error 802: system not yet initialized",
        "CUDA error: uncorrectable ECC error encountered",
    ],
)
def test_auto_waits_for_a_gpu_that_may_be_well_again_rather_than_compute_the_archive_anew(
    words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise torch.AcceleratorError(words)

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch, "ones", fail)
    for devices in ("auto", ("cuda:0",)):
        with pytest.raises(BusyDeviceError, match="cuda:0 does not work"):
            find_devices(config.Model(devices=devices))


@pytest.mark.usefixtures("a_gpu_that_fails")
def test_auto_leaves_out_a_gpu_that_does_not_work_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert find_devices(config.Model(devices="auto")) == (CPU,)
    assert re.search(r"device_left_out.*cuda:0.*no kernel image", "".join(capsys.readouterr()))


@pytest.mark.usefixtures("a_gpu_that_fails")
def test_a_gpu_that_was_named_and_does_not_work_is_a_device_error() -> None:
    with pytest.raises(DeviceError, match=r"cuda:0 does not work: no kernel image is .*; .*model.devices") as met:
        find_devices(config.Model(devices=("cuda:0",)))
    assert not isinstance(met.value, BusyDeviceError), "waiting would not help"


@pytest.fixture
def nvidia(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with one GPU, which its driver counts not yet, or no more."""
    (tmp_path / "gpus/0000:01:00.0").mkdir(parents=True)
    (tmp_path / "nvidiactl").touch()
    monkeypatch.setattr(device_errors, "_DRIVEN", tmp_path / "gpus")
    monkeypatch.setattr(device_errors, "_CONTROL", tmp_path / "nvidiactl")
    monkeypatch.setattr(device_errors, "_LIBRARY", None)  # some library
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return tmp_path


@pytest.mark.usefixtures("nvidia")
@pytest.mark.parametrize("devices", ["auto", ("cuda:0",)])
def test_a_gpu_that_the_driver_does_not_count_is_waited_for(devices: Any) -> None:
    with pytest.raises(DeviceError, match=r"its driver does not count it: .*nvidia-smi"):
        find_devices(config.Model(devices=devices))


@pytest.mark.usefixtures("nvidia")
def test_gpus_that_the_driver_counts_are_used_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(assembly, "fault_of", lambda device: None)
    both = (GPU, torch.device("cuda:1"))
    assert find_devices(config.Model(devices="auto")) == both
    assert find_devices(config.Model(devices=("cuda:0", "cuda:1", "cuda:0"))) == both


@pytest.mark.usefixtures("nvidia")
def test_a_gpu_that_is_not_wanted_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_devices(config.Model(devices="cpu")) == (CPU,)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert find_devices(config.Model(devices="auto")) == (CPU,)


@pytest.mark.usefixtures("nvidia")
def test_a_gpu_of_a_container_without_the_library_of_its_driver_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(device_errors, "_LIBRARY", "libcuda-that-is-not-there.so.1")
    assert find_devices(config.Model(devices="auto")) == (CPU,)
    with pytest.raises(ConfigError, match="set it to auto or cpu"):
        find_devices(config.Model(devices=("cuda:0",)))


@pytest.mark.usefixtures("nvidia")
def test_a_build_of_torch_for_cpus_takes_the_cpu_beside_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.version, "cuda", None)
    assert find_devices(config.Model(devices="auto")) == (CPU,)


@pytest.mark.parametrize("hidden", ["gpus/0000:01:00.0", "nvidiactl"])
def test_where_no_gpu_is_open_to_photod_auto_takes_the_cpu(nvidia: Path, hidden: str) -> None:
    place = nvidia / hidden
    place.rmdir() if place.is_dir() else place.unlink()
    assert find_devices(config.Model(devices="auto")) == (CPU,)


def test_a_gpu_that_was_named_where_there_is_none_is_a_configuration_error_with_torchs_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail() -> None:
        raise RuntimeError("Found no NVIDIA driver on your system.\nAnd more.")

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.cuda, "init", fail)
    with pytest.raises(ConfigError, match=r'"cuda:0": Found no NVIDIA driver on your system.; set'):
        find_devices(config.Model(devices=("cuda:0",)))


def test_a_gpu_and_the_cpu_do_not_share_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ConfigError, match="which compute differently; leave the CPU out"):
        find_devices(config.Model(devices=("cuda:0", "cpu")))


def test_unlike_devices_meet_in_the_arithmetic_that_all_have() -> None:
    assert shared([Choice("fp16", 0.01), Choice("fp16", 0.02)]) == Choice("fp16", 0.02)
    assert shared([Choice("fp16", 0.01), Choice("tf32", 0.0)]) == Choice("fp32", 0.0)


@pytest.mark.parametrize(
    "shortage",
    [
        out_of_memory(),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
        RuntimeError("GET was unable to find an engine to execute this computation"),
    ],
)
def test_a_batch_that_finds_no_room_beside_nothing_else_is_too_large(
    shortage: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory(monkeypatch, free=4, ours=19)
    error = at_the_start(shortage, GPU, 32)
    assert isinstance(error, ConfigError)
    assert str(error) == "model.batch_size is too large: cuda:0 is out of memory; set it below 32"


def test_memory_that_other_programs_hold_may_be_free_later(monkeypatch: pytest.MonkeyPatch) -> None:
    memory(monkeypatch, free=1, ours=2)
    error = at_the_start(out_of_memory(), GPU, 32)
    assert isinstance(error, DeviceError)
    assert "other programs hold 21.0 of its 24.0 GiB" in str(error)


def test_a_gpu_that_does_not_even_say_how_much_memory_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(device: torch.device) -> None:
        raise RuntimeError("CUDA error")

    monkeypatch.setattr(torch.cuda, "mem_get_info", fail)
    assert isinstance(at_the_start(out_of_memory(), GPU, 32), ConfigError)


def test_a_model_that_does_not_run_is_a_fault_of_the_weights_on_a_cpu_and_of_the_device_on_a_gpu() -> None:
    error = RuntimeError("not implemented for 'Half'\nand more")
    assert str(at_the_start(error, CPU, 8)).startswith(
        "the model does not run on cpu: not implemented for 'Half'; set"
    )
    assert isinstance(at_the_start(error, CPU, 8), ConfigError)
    assert isinstance(at_the_start(error, GPU, 8), DeviceError)


def test_a_gpu_that_fails_in_the_warm_up_may_be_well_again_at_the_next_start() -> None:
    def fail(pixels: torch.Tensor) -> torch.Tensor:
        raise torch.AcceleratorError("CUDA error: uncorrectable ECC error encountered")

    failing = scorer(fail)
    failing.device = "cuda:0"
    with pytest.raises(DeviceError, match=r"^cuda:0 failed: CUDA error: uncorrectable ECC error encountered; see"):
        warm_up(failing, SIZE, 8)
