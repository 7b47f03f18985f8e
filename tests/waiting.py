"""Waiting for what must come, instead of sleeping."""

import time
from collections.abc import Callable

PATIENCE_S = 90.0  # a busy machine takes long to import torch, and who waits in vain fails anyhow


def wait_until(condition: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
    """Wait for a condition; fails when it does not come."""
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {patience_s} s in vain"
        time.sleep(0.02)
