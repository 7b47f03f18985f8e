"""Where the time goes, by py-spy: scoring with a large model, scoring with the small one, looking again.

    python benchmarks/profiles.py [--photos 100] [--archive 100000]

py-spy is installed beside the cached material. It looks two hundred times a second at what each thread of each
process is doing, C code included; those that wait in the system are not counted.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import borrowed  # noqa: F401
from archive import look_again, make_files, own_home, write_config, write_scores
from machine_facts import machine
from material import installed

from photod.config import Model, load_config, state_directory
from photod.intake.decode import PREPROCESSING_VERSION
from photod.score import load_scorers
from programs import PHOTOD, RunningDaemon
from watching import quiet

PARTS = Path(__file__).with_name("parts.py")
SPY = "py-spy==0.4.3"
RATE = 200  # looks a second
LOOKING_S = 10
ROWS = 12
WAITING = re.compile(r"^(0x[0-9a-f]+|poll|accept4?|select|epoll_wait|recvmsg|recv|read|wait4?|futex\w*) \(libc")
# Who a thread works for, by a frame that only its work has.
STAGES = {
    "decode": r"intake/worker\.py",
    "model": r"score/(devices|vit|tower|tower_scorer|builtin/tower)\.py",
    "read, hash": r"_read \(|intake/read\.py",
    "decode, this side": r"intake/decoder\.py|intake/process\.py",
    "commit": r"/committer\.py|store/writer\.py",
    "compare": r"watch/",
}


def main() -> None:
    """Profile each and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=100)
    parser.add_argument("--archive", type=int, default=100_000)
    asked = parser.parse_args()
    spy = installed(SPY, SPY) / "bin" / "py-spy"
    print(machine())
    for weights in ("random", "builtin"):
        work = [sys.executable, str(PARTS), "whole", "jpeg-12mp", str(asked.photos), weights, "auto"]
        report(f"{asked.photos} photos of 12 megapixels, {weights}", record(spy, ["--subprocesses", "--", *work]))
    with tempfile.TemporaryDirectory(prefix="archive-") as place, own_home(Path(place)):
        folder = Path(place, "photos")
        identity = load_scorers(Model(), state_directory(), PREPROCESSING_VERSION)[0].identity
        write_scores(folder, make_files(folder, asked.archive), identity)
        with RunningDaemon(write_config(folder), program=PHOTOD) as daemon:
            quiet(load_config(write_config(folder)))
            looking = ["--duration", str(LOOKING_S), "--pid", str(daemon.process.pid)]
            with tempfile.NamedTemporaryFile(suffix=".txt") as output:
                watching = subprocess.Popen(spying(spy, output.name, looking), stdout=subprocess.DEVNULL)
                until = time.monotonic() + LOOKING_S
                while time.monotonic() < until:
                    look_again(folder, asked.archive)
                watching.wait()
                report(f"looking again at {asked.archive} photos", Path(output.name).read_text())
            daemon.stop()


def spying(spy: Path, output: str, what: list[str]) -> list[str]:
    """The command that records something."""
    how = ["--native", "--threads", "--format", "raw", "--rate", str(RATE)]
    return [str(spy), "record", *how, "-o", output, *what]


def record(spy: Path, what: list[str]) -> str:
    """The stacks that were seen while a command ran, a line each with a count."""
    with tempfile.NamedTemporaryFile(suffix=".txt") as output:
        subprocess.run(spying(spy, output.name, what), stdout=subprocess.DEVNULL, check=True)
        return Path(output.name).read_text()


def report(title: str, stacks: str) -> None:
    """Shares of the samples by stage, and by the innermost function of each."""
    stages: Counter[str] = Counter()
    places: Counter[tuple[str, str]] = Counter()
    for line in stacks.splitlines():
        stack, _, count = line.rpartition(" ")
        if WAITING.match(innermost(stack)):
            continue
        stage = next((name for name, pattern in STAGES.items() if re.search(pattern, stack)), "other")
        stages[stage] += int(count)
        places[stage, innermost(stack)] += int(count)
    total = stages.total() or 1
    print(f"\n{title}: {total} samples")
    print("  " + ", ".join(f"{stage} {samples / total:.0%}" for stage, samples in stages.most_common()))
    for (stage, place), samples in places.most_common(ROWS):
        print(f"  {samples / total:6.1%}  {stage:18} {place}")


def innermost(stack: str) -> str:
    """The last frame, without its line number."""
    frame = stack.rpartition(";")[2]
    return re.sub(r":\d+\)$", ")", frame)[:90]


if __name__ == "__main__":
    main()
