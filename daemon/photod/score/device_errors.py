"""What an error of a device means: too large a batch, memory that others hold, or a device that fails."""

import ctypes
import os
from pathlib import Path
from typing import NamedTuple

import torch

from photod.errors import BusyDeviceError, ConfigError, DeviceError, PhotodError
from photod.score.words import first_line

_GIB = 1 << 30
# As CUDA, torch's allocator on a CPU, cuBLAS, cuDNN, and cuDNN without room for any of its plans say it.
_OUT_OF_MEMORY = (
    "out of memory", "can't allocate memory", "alloc_failed", "allocation_failed", "unable to find an engine",
)  # fmt: skip
# What stays as it is until somebody changes the machine. Anything else may pass: a driver that is not ready yet,
# memory that others hold, an error of the device.
_LASTING = (
    "too old", "driver version is insufficient", "no kernel image", "invalid device ordinal", "no nvidia driver",
    "no cuda gpus are available", "not compiled with cuda",
)  # fmt: skip
_CONTROL = Path("/dev/nvidiactl")
_DRIVEN = Path("/proc/driver/nvidia/gpus")
_LIBRARY = "libcuda.so.1"  # of the driver


class Fault(NamedTuple):
    """Why torch cannot compute on a device."""

    words: str
    passes: bool  # whether it may be well again by itself


def fault_of(device: torch.device) -> Fault | None:
    """Why torch cannot compute on a device, or None: one that the driver counts may be closed to us, or too old."""
    try:
        (torch.ones(1, device=device) + 1).item()
    except Exception as error:  # not all of the driver's errors have a type of their own
        return Fault(first_line(error), not any(phrase in str(error).lower() for phrase in _LASTING))
    return None


def hides_a_gpu() -> bool:
    """Whether a GPU is there and open to us that the driver does not count: it starts, or was just exchanged.

    A container may see the GPU of its host, and have no library of the driver. No waiting would bring that.
    """
    hidden_by_wish = "CUDA_VISIBLE_DEVICES" in os.environ or torch.version.cuda is None
    if hidden_by_wish or not os.access(_CONTROL, os.R_OK | os.W_OK) or not any(_DRIVEN.glob("*")):
        return False
    try:
        ctypes.CDLL(_LIBRARY)
    except OSError:
        return False
    return True


def why_no_gpu() -> str:
    """Why torch counts no GPU, in the driver's words or its own."""
    try:
        torch.cuda.init()  # type: ignore[no-untyped-call]
    except Exception as error:
        return first_line(error)
    return "there is none"


def at_the_start(error: BaseException, device: torch.device, photos: int) -> PhotodError:
    """What to tell when `photos` at once did not cross a device while the model was tried out.

    A ConfigError for what stays so until somebody changes it; a DeviceError for what may pass.
    """
    if not _out_of_memory(error):
        if device.type == "cpu":
            return ConfigError(f"the model does not run on {device}: {first_line(error)}", "set model.weights")
        return DeviceError(f"{device} failed: {first_line(error)}", "see the system's log")
    others, total = _held_by_others(device)
    if 2 * others > total:
        share = f"{others / _GIB:.1f} of its {total / _GIB:.1f} GiB"
        problem = f"{device} is out of memory: other programs hold {share}"
        return BusyDeviceError(problem, "end them, or set model.devices")
    return ConfigError(f"model.batch_size is too large: {device} is out of memory", f"set it below {photos}")


def _out_of_memory(error: BaseException) -> bool:
    """Whether that is what an error says; torch has no type for it on a CPU."""
    words = str(error).lower()
    return isinstance(error, MemoryError) or any(phrase in words for phrase in _OUT_OF_MEMORY)


def _held_by_others(device: torch.device) -> tuple[int, int]:
    """Bytes of a GPU that neither are free nor ours, and all of them. A CPU's are not asked about."""
    if device.type == "cpu":
        return 0, 1
    try:
        free, total = torch.cuda.mem_get_info(device)
        return total - free - torch.cuda.memory_reserved(device), total
    except RuntimeError:
        return 0, 1
