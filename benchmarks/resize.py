"""How far the fast ways of decoding and resizing move scores away from the slow way, on real photos.

    python benchmarks/resize.py [PHOTOS] [--weights FILE] [--limit 60]

Slow: every pixel decoded, then one bicubic resize with antialias. Fast: what photod does (JPEG decoded at a
fraction of its size, large pictures first shrunk by whole factors). PHOTOS is ../shared/photos unless named.
Without --weights a ViT-B/16 of random weights judges, with activations as large as real ones; it is more sensitive
to single pixels than a trained model, so its answer to noise of one level is printed beside.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps

from photod import config
from photod.errors import DecodeError
from photod.intake.decode import decode_photo
from photod.photos import InputSpec
from photod.score import load_scorers

sys.path.insert(0, str(Path(__file__).resolve().parent))
from scorer import make_weights, print_machine

SHARED = Path(__file__).resolve().parents[2] / "shared" / "photos"
GOAL = 0.02  # points


def main() -> None:
    """Print the differences, the largest first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", nargs="?", type=Path, default=SHARED)
    parser.add_argument("--weights")
    parser.add_argument("--limit", type=int, default=60)
    arguments = parser.parse_args()
    print_machine()
    pairs = [
        (file, *both)
        for file in sorted(arguments.photos.rglob("*"))
        if file.is_file() and (both := fast_and_slow(file)) is not None
    ]
    pairs = [pair for pair in pairs if not np.array_equal(pair[1], pair[2])][: arguments.limit]
    fast, slow = (np.stack([pair[column] for pair in pairs]) for column in (1, 2))
    noise = np.random.default_rng(0).integers(-1, 2, slow.shape)
    noisy = np.clip(slow.astype(int) + noise, 0, 255).astype(np.uint8)
    with tempfile.TemporaryDirectory() as directory:
        weights = arguments.weights or make_weights(Path(directory))
        model = config.Model(weights=weights, precision="fp32", batch_size=4096)
        (scorer, *_) = load_scorers(model, Path(directory))
        expected, found, shaken = (scorer.score(scorer.embed(pixels)) for pixels in (slow, fast, noisy))
    moved = np.abs(found - expected)
    for index in np.argsort(-moved)[:10]:
        levels = np.abs(fast[index].astype(int) - slow[index]).max()
        print(f"  {moved[index]:.4f} points at {expected[index]:.2f}, {levels} levels: {pairs[index][0].name}")
    print(f"{len(pairs)} photos that differ at all: median {np.median(moved):.4f}, worst {moved.max():.4f} points")
    met = "met" if moved.max() <= GOAL else "MISSED"
    print(f"goal {GOAL}: {met}; scores from {expected.min():.1f} to {expected.max():.1f}")
    shaken = np.abs(shaken - expected)
    print(f"noise of one level, for comparison: median {np.median(shaken):.4f}, worst {shaken.max():.4f} points")


def fast_and_slow(file: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]] | None:
    """The model's input both ways; None for what Pillow alone cannot decode faithfully."""
    data = file.read_bytes()
    try:
        fast = np.frombuffer(decode_photo(data, InputSpec(), 300_000_000).pixels, np.uint8).reshape(224, 224, 3)
        with Image.open(file) as image:
            if image.format not in ("JPEG", "MPO", "PNG", "WEBP") or image.mode != "RGB":
                return None
            if image.info.get("icc_profile"):  # colour is another matter than size
                return None
            upright = ImageOps.exif_transpose(image)
            slow = np.asarray(upright.resize((224, 224), Image.Resampling.BICUBIC), np.uint8)
    except (DecodeError, OSError):
        return None
    return fast, slow


if __name__ == "__main__":
    with torch.inference_mode():
        main()
