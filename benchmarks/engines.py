"""Which engine makes ViT-B/16's vectors fastest on this CPU, and by how much each moves scores.

    python benchmarks/engines.py [PHOTOS] [--batch 32] [--runs 5]

photod's own tower in each class of arithmetic, open_clip's tower as it is and compiled, and OpenVINO, which is
installed beside the cached material, in fp32, fp16, bf16 and int8. All have the same weights and run in turns on
photos (../shared/photos unless named); movements are those of the stand-in for real weights (stand_in.py).
"""

import argparse
import copy
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from machine_facts import machine
from material import installed
from resize import FULL, SHARED, pixels_of
from stand_in import ARCHITECTURE, PASS, Pixels, StandIn, Vectors, normalised
from turns import in_turns, ratio, seconds, spread

from photod.score.devices import crossing
from photod.score.sources import OPENAI_MEAN, OPENAI_STD
from photod.score.vit import TransformerTower
from photod.score.words import first_line

OPENVINO = ("openvino==2026.4.1", "nncf==3.4.0")
Engine = Callable[[Pixels], Vectors]


def main() -> None:
    """Measure in turns and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", nargs="?", type=Path, default=SHARED)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--runs", type=int, default=5)
    asked = parser.parse_args()
    print(machine())
    files = [file for file in sorted(asked.photos.rglob("*")) if file.is_file()]
    found = [pixels for file in files if (pixels := pixels_of(file, FULL)) is not None]
    shown = np.stack(found[:: max(1, len(found) // asked.batch)][: asked.batch])
    model = StandIn(shown)
    engines = {**own(model), **peers(model, shown), **openvino(model, shown)}
    exact = engines["photod fp32"](shown)
    works = {name: lambda engine=engine: seconds(lambda: engine(shown)) for name, engine in engines.items()}
    in_turns(works, 1)  # warm
    times = in_turns(works, asked.runs)
    cores = len(os.sched_getaffinity(0))
    print(f"\n{len(shown)} photos on {cores} cores, {asked.runs} runs in turns")
    for name, engine in engines.items():
        moved = model.moved(exact, engine(shown))
        costs = [1000 * cores * taken / len(shown) for taken in times[name]]
        print(
            f"  {name:23} {spread(costs)} core-ms a photo, {ratio(times['photod fp32'], times[name]):.2f} times"
            f" fp32; scores move by {moved.mean():.4f}, {moved.max():.4f} at worst",
            flush=True,
        )


def own(model: StandIn) -> dict[str, Engine]:
    """photod's tower, crossed as the scorer crosses it."""
    settings = open_clip.get_model_config(ARCHITECTURE)
    device = torch.device("cpu")
    cross = crossing(device)
    engines: dict[str, Engine] = {}
    for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16), ("int8", torch.int8)):
        tower = TransformerTower(model.visual.state_dict(), settings, OPENAI_MEAN, OPENAI_STD)
        engine = tower.engine(device, dtype)
        engines[f"photod {name}"] = lambda shown, engine=engine: cross(engine, shown)  # type: ignore[misc]
    return engines


def peers(model: StandIn, shown: Pixels) -> dict[str, Engine]:
    """open_clip's tower as it is, and compiled."""
    engines: dict[str, Engine] = {}
    for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        tower = copy.deepcopy(model.visual).to(dtype)
        engines[f"open_clip {name}"] = _by(tower, dtype)
        compiled = _by(torch.compile(tower), dtype)
        try:
            compiled(shown)
        except Exception as error:  # it wants a compiler on the machine
            print(f"torch.compile does not work here: {first_line(error)}")
            continue
        engines[f"open_clip {name} compiled"] = compiled
    return engines


def _by(tower: Callable[[torch.Tensor], torch.Tensor], dtype: torch.dtype) -> Engine:
    @torch.inference_mode()
    def run(shown: Pixels) -> Vectors:
        vectors = tower(normalised(shown).to(dtype)).float()
        return torch.nn.functional.normalize(vectors, dim=-1).numpy()

    return run


def openvino(model: StandIn, shown: Pixels) -> dict[str, Engine]:
    """OpenVINO, a stream on each core."""
    sys.path.append(str(installed(OPENVINO[0], *OPENVINO)))  # last: what photod has, too, is photod's
    import nncf
    import openvino as ov

    images = normalised(shown)
    with torch.inference_mode():
        plain = ov.convert_model(model.visual, example_input=images[:PASS])
    calibration = nncf.Dataset([images[start : start + 1].numpy() for start in range(len(images))])
    counted = nncf.quantize(plain, calibration, model_type=nncf.ModelType.TRANSFORMER)
    cores = len(os.sched_getaffinity(0))
    settings = {"NUM_STREAMS": cores, "INFERENCE_NUM_THREADS": cores}
    kinds = {"fp32": (plain, "f32"), "fp16": (plain, "f16"), "bf16": (plain, "bf16"), "int8": (counted, "f32")}
    engines: dict[str, Engine] = {}
    for name, (graph, precision) in kinds.items():
        compiled = ov.Core().compile_model(graph, "CPU", settings | {"INFERENCE_PRECISION_HINT": precision})
        engines[f"OpenVINO {name}"] = lambda some, compiled=compiled: _queue(ov, compiled, some)  # type: ignore[misc]
    return engines


def _queue(ov: Any, compiled: Any, shown: Pixels) -> Vectors:
    """Passes of a few photos, as many under way as there are streams."""
    images = normalised(shown).numpy()
    found: dict[int, Vectors] = {}
    queue = ov.AsyncInferQueue(compiled)
    queue.set_callback(lambda request, start: found.__setitem__(start, request.get_output_tensor().data.copy()))
    for start in range(0, len(images), PASS):
        queue.start_async([images[start : start + PASS]], start)
    queue.wait_all()
    vectors = np.concatenate([found[start] for start in sorted(found)])
    unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


if __name__ == "__main__":
    with torch.inference_mode():
        main()
