"""How far the fast ways of decoding move scores away from the slow way, on real photos, and what each costs.

    python benchmarks/resize.py [PHOTOS] [--enough 2 3 4 6 8] [--limit 60] [--no-cost]

Slow: every pixel decoded, then Pillow's bicubic resize with antialias. Fast: the faster resize, and with it a JPEG
decoded at a half, a quarter or an eighth of its size, no smaller than so many times the model's side. PHOTOS is
../shared/photos unless named.

Two models judge. The built-in one is trained, and its scores are its own. The other stands for AesCLIP's weights
(stand_in.py). What noise of one level does stands beside.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from machine_facts import machine
from material import photos
from PIL import Image
from stand_in import Pixels, Points, StandIn

from photod import config
from photod.errors import DecodeError
from photod.intake import resize
from photod.intake.decode import decode_photo
from photod.photos import InputSpec
from photod.score import load_scorers
from photod.score.assembly import BUILTIN_DECODE_SIDES, CLIP_DECODE_SIDES

SHARED = Path(__file__).resolve().parents[2] / "shared" / "photos"
GOAL = 0.02  # points
SIDE = 224
FULL = 1 << 20  # times the side: never scaled

Judge = Callable[[Pixels, Pixels], Points]  # slow and fast pixels -> by how many points each score moves


def main() -> None:
    """Print a table for each model, and then the costs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", nargs="?", type=Path, default=SHARED)
    parser.add_argument("--enough", nargs="+", type=int, default=[2, 3, 4, 6, 8], help="times the model's side")
    parser.add_argument("--limit", type=int, default=60)
    parser.add_argument("--no-cost", action="store_true")
    arguments = parser.parse_args()
    print(machine())
    files = [file for file in sorted(arguments.photos.rglob("*")) if file.is_file()]
    with mock.patch.object(resize, "FASTER", False):
        found = [(file, slow) for file in files if (slow := pixels_of(file, FULL)) is not None]
    if not found:
        print(f"nothing to judge: no photos in {arguments.photos}; name a folder of real ones")
        return
    whole = [(file, slow, fast) for file, slow in found if (fast := pixels_of(file, FULL)) is not None]
    ways = {enough: scaled(whole, enough) for enough in arguments.enough}
    for name, judge, used in (
        ("built-in model", builtin(), BUILTIN_DECODE_SIDES),
        ("calibrated ViT-B/16", calibrated([slow for _, slow in found]), CLIP_DECODE_SIDES),
    ):
        print(f"\n{name}: points by which scores move (goal: at most {GOAL})")
        print_row("the faster resize alone", whole[: arguments.limit], judge)
        for enough, differences in ways.items():
            mark = " <- photod" if enough == used else ""
            print_row(f"JPEG at {enough} sides or more{mark}", differences[: arguments.limit], judge)
        noisy = [(file, pixels, shaken(pixels)) for file, pixels in found[: arguments.limit]]
        print_row("noise of one level", noisy, judge, goal=False)
    if not arguments.no_cost:
        print_costs(arguments.enough)


def pixels_of(file: Path, enough: int) -> Pixels | None:
    """The model's input; None for what cannot be decoded."""
    try:
        made = decode_photo(file.read_bytes(), InputSpec(SIDE, decode_sides=enough), 300_000_000).pixels
    except DecodeError:
        return None
    return np.frombuffer(made, np.uint8).reshape(SIDE, SIDE, 3)


def scaled(whole: list[tuple[Path, Pixels, Pixels]], enough: int) -> list[tuple[Path, Pixels, Pixels]]:
    """The photos that come out otherwise when they may be decoded at a fraction of their size."""
    pairs = ((file, slow, unscaled, pixels_of(file, enough)) for file, slow, unscaled in whole)
    return [
        (file, slow, fast) for file, slow, unscaled, fast in pairs if fast is not None and (fast != unscaled).any()
    ]


def shaken(pixels: Pixels) -> Pixels:
    """The same with noise of one level."""
    noise = np.random.default_rng(0).integers(-1, 2, pixels.shape)
    return np.clip(pixels.astype(int) + noise, 0, 255).astype(np.uint8)


def builtin() -> Judge:
    """The model that photod ships."""
    with tempfile.TemporaryDirectory() as cache:
        (scorer, *_) = load_scorers(config.Model(precision="fp32", devices="cpu", batch_size=4096), Path(cache))

    def judge(slow: Pixels, fast: Pixels) -> Points:
        before, after = (scorer.score(scorer.embed(pixels)) for pixels in (slow, fast))
        moved: Points = np.abs(after - before)
        return moved

    return judge


def calibrated(slow: list[Pixels]) -> Judge:
    """The stand-in for real weights."""
    model = StandIn(np.stack(slow[:: max(1, len(slow) // 32)]))
    return lambda before, after: model.moved(model.embed(before), model.embed(after))


def print_row(what: str, pairs: list[tuple[Path, Pixels, Pixels]], judge: Judge, *, goal: bool = True) -> None:
    """One way of decoding: how many photos it changes, by how much, and which one most."""
    if not pairs:
        print(f"  {what:<34} changes no photo")
        return
    moved = judge(np.stack([slow for _, slow, _ in pairs]), np.stack([fast for _, _, fast in pairs]))
    met = ("met" if moved.max() <= GOAL else "MISSED") if goal else ""
    worst = pairs[int(moved.argmax())][0].name
    print(
        f"  {what:<34} {len(pairs):3} photos: median {np.median(moved):.4f}, mean {moved.mean():.4f},"
        f" worst {moved.max():.4f} ({worst}) {met}"
    )


def print_costs(enough: list[int]) -> None:
    """Core-milliseconds to decode and resize camera-size JPEGs: the median of some, each the best of three."""
    print("\ncore-milliseconds a photo, decoding and resizing")
    for kind in ("jpeg-12mp", "jpeg-24mp"):
        costs = {
            sides: float(np.median([min(cost(file, sides) for _ in range(3)) for file in photos(kind, 5)]))
            for sides in (*enough, FULL)
        }
        told = (f"{'every pixel' if sides == FULL else f'{sides} sides'} {ms:.0f}" for sides, ms in costs.items())
        print(f"  {kind}: {', '.join(told)}")


def cost(file: Path, enough: int) -> float:
    """Milliseconds that this thread computes."""
    began = time.thread_time()
    pixels_of(file, enough)
    return 1000 * (time.thread_time() - began)


if __name__ == "__main__":
    Image.MAX_IMAGE_PIXELS = None
    with torch.inference_mode():
        main()
