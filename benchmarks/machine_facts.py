"""The machine that a figure was measured on, in a line."""

import datetime
import os
import platform
from pathlib import Path


def machine() -> str:
    """Processor, cores, memory, GPUs, kernel, Python, date, and how busy the machine is."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    processor = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    drivers = Path("/proc/driver/nvidia/gpus").glob("*/information")
    gpus = [line.partition(":")[2].strip() for file in drivers for line in file.read_text().splitlines()[:1]]
    return (
        f"{processor}, {os.cpu_count()} cores, {memory:.0f} GiB, {', '.join(gpus) or 'no GPU'}, "
        f"Linux {platform.release()}, "
        f"Python {platform.python_version()}, {datetime.datetime.now(tz=datetime.UTC):%Y-%m-%d}, "
        f"load {os.getloadavg()[0]:.1f}"
    )
