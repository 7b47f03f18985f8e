"""From a photo landing in a watched folder to its score being there for anybody to read.

    python benchmarks/landing.py [--photos 50] [--burst 500] [--runs 3]

A real daemon with the built-in model and its usual quiet time of 2 s. First single photos into the idle daemon;
then a burst, against the time that the same photos take when they are scored in one go from a folder at rest.
"""

import argparse
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import borrowed  # noqa: F401
from machine_facts import machine
from material import CACHE, describe, photos
from turns import child, spread, verdict

from other_program import opened
from photod.config import Config, Folder
from programs import PHOTOD, RunningDaemon

PARTS = Path(__file__).with_name("parts.py")
SETTLE_S = Config().watch.settle_s
LOOK_S = 0.002  # between two looks for a single photo
LOOK_BURST_S = 0.05  # a look at hundreds takes the processor from those who score them
SINGLE_GOAL_MS, BURST_GOAL = 150.0, 1.1


def visible(database: Path) -> int:
    """How many photos have a score that a reader sees."""
    with opened(f"file:{database}?mode=ro") as connection:
        (count,) = connection.execute("select count(*) from scores").fetchone()
    return int(count)


def land(source: Path, folder: Path, name: str) -> None:
    """Copy as a file manager does: straight under the final name."""
    shutil.copyfile(source, folder / name)


def wait_for(database: Path, count: int, look_s: float = LOOK_S) -> float:
    """The moment at which so many are visible."""
    while visible(database) < count:
        time.sleep(look_s)
    return time.perf_counter()


def singles(folder: Path, sources: list[Path]) -> list[float]:
    """Milliseconds beyond the quiet time, one photo after the other."""
    database, beyond = Folder(path=folder).database_path, []
    for source in sources:
        before = visible(database)
        land(source, folder, f"one-{source.name}")
        landed = time.perf_counter()
        beyond.append(1000 * (wait_for(database, before + 1) - landed - SETTLE_S))
    return beyond


def burst(folder: Path, sources: list[Path], run: int) -> float:
    """Seconds from the last photo's landing to the last one's visibility, less the quiet time."""
    database = Folder(path=folder).database_path
    before = visible(database)
    for number, source in enumerate(sources):
        copy = folder / f"burst-{run}-{number:04}.jpg"
        copy.write_bytes(source.read_bytes() + bytes([run, number % 256, number // 256]))  # new contents every time
    landed = time.perf_counter()
    return wait_for(database, before + len(sources), LOOK_BURST_S) - landed - SETTLE_S


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=50)
    parser.add_argument("--burst", type=int, default=500)
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    print(machine())
    large, small = photos("jpeg-12mp", asked.photos), photos("small")
    many = [small[number % len(small)] for number in range(asked.burst)]
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="landing-") as place:
        folder = Path(place, "photos")
        folder.mkdir()
        config = Path(place, "config.toml")
        config.write_text(f'folders = ["{folder}"]\n[control]\nsocket = "{place}/socket"\n')
        with RunningDaemon(config, program=PHOTOD) as daemon:
            beyond = singles(folder, large)
            bursts, rests = [], []
            for run in range(asked.runs):
                bursts.append(burst(folder, many, run))
                rests.append(at_rest(asked.burst))
            daemon.stop()
    print(f"single photos, {describe(large)}: {spread(beyond)} ms beyond {SETTLE_S:g} s of quiet")
    print(f"  median: {verdict(statistics.median(beyond), SINGLE_GOAL_MS, at_least=False)}")
    print(f"burst of {asked.burst}, {describe(many)}: {spread(bursts)} s beyond the quiet time")
    print(f"  the same at rest: {spread(rests)} s")
    ratios = [a / b for a, b in zip(bursts, rests, strict=True)]
    print(f"  ratio: {verdict(statistics.median(ratios), BURST_GOAL, at_least=False)}")


def at_rest(count: int) -> float:
    """Seconds that so many small photos take in one go."""
    return child(PARTS, "whole", "small", count, "builtin", "auto")["seconds"]


if __name__ == "__main__":
    main()
