"""All of photod against the bound that the hardware sets: what read, hash, decode and model cost by themselves.

    python benchmarks/throughput.py [--kind jpeg-12mp] [--photos 300] [--weights random] [--precision auto]

The bound is cores / (core-seconds a photo of read + SHA-256 + decode + core-seconds a photo of the bare forward
pass of open_clip), each measured alone in one process of its own, in turns with the whole. A GPU works beside the
cores: there it is the lesser of what they take in and what the bare pass makes, transfers included. Where photod's
scorer costs less, a second bound has it in the place of the bare pass, and shows what is left to lose. The whole is
the daemon over a folder without scores: scan, settle, walled decoding, model, commits, and the stop; loading the
model is not in it. It should take some seconds: JPEGs beyond those of a kind are the same ones with other bytes.
"""

import argparse
import os
from pathlib import Path

from machine_facts import machine
from material import describe, photos
from turns import child, ratio, spread, verdict

PARTS = Path(__file__).with_name("parts.py")
GOALS = {("random", "jpeg-12mp"): 0.9, ("random", "small"): 0.95}
DECODE_BOUND_GOAL = 0.9
ALONE = 40  # photos that the intake is measured on
Costs = dict[str, list[float]]
INTAKE, BARE, SCORER, WHOLE = "read, hash, decode", "bare forward pass", "photod's scorer", "the whole"


def main() -> None:
    """Measure in turns and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", default="jpeg-12mp")
    parser.add_argument("--photos", type=int, default=300)
    parser.add_argument("--weights", default="random", help="random (ViT-B/16), builtin, or a file")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--decoders", type=int, default=0, help="decoder processes; 0: one per core")
    asked = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    print(machine())
    print(f"{asked.kind}: {describe(photos(asked.kind, asked.photos))}; {asked.weights}, {asked.precision}")
    costs, speeds, gpu = measure(asked, cores)
    for name, values in costs.items():
        if any(values):
            unit = "milliseconds of the GPU" if gpu and name in (BARE, SCORER) else "core-milliseconds"
            print(f"  {name:20} {spread([1000 * value for value in values], 2)} {unit} a photo")
    print(f"  {WHOLE:20} {spread(speeds)} photos a second on {cores} cores")
    limit = bound_with_gpu if gpu else bound
    if asked.weights == "builtin":
        alone = [cores / cost for cost in costs[INTAKE]]
        print(f"  whole / intake alone    {verdict(ratio(speeds, alone), DECODE_BOUND_GOAL)}")
    else:
        goal = DECODE_BOUND_GOAL if gpu else GOALS.get((asked.weights, asked.kind), DECODE_BOUND_GOAL)
        print(f"  whole / bound           {verdict(ratio(speeds, limit(cores, costs, BARE)), goal)}")
    print(f"  whole / with the scorer {ratio(speeds, limit(cores, costs, SCORER)):.2f}", flush=True)


def measure(asked: argparse.Namespace, cores: int) -> tuple[Costs, list[float], bool]:
    """Seconds a photo of each part, of a core or the GPU; photos a second of the whole; whether there is a GPU."""
    costs: Costs = {name: [] for name in (INTAKE, BARE, SCORER, WHOLE)}
    speeds, gpu = [], False
    for _ in range(asked.runs):
        model = child(PARTS, "forward", asked.weights, asked.precision)
        intake = child(PARTS, "intake", asked.kind, min(ALONE, asked.photos), asked.weights)
        whole = child(PARTS, "whole", asked.kind, asked.photos, asked.weights, asked.precision, asked.decoders)
        speeds.append(asked.photos / whole["seconds"])
        gpu = bool(model["gpu"])
        busy = 1 if gpu else cores  # while the model computes
        each = (intake["core_s"], busy * model["bare_s"], busy * model["scorer_s"], whole["core_s"] / asked.photos)
        for name, cost in zip(costs, each, strict=True):
            costs[name].append(cost)
    return costs, speeds, gpu


def bound(cores: int, costs: Costs, model: str) -> list[float]:
    """Photos a second that so many cores make if nothing but the intake and this model costs them anything."""
    return [cores / (intake + forward) for intake, forward in zip(costs[INTAKE], costs[model], strict=True)]


def bound_with_gpu(cores: int, costs: Costs, model: str) -> list[float]:
    """Photos a second that the cores take in, or that this model makes on the GPU: the lesser."""
    return [min(cores / intake, 1 / forward) for intake, forward in zip(costs[INTAKE], costs[model], strict=True)]


if __name__ == "__main__":
    main()
