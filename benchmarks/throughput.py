"""All of photod against the bound that the hardware sets: what read, hash, decode and model cost by themselves.

    python benchmarks/throughput.py [--kind jpeg-12mp] [--photos 300] [--weights random] [--precision auto]

The bound is cores / (core-seconds a photo of read + SHA-256 + decode + core-seconds a photo of the model), each
measured alone in one process of its own, in turns with the whole. Of the model, the cheaper of open_clip's bare
forward pass and photod's own scorer counts. The whole is the daemon over a folder without scores: scan, settle,
walled decoding, model, commits, and the stop; loading the model is not in it.
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
    wholes, bounds, intakes, parts = [], [], [], []
    for _ in range(asked.runs):
        model = child(PARTS, "forward", asked.weights, asked.precision)
        intake_s = child(PARTS, "intake", asked.kind, min(ALONE, asked.photos), asked.weights)["core_s"]
        whole = child(PARTS, "whole", asked.kind, asked.photos, asked.weights, asked.precision, asked.decoders)
        model_s = min(value for value in model.values() if value)
        bounds.append(cores / (intake_s + model_s))
        intakes.append(cores / intake_s)
        wholes.append(asked.photos / whole["seconds"])
        parts.append((intake_s, model["bare_core_s"], model["scorer_core_s"], whole["core_s"] / asked.photos))
    names = ("read, hash, decode", "bare forward pass", "photod's scorer", "the whole")
    for name, values in zip(names, zip(*parts, strict=True), strict=True):
        if any(values):
            print(f"  {name:20} {spread([1000 * value for value in values])} core-milliseconds a photo")
    print(f"  bound of the intake  {spread(intakes)} photos a second on {cores} cores")
    print(f"  bound                {spread(bounds)} photos a second on {cores} cores")
    print(f"  the whole            {spread(wholes)} photos a second")
    if asked.weights == "builtin":
        print(f"  whole / intake       {verdict(ratio(wholes, intakes), DECODE_BOUND_GOAL)}")
    goal = GOALS.get((asked.weights, asked.kind), DECODE_BOUND_GOAL)
    print(f"  whole / bound        {verdict(ratio(wholes, bounds), goal)}", flush=True)


if __name__ == "__main__":
    main()
