"""What a photo costs as the archive grows: time, memory, database.

    python benchmarks/growth.py [--large] [--runs 3] [--place DIRECTORY]

Tiny photos, all different, go through everything but a model: 1,000 of them, 10,000, and with --large 100,000.
Each run is a process of its own over a new folder. Some photos more come before and after those that count: the
first wait for decoders to start, and the last leave the pipeline empty, which must be as full when counting ends
as when it begins. Memory and processor time are those of the process itself; its decoders are others.
"""

import argparse
import json
import os
import resource
import statistics
import tempfile
import time
from io import BytesIO
from pathlib import Path

import borrowed  # noqa: F401
import numpy as np
from archive import own_home
from machine_facts import machine
from numpy.typing import NDArray
from PIL import Image
from turns import child

from fake_scorer import FakeScorer
from photod.config import Config, Folder, Watch
from photod.daemon import Daemon

PER_DIRECTORY = 100
MARGIN = 500  # photos until all decoders are at work, and more than there are in the pipeline at once
COUNTS, LARGE = (1_000, 10_000), 100_000
FLAT = 1.1


def main() -> None:
    """Measure each size, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--place", type=Path, default=None, help="where to make the photos")
    parser.add_argument("--score", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.score:
        print(json.dumps(score(options.score, options.count)))
        return
    print(machine())
    counts = (*COUNTS, LARGE) if options.large else COUNTS
    runs: dict[int, list[dict[str, float]]] = {count: [] for count in counts}
    for _ in range(options.runs):
        for count in counts:
            runs[count].append(measure(count, options.place))
    print("photos     ms a photo    of them CPU    peak MB    database, bytes a photo")
    least = middle(runs[counts[0]])
    for count in counts:
        figures = middle(runs[count])
        print(
            f"{count:6}   {1000 * figures['seconds']:6.3f} ({figures['seconds'] / least['seconds']:.2f})"
            f"  {1000 * figures['cpu']:6.3f} ({figures['cpu'] / least['cpu']:.2f})   {figures['peak'] / 1e6:8.1f}"
            f"  {figures['database']:8.0f} ({figures['database'] / least['database']:.2f})"
        )
    print(f"in brackets: against {counts[0]} photos; flat is between {2 - FLAT:.2f} and {FLAT:.2f}")


def middle(runs: list[dict[str, float]]) -> dict[str, float]:
    """The median of each figure."""
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def measure(count: int, place: Path | None) -> dict[str, float]:
    """Figures of one run over so many new photos."""
    with tempfile.TemporaryDirectory(dir=place, prefix="growth-") as home, own_home(Path(home)):
        folder = Path(home, "photos")
        make_photos(folder, count + 2 * MARGIN)
        os.sync()  # or the system writes back many of them, and few never, while they are read
        time.sleep(1)  # they are settled
        figures = child(Path(__file__), "--score", folder, "--count", count)
        database = Folder(path=folder).database_path.stat().st_size
        return {**figures, "database": database / (count + 2 * MARGIN)}


def make_photos(folder: Path, count: int) -> None:
    """Tiny JPEGs that differ in a comment."""
    buffer = BytesIO()
    Image.effect_noise((64, 48), 40).convert("RGB").save(buffer, "JPEG")
    start, rest = buffer.getvalue()[:2], buffer.getvalue()[2:]
    for number in range(count):
        directory = folder / f"{number // PER_DIRECTORY:04}"
        if number % PER_DIRECTORY == 0:
            directory.mkdir(parents=True)
        comment = b"\xff\xfe\x00\x0a" + f"{number:08}".encode()
        (directory / f"IMG_{number:06}.jpg").write_bytes(start + comment + rest)


class TimedScorer(FakeScorer):
    """Notes when it had scored how many."""

    def __init__(self) -> None:
        super().__init__()
        self.marks: list[tuple[int, float, float]] = []

    def embed(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """As the fake does, but with as many coordinates as real ones have."""
        vectors = super().embed(pixels)
        self.marks.append((self.photos, time.perf_counter(), time.process_time()))
        return np.pad(vectors, ((0, 0), (0, 510)))


def score(folder: Path, count: int) -> dict[str, float]:
    """Score the whole folder: seconds a photo, of `count` of them behind MARGIN, and the peak of memory."""
    scorer = TimedScorer()
    Daemon(Config(watch=Watch(settle_s=0.1)), once=folder, load=scorer.load).run()
    begin, end = (next(m for m in scorer.marks if m[0] >= scored) for scored in (MARGIN, MARGIN + count))
    photos, wall_s, cpu_s = (last - first for first, last in zip(begin, end, strict=True))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"seconds": wall_s / photos, "cpu": cpu_s / photos, "peak": peak}


if __name__ == "__main__":
    main()
