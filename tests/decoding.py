"""Photos through a real decoder process, and a look at that process."""

import io
import threading
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from photod.fingerprints import fingerprint_of
from photod.intake.decoder import Decoded, Decoder
from photod.intake.memory import PhotoMemory
from photod.intake.read import ReadPhoto, read_photo
from photod.photos import Candidate

PATIENCE_S = 20.0
SIZE = 3 * 224 * 224


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until, "what was waited for did not happen"
        time.sleep(0.002)


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def read(path: Path) -> ReadPhoto:
    photo = read_photo(Candidate(str(path.parent), path.name, fingerprint_of(path.stat())), 1 << 30, PhotoMemory())
    assert isinstance(photo, ReadPhoto)
    return photo


def decode(decoder: Decoder, path: Path) -> Decoded:
    photo = read(path)
    with photo.data:
        return decoder.decode(photo)


def processor_ticks(pid: int) -> int:
    """Clock ticks that a process has used, 0 if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def when_busy(decoder: Decoder, act: Callable[[int], None]) -> threading.Thread:
    """Run `act` with the worker's pid as soon as the worker has used processor time for a photo."""
    pid = decoder.pid
    assert pid is not None
    idle = processor_ticks(pid)

    def wait_and_act() -> None:
        wait_for(lambda: processor_ticks(pid) > idle + 2)
        act(pid)

    thread = threading.Thread(target=wait_and_act)
    thread.start()
    return thread
