"""One part of the work in a process of its own; the other benchmarks start it and read the figures it prints.

python benchmarks/parts.py intake  KIND COUNT WEIGHTS      read + hash + decode in one thread, no walls
python benchmarks/parts.py forward WEIGHTS PRECISION       the model alone, photod's and open_clip's own
python benchmarks/parts.py whole   KIND COUNT WEIGHTS PRECISION [DECODERS]   all of photod, once over a folder
"""

import hashlib
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import borrowed  # noqa: F401
import numpy as np
from material import CACHE, photos

from photod import config

BATCHES = {"cpu": 32, "cuda": 64}  # where a core works through its own share, more is no better
MAX_PIXELS = 300_000_000
PASSES, LEAST_S = 2, 0.5  # of the model over a batch, at least; the best counts: a limit is what nothing disturbed


def weights(name: str) -> str:
    """`random` is a ViT-B/16 that nobody trained, in a file as AesCLIP publishes it; anything else is itself."""
    if name != "random":
        return name
    path = CACHE / "vit-b-16-random"
    if not path.exists():
        import torch

        from synthetic_clip import VIT_B_16, make_state

        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(make_state(VIT_B_16), path)
    return str(path)


def model(name: str, precision: str) -> config.Model:
    """The configuration of a model."""
    return config.Model.model_validate({"weights": weights(name), "precision": precision})


@contextmanager
def folder_of(kind: str, count: int) -> Iterator[Path]:
    """A new folder that holds COUNT photos of a kind: the first ones, and JPEGs again if there are fewer."""
    CACHE.mkdir(parents=True, exist_ok=True)
    sources = photos(kind, count)
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="run-") as place:
        for source in sources:
            os.link(source, Path(place, f"IMG_{source.name}"))
        assert count <= len(sources) or sources[0].suffix == ".jpg", f"there are {len(sources)} of {kind}"
        for number in range(len(sources), count):
            Path(place, f"IMG_{number}.jpg").write_bytes(numbered(sources[number % len(sources)], number))
        yield Path(place)


def numbered(jpeg: Path, number: int) -> bytes:
    """A JPEG with a number as its comment, so that its bytes are not known yet."""
    start, rest = (data := jpeg.read_bytes())[:2], data[2:]
    return start + b"\xff\xfe\x00\x06" + number.to_bytes(4, "big") + rest


def cpu_s() -> float:
    """Processor seconds of this process and its children, those that ended and those that live."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    living = [child for task in Path("/proc/self/task").glob("*/children") for child in task.read_text().split()]
    ticks = [Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[11:13] for child in living]
    ended = sum(usage.ru_utime + usage.ru_stime for usage in used)
    return ended + sum(int(each) for times in ticks for each in times) / os.sysconf("SC_CLK_TCK")


def intake(kind: str, count: int, name: str) -> dict[str, float]:
    """Core-seconds a photo of reading, hashing and decoding, the least that is correct for these weights."""
    from photod.intake.decode import decode_photo
    from photod.photos import InputSpec
    from photod.score.assembly import BUILTIN_DECODE_SIDES, CLIP_DECODE_SIDES

    sides = BUILTIN_DECODE_SIDES if name == "builtin" else CLIP_DECODE_SIDES
    paths, spec = photos(kind, count), InputSpec(decode_sides=sides)
    decode_photo(paths[0].read_bytes(), spec, MAX_PIXELS)
    began = time.process_time()
    for path in paths:
        data = path.read_bytes()
        hashlib.sha256(data).hexdigest()
        decode_photo(data, spec, MAX_PIXELS)
    return {"core_s": (time.process_time() - began) / len(paths)}


def forward(name: str, precision: str) -> dict[str, float]:
    """Seconds a photo of photod's scorer, and of open_clip's tower in the same precision (0: it has none).

    On a GPU both are given pixels in the machine's memory and have their vectors there; open_clip's are normalised
    already, and pinned. TensorFloat-32 is a switch of the process, and stays as the scorer has set it.
    """
    from photod.score import load_scorers

    with tempfile.TemporaryDirectory() as cache:
        (scorer, *_) = load_scorers(model(name, precision), Path(cache))
    gpu = scorer.device.startswith("cuda")
    batch, side = BATCHES["cuda" if gpu else "cpu"], scorer.identity.input.size
    pixels = np.random.default_rng(0).integers(0, 256, (batch, side, side, 3), np.uint8)
    ours = best(lambda: scorer.embed(pixels)) / batch
    if name == "builtin":
        return {"scorer_s": ours, "bare_s": 0.0, "gpu": gpu}

    import open_clip
    import torch

    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(scorer.identity.precision, torch.float32)
    clip = open_clip.create_model("ViT-B-16-quickgelu", pretrained=None)
    clip.load_state_dict(torch.load(weights(name), weights_only=True))
    tower, images = clip.visual.eval().to(scorer.device, dtype), torch.randn(batch, 3, side, side, dtype=dtype)
    there = images.pin_memory() if gpu else images
    with torch.inference_mode():
        bare = best(lambda: tower(there.to(scorer.device, non_blocking=True)).cpu())
    return {"scorer_s": ours, "bare_s": bare / batch, "gpu": gpu}


def best(work: object) -> float:
    """Seconds of the quickest of some calls."""
    assert callable(work)
    work()
    taken: list[float] = []
    while len(taken) < PASSES or sum(taken) < LEAST_S:
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return min(taken)


def whole(kind: str, count: int, name: str, precision: str, decoders: int = 0) -> dict[str, float]:
    """Seconds from the model being loaded to everything being committed, of the daemon once over a folder."""
    from photod.daemon import Daemon
    from photod.logs import configure_logs
    from photod.score import start_scorers
    from photod.score.scorer import RestingScorer
    from photod.store.queries import Reader

    marks: list[tuple[float, float]] = []

    def load(*arguments: object) -> tuple[RestingScorer, ...]:
        scorers = start_scorers(*arguments)  # type: ignore[arg-type]
        marks.append((time.perf_counter(), cpu_s()))
        return scorers

    chosen = config.Config(
        model=model(name, precision),
        intake=config.Intake(decoders=decoders),
        watch=config.Watch(settle_s=0),
    )
    configure_logs("warning", "text")  # a line for each photo would be debugging
    with folder_of(kind, count) as folder:
        Daemon(chosen, once=folder, load=load).run()
        (began, used), ended = marks[0], time.perf_counter()
        scored = len(Reader(config.Folder(path=folder).database_path).top(count))
    assert scored == count, f"{scored} of {count} scored"
    return {"seconds": ended - began, "core_s": cpu_s() - used}


def main() -> None:
    """Run the part that is named, and print its figures."""
    part, *rest = sys.argv[1:]
    figures = {
        "intake": lambda: intake(rest[0], int(rest[1]), rest[2]),
        "forward": lambda: forward(rest[0], rest[1]),
        "whole": lambda: whole(rest[0], int(rest[1]), rest[2], rest[3], int(rest[4]) if rest[4:] else 0),
    }[part]()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
