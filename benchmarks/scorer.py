"""The scorer alone: its speed against the bare forward pass, its start, its memory, and re-scoring.

    python benchmarks/scorer.py [--weights FILE] [--batch 64] [--runs 5] [--precisions fp32 fast]

Without --weights it makes a ViT-B/16 of random weights in OpenAI's layout. "Bare" is open_clip's own image tower
on the same device, in the same precision (fp32 beside int8), on a batch of the same size that is already normalised
and already on the device. Runs alternate; medians and ranges are printed, ratios are medians of the ratios of
neighbours.
"""

import argparse
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import open_clip
import torch

from photod import config
from photod.score import load_scorers
from photod.score.pictures import pictures
from photod.score.scorer import Scorer, TextVectors, scores

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from turns import in_turns, ratio, seconds, verdict

from synthetic_clip import VIT_B_16, make_state

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
    parser.add_argument("--weights")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--precisions", nargs="+", default=["fp32", "fast"])
    arguments = parser.parse_args()
    print_machine()
    with tempfile.TemporaryDirectory() as directory:
        weights = arguments.weights or make_weights(Path(directory))
        for precision in arguments.precisions:
            model = config.Model(weights=weights, precision=precision, batch_size=arguments.batch)
            (scorer, *_) = load_scorers(model, Path(directory))
            compare_with_bare(scorer, weights, arguments.batch, arguments.runs)
            measure_start(weights, precision, Path(directory), arguments.runs)
    measure_rescoring(arguments.runs)


def print_machine() -> None:
    """What the figures below were measured on."""
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    cpu = torch.cpu.get_capabilities()
    units = ", ".join(name for name in ("avx2", "avx512_f", "avx512_bf16", "amx_bf16") if cpu.get(name))
    print(f"{cpu['cpu_name']} ({units}), {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {gpu}")
    print(f"Python {platform.python_version()}, torch {torch.__version__}, {torch.get_num_threads()} threads")


def make_weights(directory: Path) -> str:
    """A file as AesCLIP publishes it."""
    torch.save(make_state(VIT_B_16), directory / "AesCLIP")
    return str(directory / "AesCLIP")


def compare_with_bare(scorer: Scorer, weights: str, batch: int, runs: int) -> None:
    """Images per second of `Scorer.embed` and of the bare forward pass, in turns."""
    device = torch.device(scorer.device)
    dtype = DTYPES[scorer.identity.precision]
    model = open_clip.create_model("ViT-B-16-quickgelu")
    model.load_state_dict(torch.load(weights, weights_only=True))
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


def measure_start(weights: str, precision: str, cache: Path, runs: int) -> None:
    """Seconds from torch imported to scorer ready, in new processes with everything cached."""
    lines = [
        subprocess.run(
            [sys.executable, "-c", START, weights, precision, str(cache)],
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


def measure_rescoring(runs: int) -> None:
    """Seconds to score 80,000 stored embeddings anew, from their bytes."""
    rows = np.random.default_rng(0).standard_normal((80_000, 512)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    stored = rows.astype("<f2").tobytes()
    text = TextVectors(rows[:1], rows[1:2])
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        scores(np.frombuffer(stored, "<f2").reshape(-1, 512), text, 100.0)
        times.append(time.perf_counter() - start)
    print(f"\n80,000 stored embeddings scored anew in {statistics.median(times):.2f} s ({max(times):.2f} at worst)")


if __name__ == "__main__":
    main()
