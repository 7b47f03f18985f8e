"""All of photod against what people use today: the same files, the same tower with the same random weights.

    python benchmarks/peers.py [--kind jpeg-12mp] [--photos 128] [--runs 5] [--precision auto] [--weights random]

- naive: one after the other: Pillow, open_clip's transform, a batch of one.
- loader: a torch DataLoader of two workers and batches of 64.
- rclip: the indexing loop of the program of that name from PyPI (reading, hashing, preprocessing, its database),
  given this tower in place of its own, which is to be downloaded. It is installed beside the cached material.

Each runs in a process of its own, in turns; importing and loading the model are not in the figures. All but photod
compute in fp32. With `--weights builtin` all use the built-in tower, so that decoding is what counts.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from machine_facts import machine
from material import describe, installed, photos
from parts import folder_of, weights
from turns import child, in_turns, ratio, spread, verdict

HERE = Path(__file__)
PARTS = HERE.with_name("parts.py")
LOADER_BATCH = 64
SIDE = 224
RCLIP = "rclip==3.3.0"
GOALS = {"random": {"naive": 3.0, "loader": 1.3, "rclip": 1.0}, "builtin": {"naive": 4.0}}


def load_tower(name: str) -> Any:
    """The bare image tower in fp32, on a GPU if there is one, and the transform that open_clip gives its users."""
    import open_clip
    import torch

    model, _, transform = open_clip.create_model_and_transforms("ViT-B-16-quickgelu", pretrained=None)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "builtin":
        from photod.score.builtin.tower import QualityTower

        quality = QualityTower().eval().to(device).to(memory_format=torch.channels_last)
        return lambda images: quality(64 * images.to(device).permute(0, 2, 3, 1) + 128).cpu(), transform  # of bytes
    model.load_state_dict(torch.load(weights(name), weights_only=True))
    tower = model.visual.eval().to(device)
    return lambda images: tower(images.to(device)).cpu(), transform


def naive(folder: Path, name: str) -> float:
    """The script that everybody writes first."""
    import torch
    from PIL import Image

    tower, transform = load_tower(name)
    began = time.perf_counter()
    with torch.inference_mode():
        for path in sorted(folder.iterdir()):
            tower(transform(Image.open(path))[None])
    return time.perf_counter() - began


class Pictures:
    """A map-style dataset, as DataLoader wants one."""

    def __init__(self, paths: list[Path], transform: Callable[[Any], Any]) -> None:
        self.paths, self.transform = paths, transform

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Any:
        from PIL import Image

        return self.transform(Image.open(self.paths[index]))


def loader(folder: Path, name: str) -> float:
    """The script that everybody writes next."""
    import torch
    from torch.utils.data import DataLoader

    tower, transform = load_tower(name)
    began = time.perf_counter()
    batches: Iterable[Any] = DataLoader(
        Pictures(sorted(folder.iterdir()), transform),  # type: ignore[arg-type]
        batch_size=LOADER_BATCH,
        num_workers=2,
    )
    with torch.inference_mode():
        for batch in batches:
            tower(batch)
    return time.perf_counter() - began


def rclip(folder: Path, name: str) -> float:
    """rclip's indexing with this tower."""
    import torch

    sys.path.insert(0, str(install_rclip()))
    from rclip.db import DB
    from rclip.main import RClip

    tower, _ = load_tower(name)
    indexed: list[int] = []

    class Model:
        def compute_preprocessed_image_features(self, images: list[Any], *, for_indexing: bool = False) -> Any:
            pixels = np.stack(images)  # 256 a side, for the model that it downloads; this tower takes the middle
            edge = (pixels.shape[-1] - SIDE) // 2
            middle = pixels[..., edge : edge + SIDE, edge : edge + SIDE]
            with torch.inference_mode():
                features = tower(torch.from_numpy(middle)).numpy()
            indexed.append(len(images))  # what fails in here is only printed
            return features / np.linalg.norm(features, axis=-1, keepdims=True)

    with tempfile.TemporaryDirectory() as place:
        indexer = RClip(Model(), DB(Path(place, "db.sqlite3")), 8, None)
        began = time.perf_counter()
        indexer.ensure_index(str(folder))
        taken = time.perf_counter() - began
        indexer.close()
    assert sum(indexed) == len(list(folder.iterdir())), indexed
    return taken


def install_rclip() -> Path:
    """Where rclip is, without what it depends on and photod has, too."""
    return installed(RCLIP, "--no-deps", RCLIP, "pi-heif<2", "requests", "charset-normalizer", "urllib3")


def main() -> None:
    """Measure in turns and print, or be one of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", default="jpeg-12mp")
    parser.add_argument("--photos", type=int, default=128)
    parser.add_argument("--weights", default="random", choices=("random", "builtin"))
    parser.add_argument("--precision", default="auto", help="photod's")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--be", choices=("naive", "loader", "rclip"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.be:
        work = {"naive": naive, "loader": loader, "rclip": rclip}[asked.be]
        with folder_of(asked.kind, asked.photos) as folder:
            print(json.dumps({"seconds": work(folder, asked.weights)}))
        return
    print(machine())
    print(f"{asked.kind}: {describe(photos(asked.kind, asked.photos))}; {asked.weights}, {asked.precision}")
    if asked.weights == "random":
        install_rclip()
    figures = in_turns(
        {"photod": lambda: run_photod(asked), **{name: peer(asked, name) for name in GOALS[asked.weights]}},
        asked.runs,
    )
    for name, taken in figures.items():
        print(f"  {name:8} {spread([asked.photos / value for value in taken], 2)} photos a second")
    for name, goal in GOALS[asked.weights].items():
        print(f"  photod / {name:8} {verdict(ratio(figures[name], figures['photod']), goal)}", flush=True)


def run_photod(asked: argparse.Namespace) -> float:
    """The daemon once over the folder, with its walls, its hashes and its database."""
    arguments = ("whole", asked.kind, asked.photos, asked.weights, asked.precision)
    return child(PARTS, *arguments)["seconds"]


def peer(asked: argparse.Namespace, name: str) -> Callable[[], float]:
    """One of the others, in a process of its own."""
    arguments = ("--be", name, "--kind", asked.kind, "--photos", asked.photos, "--weights", asked.weights)
    return lambda: child(HERE, *arguments)["seconds"]


if __name__ == "__main__":
    main()
