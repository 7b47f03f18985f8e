"""Photos through a real decoder process, and a look at that process."""

import threading
from collections.abc import Callable
from pathlib import Path

from photod.fingerprints import fingerprint_of
from photod.intake.decoder import Decoded, Decoder
from photod.intake.memory import PhotoMemory
from photod.intake.read import ReadPhoto, read_photo
from photod.photos import Candidate
from processes import cpu_s
from waiting import wait_until

SIZE = 3 * 224 * 224


def read(path: Path) -> ReadPhoto:
    photo = read_photo(Candidate(str(path.parent), path.name, fingerprint_of(path.stat())), 1 << 30, PhotoMemory())
    assert isinstance(photo, ReadPhoto)
    return photo


def decode(decoder: Decoder, path: Path) -> Decoded:
    photo = read(path)
    with photo.data:
        return decoder.decode(photo)


def when_busy(decoder: Decoder, act: Callable[[int], None]) -> threading.Thread:
    """Run `act` with the worker's pid as soon as the worker has used processor time for a photo."""
    pid = decoder.pid
    assert pid is not None
    idle_s = cpu_s(pid)

    def wait_and_act() -> None:
        wait_until(lambda: cpu_s(pid) > idle_s + 0.02)
        act(pid)

    thread = threading.Thread(target=wait_and_act)
    thread.start()
    return thread
