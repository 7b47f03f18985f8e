"""Memory that was used and is free goes back to the system."""

import subprocess
import sys

from photod.score.memory import give_memory_back
from processes import resident_bytes

# Prints how many pages are mapped anew when 16 MiB are taken, filled and let go of thirty times.
PASSES = """
import resource, sys
from photod.score.memory import keep_memory
if sys.argv[1] == "kept":
    keep_memory()
bytearray(16 << 20)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(30):
    bytearray(16 << 20)[::4096] = b"x" * 4096
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def test_what_is_free_between_used_blocks_is_given_back() -> None:
    blocks = [bytes(4000) for _ in range(50_000)]
    last = blocks[-1]  # keeps the heap from shrinking by itself
    blocks.clear()
    before = resident_bytes()
    give_memory_back()
    assert before - resident_bytes() > 100_000_000
    assert len(last) == 4000


def test_what_passes_use_one_after_the_other_is_mapped_once() -> None:
    pages = {
        how: int(subprocess.run([sys.executable, "-c", PASSES, how], check=True, capture_output=True).stdout)
        for how in ("kept", "as usual")
    }
    assert pages["kept"] < pages["as usual"] / 10
