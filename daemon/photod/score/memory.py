"""What a device that has memory of its own holds of it for this process."""

import sys


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
