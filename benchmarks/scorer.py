"""The scorer alone: its speed against the bare forward pass, its start and its memory.

    python benchmarks/scorer.py [--weights random] [--batch 64] [--runs 5] [--precisions fp32 fast]

The weights are a file, or a ViT-B/16 of random ones in OpenAI's layout. "Bare" is open_clip's own image tower
on the same device, in the same precision (fp32 beside int8), on a batch of the same size that is already normalised
and already on the device. Runs alternate; medians and ranges are printed, ratios are medians of the ratios of
neighbours.
"""

import argparse
import math
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import open_clip
import torch
from machine_facts import machine
from parts import weights
from turns import in_turns, ratio, seconds, verdict

from photod import config
from photod.score import load_scorers
from photod.score.pictures import pictures
from photod.score.scorer import Scorer

LEAST_S = 0.5  # that one measurement takes
GOALS = {"cpu": 0.97, "cuda": 0.95}
# In which the bare pass is computed beside each arithmetic: open_clip has none of whole numbers.
DTYPES = {
    "fp32": torch.float32,
    "tf32": torch.float32,
    "int8": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
}
START = """
import sys, time
import torch
imported = time.perf_counter()
from pathlib import Path
from photod import config
from photod.score import load_scorers
load_scorers(config.Model(weights=sys.argv[1], precision=sys.argv[2]), Path(sys.argv[3]))
ready = time.perf_counter() - imported
# getrusage would count the process that started this one.
print(ready, int(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0]) / 1024)
"""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", default="random", help="random, or a file")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--precisions", nargs="+", default=["fp32", "fast"])
    arguments = parser.parse_args()
    print(machine())
    file = weights(arguments.weights)
    with tempfile.TemporaryDirectory() as directory:
        for precision in arguments.precisions:
            model = config.Model(weights=file, precision=precision, batch_size=arguments.batch)
            (scorer, *_) = load_scorers(model, Path(directory))
            compare_with_bare(scorer, file, arguments.batch, arguments.runs)
            measure_start(file, precision, Path(directory), arguments.runs)


def compare_with_bare(scorer: Scorer, file: str, batch: int, runs: int) -> None:
    """Images per second of `Scorer.embed` and of the bare forward pass, in turns."""
    device = torch.device(scorer.device)
    dtype = DTYPES[scorer.identity.precision]
    model = open_clip.create_model("ViT-B-16-quickgelu")
    model.load_state_dict(torch.load(file, weights_only=True))
    tower = model.visual.eval().to(device, dtype)
    size = scorer.identity.input.size
    shown = np.resize(pictures(size), (batch, size, size, 3))
    images = torch.randn(batch, 3, size, size, device=device, dtype=dtype)

    @torch.inference_mode()
    def bare() -> None:
        tower(images)
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    def repeated(work: Callable[[], object]) -> Callable[[], float]:
        return lambda: seconds(lambda: [work() for _ in range(times)]) / times

    bare()  # warm
    scorer.embed(shown)
    times = math.ceil(LEAST_S / seconds(bare))
    works = {"ours": repeated(lambda: scorer.embed(shown)), "bare": repeated(bare)}
    in_turns(works, 1)  # up to the clock that a GPU reaches under load
    figures = in_turns(works, runs)
    ours, theirs = figures["ours"], figures["bare"]
    gain = ratio(theirs, ours)
    goal = GOALS[device.type]
    print(f"\n{scorer.device}, {scorer.identity.precision}, batch {batch}, {runs} runs in turns")
    print(f"  scorer (with upload, normalisation)  {rate(ours, batch)}")
    print(f"  bare forward pass                    {rate(theirs, batch)}")
    print(f"  scorer / bare                        {verdict(gain, goal)}")


def rate(seconds: list[float], batch: int) -> str:
    """Median and range of images per second."""
    speeds = sorted(batch / taken for taken in seconds)
    return f"{statistics.median(speeds):6.1f} images/s ({speeds[0]:.1f} to {speeds[-1]:.1f})"


def measure_start(file: str, precision: str, cache: Path, runs: int) -> None:
    """Seconds from torch imported to scorer ready, in new processes with everything cached."""
    lines = [
        subprocess.run(
            [sys.executable, "-c", START, file, precision, str(cache)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for _ in range(runs)
    ]
    times, memory = ([float(line[column]) for line in lines] for column in (0, 1))
    print(
        f"  start beyond importing torch         {statistics.median(times):.2f} s"
        f" ({min(times):.2f} to {max(times):.2f}; goal 3), peak memory {max(memory):.0f} MB"
    )


if __name__ == "__main__":
    main()
