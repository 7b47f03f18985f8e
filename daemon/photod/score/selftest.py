"""What a scorer must show before it may work.

    python -m photod.score.selftest

records what the built-in model gives for the bundled pictures; run it when its weights have been replaced.
"""

import json
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from photod import config
from photod.errors import ConfigError, DeviceError
from photod.score.device_errors import at_the_start
from photod.score.devices import pass_size
from photod.score.pictures import COUNT, pictures
from photod.score.scorer import Floats, Scorer, TextVectors, scores

_RECORD = Path(__file__).with_name("recorded.json")  # weights' hash -> scores of the bundled pictures
RECORDED = 8  # pictures
_LOGIT_SCALE = 100.0  # of the record, whatever is configured
_TOLERANCE = 0.02  # points; other processors and other versions of torch round differently
_DISTINCT = 1e-6  # least squared distance of two embeddings; a model that sees nothing gives zero
_REPEATABLE = 1e-3  # most that a coordinate may differ between two batches, in the coarsest arithmetic


def warm_up(scorer: Scorer, size: int, count: int) -> float:
    """Embed `count` bundled pictures at once and judge the answer; returns photos per second.

    `count` is what a full batch puts on the device, so that memory runs out now or never. Raises ConfigError, and
    DeviceError where the device may be well again later.
    """
    shown = np.resize(pictures(size, min(count, COUNT)), (count, size, size, 3))
    device = torch.device(scorer.device)
    try:
        if device.type == "cuda":
            scorer.embed(shown)  # the first time, weights are moved and kernels loaded
        start = time.perf_counter()
        vectors = scorer.embed(shown)
        speed = count / (time.perf_counter() - start)
        again = scorer.embed(shown[:2][::-1].copy())[::-1]
    except DeviceError as error:
        raise at_the_start(error.__cause__ or error, device, pass_size(device, count)) from error
    fault = _fault(vectors[:COUNT], again)
    if fault:
        raise ConfigError(f"the self-test of {scorer.identity.name} on {scorer.device} failed: {fault}")
    return speed


def _fault(vectors: Floats, again: Floats) -> str:
    if not np.isfinite(vectors).all():
        return "its embeddings are not finite; the weights are damaged"
    if np.abs(np.linalg.norm(vectors, axis=1) - 1).max() > 1e-4:
        return "its embeddings are not of unit length; the device computes wrongly"
    distances = 2 - 2 * (vectors @ vectors.T) + 4 * np.eye(len(vectors))
    if distances.min() < _DISTINCT:
        return "different pictures get the same embedding; the weights are not trained"
    if np.abs(again - vectors[: len(again)]).max() > _REPEATABLE:
        return "the same pictures get other embeddings the second time; the device computes wrongly"
    return ""


def check_record(scorer: Scorer, text: TextVectors) -> None:
    """Raise ConfigError unless the built-in model gives the recorded scores for the bundled pictures.

    `text` holds the default prompts, whatever is configured.
    """
    expected = json.loads(_RECORD.read_text()).get(scorer.identity.weights_sha256)
    where = f"the self-test of {scorer.identity.name} on {scorer.device} failed"
    if expected is None:
        remedy = "install photod again; after training: python -m photod.score.selftest"
        raise ConfigError(f"{where}: its weights are not the ones that photod ships", remedy)
    shown = pictures(scorer.identity.input.size, RECORDED)
    embeddings = np.concatenate([scorer.embed(picture[None]) for picture in shown])
    found = scores(embeddings, text, _LOGIT_SCALE)
    difference = float(np.abs(found - np.array(expected)).max())
    if not difference <= _TOLERANCE:
        problem = f"{where}: a bundled picture scores {difference:.3f} points beside the record"
        raise ConfigError(problem, "the installation or the device is damaged")


def record() -> None:
    """Replace the record by what this machine computes in fp32."""
    from photod.score.assembly import assemble

    with tempfile.TemporaryDirectory() as cache:
        model = config.Model(precision="fp32", devices="cpu")
        (scorer,) = assemble(model, Path(cache), preprocessing=1, recorded=False)
    points = scorer.score(scorer.embed(pictures(scorer.identity.input.size, RECORDED)))
    content = {scorer.identity.weights_sha256: [round(float(value), 4) for value in points]}
    _RECORD.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    record()
