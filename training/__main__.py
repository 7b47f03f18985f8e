"""`python -m training train | evaluate | card | sheets`: make, measure, describe and look at the built-in model."""

import argparse
import os
from pathlib import Path
from typing import Final

import torch

import photod.score.builtin
from training.calibrate import as_is, calibrate, fit_faults, labelled, set_thresholds, squashed
from training.card import write_card
from training.evaluate import Report, as_text, evaluate
from training.export import export
from training.judge import embed
from training.photos import MANIFEST, list_photos
from training.render import render_cache
from training.sheets import write_sheets
from training.train import Shards, checkpoint_in, train

PACKAGE: Final = Path(photod.score.builtin.__path__[0])
SHARED: Final = Path(__file__).resolve().parents[2] / "shared"
SEED: Final = 20261
SHARDS: Final = 96
STEPS: Final = 4000
FAULT_SHARDS: Final = 4


def arguments() -> argparse.Namespace:
    """What was asked for on the command line."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "photod-training"
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument("task", choices=("train", "evaluate", "card", "sheets"))
    parser.add_argument(
        "--photos", type=Path, default=SHARED / "train-photos", help="training photos, with manifest"
    )
    parser.add_argument("--real", type=Path, default=SHARED / "photos", help="everyday photos for the check")
    parser.add_argument("--weights", type=Path, default=PACKAGE, help="where the model is or will be")
    parser.add_argument("--cache", type=Path, default=cache, help="renders and checkpoints, 10 GB")
    parser.add_argument("--out", type=Path, default=cache / "sheets", help="where contact sheets go")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--shards", type=int, default=SHARDS)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    needed = {"real": asked.real, "weights": asked.weights}
    if asked.task != "sheets":
        needed["photos"] = asked.photos / MANIFEST
    for option, path in needed.items():
        if not path.exists():  # told now, and not when the model has been trained
            parser.error(f"{path} is not there: see --{option}")
    return asked


def make(asked: argparse.Namespace) -> None:
    """Render, train, calibrate and export; what is already rendered or trained is not done again."""
    split = list_photos(asked.photos)
    paths = []
    for path in render_cache(split.training, asked.seed, asked.shards, asked.cache, asked.threads):
        paths.append(path)
        print(f"rendered {len(paths)}/{asked.shards}", flush=True)
    judge = train(Shards(paths), asked.seed, asked.steps, checkpoint_in(paths[0].parent, asked.shards))
    photos = (*split.training, *split.validation)
    tower = judge.tower.to(memory_format=torch.channels_last)
    unspoiled = embed(tower, squashed(photos))
    differences = calibrate(as_is(judge.differences()), unspoiled, photos)
    pictures, shares = labelled(paths[:FAULT_SHARDS], "faults")
    differences = fit_faults(differences, embed(tower, pictures), torch.from_numpy(shares))
    differences = set_thresholds(differences, unspoiled)
    provenance = {"seed": str(asked.seed), "steps": str(asked.steps), "shards": str(asked.shards)}
    export(tower, differences, asked.weights, provenance)


def measure(asked: argparse.Namespace) -> Report:
    """Evaluate the exported weights and print the tables."""
    report = evaluate(asked.weights, list_photos(asked.photos), asked.real, asked.seed, asked.cache)
    print(as_text(report), flush=True)
    return report


def main() -> int:
    """Run one task; a bar that is missed is named in the table, it is no failure of the program."""
    asked = arguments()
    torch.set_num_threads(asked.threads)
    if asked.task == "sheets":
        print(*write_sheets(asked.weights, asked.real, asked.out, 24), sep="\n")
        return 0
    if asked.task == "train":
        make(asked)
    report = measure(asked)
    if asked.task in ("train", "card"):
        write_card(asked.weights, list_photos(asked.photos), report)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
