"""What is known of another process: how much memory it holds, and how it ended."""

import os
import signal
from pathlib import Path


def describe_exit(code: int) -> str:
    """`code` is that of `subprocess.Popen`: negative for a signal."""
    if code >= 0:
        return f"ended with code {code}"
    if -code == signal.SIGKILL:
        return "was killed (SIGKILL), as happens when the system runs out of memory"
    try:
        return f"crashed ({signal.Signals(-code).name})"
    except ValueError:  # a real-time signal has no name
        return f"crashed (signal {-code})"


def resident_bytes(pid: int) -> int:
    """Its resident memory; 0 once it has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
