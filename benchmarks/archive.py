"""A second look at a large archive, beside `find`; the start, the memory and the store that the archive costs.

    python benchmarks/archive.py [--photos 100000] [--runs 5] [--place DIRECTORY]

A real daemon with the built-in model. The files are empty and their scores invented: a second look opens no file,
so neither is ever seen. Prints medians of alternating runs, their ratios, and the goals. The place must be a disk.
"""

import argparse
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import borrowed  # noqa: F401
import numpy as np
from machine_facts import machine
from turns import in_turns, ratio, seconds, spread, verdict

from fake_scorer import FakeScorer
from photod.config import Config, Folder, Model, load_config, state_directory
from photod.fingerprints import fingerprint_of
from photod.intake.decode import PREPROCESSING_VERSION
from photod.photos import EMBEDDING_DTYPE, Candidate, Facts, Judged, ModelIdentity, Scored
from photod.score import load_scorers
from photod.score.scorer import score_stored
from photod.store.queries import Reader
from photod.store.writer import Writer
from processes import children, resident_bytes
from programs import PHOTOD, RunningDaemon
from watching import ask, quiet

PER_DIRECTORY = 100
FEW = 10_000  # photos of the archive that memory is compared with: enough to fill every cache
GROUP = Config().store.group
LOOK_GOALS_S = {10_000: 0.5, 100_000: 4.0}
FIND_GOAL, START_GOAL_S, MEMORY_GOAL_BYTES, PEAK_GOAL_MB = 2.5, 5.0, 100.0, 600.0
ROWS_GOAL, TOP_GOAL_MS, TOP_PROCESS_GOAL_MS, RESCORE_GOAL_S, RESCORED = 20_000, 20.0, 250.0, 2.0, 80_000


def main() -> None:
    """Build the archive, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--place", type=Path, default=None, help="where to build it")
    options = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory(dir=options.place, prefix="archive-") as place, own_home(Path(place)):
        identity = load_scorers(Model(), state_directory(), PREPROCESSING_VERSION)[0].identity
        folder, few = Path(place, "photos"), Path(place, "few")
        write_scores(few, make_files(few, FEW), identity)
        took_s = write_scores(folder, make_files(folder, options.photos), identity)
        size = Folder(path=folder).database_path.stat().st_size
        print(f"rows written a second: {verdict(options.photos / took_s, ROWS_GOAL)}")
        print(f"database: {size / options.photos:.0f} bytes a photo")
        measure_start(folder, few, options.photos, options.runs)
        measure_looking_again(folder, options.photos, options.runs)
        measure_ranking(folder, options.runs)
        measure_rescoring(folder, identity)


@contextmanager
def own_home(place: Path) -> Iterator[None]:
    """Have configuration, state and sockets of what is started here lie below this place."""
    names = ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update({name: str(place / name.lower()) for name in names})
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)


def make_files(folder: Path, count: int) -> list[str]:
    """Empty files with photos' names, PER_DIRECTORY in each directory; their paths relative to the folder."""
    paths = [f"{n // PER_DIRECTORY // 12:04}/{n // PER_DIRECTORY % 12:02}/IMG_{n:06}.jpg" for n in range(count)]
    for path in paths:
        file = folder / path
        if not file.parent.exists():
            file.parent.mkdir(parents=True)
        file.touch()
    return paths


def write_scores(folder: Path, paths: list[str], identity: ModelIdentity) -> float:
    """Commit an invented score for every file, in groups as the daemon does; returns the seconds of all commits."""
    writer = Writer(Folder(path=folder).database_path)
    writer.use_model(identity)
    chance = random.Random(1)
    took_s = 0.0
    for start in range(0, len(paths), GROUP):
        group = [
            (Judged(candidate(folder, path), invented(number, chance), duplicate=False), True)
            for number, path in enumerate(paths[start : start + GROUP], start)
        ]
        took_s += seconds(lambda ready=group: writer.commit(ready))  # type: ignore[misc]
    writer.close()
    return took_s


def candidate(folder: Path, path: str) -> Candidate:
    """The file as the daemon would have found it."""
    return Candidate(str(folder), path, fingerprint_of((folder / path).stat()))


def invented(number: int, chance: random.Random) -> Scored:
    """A verdict on contents that nobody has."""
    facts = Facts(4000, 3000, "2019-07-01 12:00:00", "Canon EOS 6D")
    vector = np.full(512, chance.random(), EMBEDDING_DTYPE).tobytes()
    return Scored(f"{chance.getrandbits(256):064x}", facts, chance.uniform(0, 10), vector)


