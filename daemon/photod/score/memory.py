"""What a device that has memory of its own holds of it for this process, and giving the machine's own back."""

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of malloc.h


def device_memory(device: str) -> int | None:
    """Bytes that torch has taken for tensors, in use or kept for the next ones; None where it is the machine's own.

    The driver's context comes on top. Any thread may ask, and nothing is computed. A device that failed answers
    nothing.
    """
    torch = sys.modules.get("torch")
    if torch is None or not device.startswith("cuda"):
        return None
    try:
        return int(torch.cuda.memory_reserved(device))
    except RuntimeError:
        return None


def keep_memory() -> None:
    """Have malloc keep what a pass lets go of: to map and clear it anew each time is 7 % of the built-in model.

    Tensors of up to 32 MiB, and 64 MiB in reserve: the most that malloc may come to by itself, so the rest of the
    process keeps no more than it would.
    """
    option = getattr(ctypes.CDLL(None), "mallopt", None)  # glibc's
    if option is not None:
        option(_M_MMAP_THRESHOLD, 32 << 20)
        option(_M_TRIM_THRESHOLD, 64 << 20)


def give_memory_back() -> None:
    """Return to the system what malloc keeps in reserve: tens of megabytes after a pass of a model."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's
    if trim is not None:
        trim(0)
