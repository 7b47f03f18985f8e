"""Memory that was used and is free goes back to the system."""

import os
from pathlib import Path

from photod.score.memory import device_memory, give_memory_back


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_what_is_free_between_used_blocks_is_given_back() -> None:
    blocks = [bytes(4000) for _ in range(50_000)]
    last = blocks[-1]  # keeps the heap from shrinking by itself
    blocks.clear()
    before = resident_bytes()
    give_memory_back()
    assert before - resident_bytes() > 100_000_000
    assert len(last) == 4000


def test_a_cpu_has_no_memory_of_its_own() -> None:
    assert device_memory("cpu") is None