def measure_start(folder: Path, few: Path, photos: int, runs: int) -> None:
    """Starting over the archive, and the most memory while it is watched and compared, beside a small one."""
    some = [started(few)[1] for _ in range(runs)]
    starts, peaks, models = zip(*(started(folder) for _ in range(runs)), strict=True)
    peak, model = statistics.median(peaks), statistics.median(models)
    print(
        f"start to READY: {spread(list(starts), 2)} s: "
        f"{verdict(statistics.median(starts), START_GOAL_S, at_least=False)}"
    )
    if photos > FEW:
        grown = (peak - statistics.median(some)) / (photos - FEW)
        print(f"memory for each photo more than {FEW}: {verdict(grown, MEMORY_GOAL_BYTES, at_least=False)} bytes")
    print(
        f"memory of the daemon: {verdict(peak / 1e6, PEAK_GOAL_MB, at_least=False)} MB;"
        f" of the model's process, until it rests: {model / 1e6:.0f}, of which torch is {torch_mb():.0f}"
    )


def measure_looking_again(folder: Path, photos: int, runs: int) -> None:
    """Comparing the archive whole, beside `find`."""
    with RunningDaemon(write_config(folder), program=PHOTOD) as daemon:
        quiet(load_config(write_config(folder)))  # the first look of a start has directories watched
        find = ["find", str(folder), "-path", "*/.photod", "-prune", "-o", "-printf", r"%s %T@ %p\n"]
        figures = in_turns(
            {
                "find": lambda: seconds(lambda: subprocess.run(find, stdout=subprocess.DEVNULL, check=True)),
                "look": lambda: seconds(lambda: look_again(folder, photos)),
            },
            runs,
        )
        daemon.stop()
    print(f"looking again: {spread(figures['look'], 3)} s; find: {spread(figures['find'], 3)} s")
    print(f"  ratio: {verdict(ratio(figures['look'], figures['find']), FIND_GOAL, at_least=False)}")
    if photos in LOOK_GOALS_S:
        print(f"  seconds: {verdict(statistics.median(figures['look']), LOOK_GOALS_S[photos], at_least=False)}")


def started(folder: Path) -> tuple[float, int, int]:
    """Seconds from the start of a daemon over this folder to READY, its peak from then to the third look, and what
    the process of its model has."""
    config = write_config(folder)
    running: list[RunningDaemon] = []
    took_s = seconds(lambda: running.append(RunningDaemon(config, program=PHOTOD).__enter__()))
    Path(f"/proc/{running[0].process.pid}/clear_refs").write_text("5")  # the warm-up's peak is another matter
    for _ in range(3):
        ask(load_config(config), "rate", folder=str(folder))
    pid = running[0].process.pid
    (model,) = children("photod.score.worker", pid)
    peak, held = peak_bytes(pid), resident_bytes(model)
    running[0].stop()
    return took_s, peak, held


def write_config(folder: Path) -> Path:
    """A configuration over this folder alone."""
    path = folder.parent / f"{folder.name}.toml"
    path.write_text(f'folders = ["{folder}"]\n[control]\nsocket = "{folder.parent}/socket"\n')
    return path


def look_again(folder: Path, photos: int) -> None:
    """Have the daemon compare the whole folder, as `photod-ctl rate` does, and wait until it has."""
    done = ask(load_config(write_config(folder)), "rate", folder=str(folder))["progress"]
    assert done["unchanged"] == photos, f"not all was found unchanged: {done}"


def peak_bytes(process: int) -> int:
    """The most memory that the process itself has had; there are no decoders here."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def torch_mb() -> float:
    """What a process has that does nothing but import torch."""
    program = "import torch; print(open('/proc/self/status').read().split('VmRSS:')[1].split()[0])"
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, check=True, text=True)
    return int(done.stdout) * 1024 / 1e6


def measure_ranking(folder: Path, runs: int) -> None:
    """The 50 best, in SQL and as a process."""
    reader = Reader(Folder(path=folder).database_path)
    command = [sys.executable, "-m", "photod_ctl", "top", str(folder), "-n", "50"]
    figures = in_turns(
        {
            "sql": lambda: 1000 * seconds(lambda: reader.top(50)),
            "process": lambda: 1000 * seconds(lambda: subprocess.run(command, capture_output=True, check=True)),
        },
        runs,
    )
    print(f"top -n 50 in SQL, ms: {verdict(statistics.median(figures['sql']), TOP_GOAL_MS, at_least=False)}")
    whole = statistics.median(figures["process"])
    print(f"top -n 50 as a process, ms: {verdict(whole, TOP_PROCESS_GOAL_MS, at_least=False)}")
    reader.close()


def measure_rescoring(folder: Path, identity: ModelIdentity) -> None:
    """Every score anew from the stored embeddings, as after a change of prompts."""
    scorer = FakeScorer()
    writer = Writer(Folder(path=folder).database_path)
    writer.use_model(replace(identity, logit_scale=2.0))
    counts: list[int] = []
    took_s = seconds(lambda: counts.append(writer.rescore(partial(score_stored, scorer))))
    writer.close()
    print(f"{counts[0]} scored anew from embeddings: {took_s:.2f} s")
    each = took_s * RESCORED / counts[0]
    print(f"  seconds for {RESCORED} of them: {verdict(each, RESCORE_GOAL_S, at_least=False)}")


if __name__ == "__main__":
    main()
