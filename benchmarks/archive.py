"""How long a second look at a large archive takes, beside `find`; what the store costs.

    python benchmarks/archive.py [--photos 10000] [--runs 5]

The files are empty and their scores invented: a second look opens no file, so neither is ever seen. Prints medians
of alternating runs and their ratio.
"""

import argparse
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from machine_facts import machine

from fake_scorer import FakeScorer
from photod.config import Config, Folder
from photod.daemon import Daemon
from photod.photos import EMBEDDING_DTYPE, Candidate, Facts, Fingerprint, Judged, Scored
from photod.store.queries import Reader
from photod.store.writer import Writer

PER_DIRECTORY = 100
GROUP = 256


def main() -> None:
    """Build the archive, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "photos")
        files = make_files(folder, options.photos)
        written_s = write_scores(folder, files)
        print(f"{options.photos} rows written in {written_s:.2f} s, {options.photos / written_s:.0f} a second")
        size = Folder(path=folder).database_path.stat().st_size
        print(f"database: {size / 1e6:.1f} MB, {size / options.photos:.0f} bytes a photo")
        measure_looking_again(folder, options.runs)
        measure_ranking(folder, options.runs)
        measure_rescoring(folder)


def measure_looking_again(folder: Path, runs: int) -> None:
    """The whole folder compared, against find printing the same facts of the same files."""
    find = ["find", str(folder), "-path", "*/.photod", "-prune", "-o", "-printf", r"%s %T@ %p\n"]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ours, theirs = [], []
    for _ in range(runs):
        theirs.append(seconds(lambda: subprocess.run(find, stdout=subprocess.DEVNULL, check=True)))
        ours.append(look_again(folder))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1e3
    tell("looking again", ours, "find", theirs)
    print(f"memory at the peak: {grown:.1f} MB more than before the first look")


def look_again(folder: Path) -> float:
    """Seconds from the daemon being ready to the folder being compared."""
    marks: list[float] = []

    class Ready(FakeScorer):
        def load(self, *arguments: object) -> tuple[FakeScorer, ...]:
            marks.append(time.perf_counter())
            return (self,)

    scorer = Ready()
    Daemon(Config(), once=folder, load=scorer.load).run()
    assert scorer.photos == 0, "an unchanged photo was scored"
    return time.perf_counter() - marks[0]


def measure_ranking(folder: Path, runs: int) -> None:
    """The 50 best, in SQL and as a process."""
    reader = Reader(Folder(path=folder).database_path)
    sql = [seconds(lambda: reader.top(50)) for _ in range(runs)]
    command = [sys.executable, "-m", "photod_ctl", "top", str(folder), "-n", "50"]
    process = [seconds(lambda: subprocess.run(command, capture_output=True, check=True)) for _ in range(runs)]
    in_sql, as_process = statistics.median(sql) * 1e3, statistics.median(process) * 1e3
    print(f"top -n 50: {in_sql:.1f} ms in SQL, {as_process:.0f} ms as a process")


def measure_rescoring(folder: Path) -> None:
    """Every score anew from the stored embeddings, as after a change of prompts."""
    scorer = FakeScorer()
    writer = Writer(Folder(path=folder).database_path)

    import numpy as np

    from photod.photos import EMBEDDING_DTYPE

    writer.use_model(replace(scorer.identity, logit_scale=2.0))
    began = time.perf_counter()
    count = writer.rescore(
        lambda vectors: scorer.score(
            np.frombuffer(b"".join(vectors), EMBEDDING_DTYPE).reshape(len(vectors), -1)
        ).tolist()
    )
    print(f"rescored {count} in {time.perf_counter() - began:.2f} s")
    writer.close()


def stored_matrix(vectors: list[bytes]) -> np.ndarray:
    """Stored embeddings as rows of float16."""
    return np.frombuffer(b"".join(vectors), EMBEDDING_DTYPE).reshape(len(vectors), -1)


def make_files(folder: Path, count: int) -> list[str]:
    """Empty files with photos' names, PER_DIRECTORY in each directory; their paths relative to the folder."""
    paths = [f"{n // PER_DIRECTORY // 12:04}/{n // PER_DIRECTORY % 12:02}/IMG_{n:06}.jpg" for n in range(count)]
    for path in paths:
        file = folder / path
        if not file.parent.exists():
            file.parent.mkdir(parents=True)
        file.touch()
    return paths


def write_scores(folder: Path, paths: list[str]) -> float:
    """Commit an invented score for every file, in groups as the daemon does; seconds that it took."""
    writer = Writer(Folder(path=folder).database_path)
    writer.use_model(FakeScorer().identity)
    chance = random.Random(1)
    total = 0.0
    for start in range(0, len(paths), GROUP):
        group = []
        for number, path in enumerate(paths[start : start + GROUP], start):
            facts = Facts(4000, 3000, "2019-07-01 12:00:00", "Canon EOS 6D")
            verdict = Scored(
                f"{number:064x}",
                facts,
                chance.uniform(0, 10),
                np.full(512, chance.random(), EMBEDDING_DTYPE).tobytes(),
            )
            found = Fingerprint.of((folder / path).stat())
            group.append((Judged(Candidate(str(folder), path, found), verdict, duplicate=False), True))
        total += seconds(lambda ready=group: writer.commit(ready))  # type: ignore[misc]
    writer.close()
    return total


def seconds(work: Callable[[], object]) -> float:
    """How long a call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def tell(name: str, ours: list[float], other: str, theirs: list[float]) -> None:
    """A line with both medians, their spreads, and the ratio."""
    a, b = statistics.median(ours), statistics.median(theirs)
    print(f"{name}: {a:.3f} s ({min(ours):.3f} to {max(ours):.3f}); {other}: {b:.3f} s "
          f"({min(theirs):.3f} to {max(theirs):.3f}); ratio {a / b:.2f}")  # fmt: skip


if __name__ == "__main__":
    main()
