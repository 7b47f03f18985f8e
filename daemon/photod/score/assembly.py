"""Putting scorers together: devices, precision, warm-up, self-test."""

from collections.abc import Sequence
from pathlib import Path

import torch

from photod import config
from photod.errors import ConfigError
from photod.photos import InputSpec, ModelIdentity
from photod.score.devices import passes_at_once
from photod.score.loading import Loaded, builtin_text, describe_weights, load_model
from photod.score.precision import Choice, Movement, choice_path, choose, remember, remembered
from photod.score.scorer import Scorer
from photod.score.selftest import check_record, warm_up
from photod.score.sources import BUILTIN
from photod.score.tower import TowerScorer, first_line

# The least that moves no score by more than 0.02 points (benchmarks/resize.py).
BUILTIN_DECODE_SIDES, CLIP_DECODE_SIDES = 6, 3


def assemble(
    model: config.Model, cache: Path, preprocessing: int, *, recorded: bool = True
) -> tuple[TowerScorer, ...]:
    """One scorer per configured device, warmed up and tested. Raises ConfigError.

    `recorded` is False only while the built-in model's record is being made.
    """
    devices = find_devices(model)
    loaded = load_model(model, cache)
    choice = _choice(model, cache, devices[0], loaded)
    spec = _input(model, loaded.tower.size)
    identity = _identity(model, loaded.weights_sha256, loaded.architecture, spec, choice, preprocessing)
    scorers = tuple(
        TowerScorer(loaded.tower, loaded.text, identity, device, choice, model.batch_size) for device in devices
    )
    for scorer in scorers:
        count = passes_at_once(torch.device(scorer.device), model.batch_size)
        scorer.images_per_s = warm_up(scorer, spec.size, count)
        if model.weights == BUILTIN and recorded:
            check_record(scorer, builtin_text(config.Model().prompts), choice.deviation)
    return scorers


def identify(model: config.Model, cache: Path, preprocessing: int) -> ModelIdentity:
    """The identity that the scorers will have; loads the tower only if no earlier start has measured it."""
    devices = find_devices(model)
    digest, architecture, size = describe_weights(model, cache)
    choice = remembered(_choice_path(model, cache, devices[0], digest, architecture))
    if choice is None:
        choice = _choice(model, cache, devices[0], load_model(model, cache))
    return _identity(model, digest, architecture, _input(model, size), choice, preprocessing)


def describe(scorers: Sequence[Scorer]) -> list[tuple[str, str]]:
    """Model, provenance, devices, and what the warm-up measured."""
    identity = scorers[0].identity
    pairs = "; ".join(f"{good} / {bad}" for good, bad in identity.prompts)
    lines = [
        ("model", identity.name),
        ("weights", f"SHA-256 {identity.weights_sha256}"),
        ("architecture", identity.architecture),
        ("input", f"{identity.input.size} x {identity.input.size} pixels, {identity.input.resize}"),
        ("prompts", f"{pairs}; logit scale {identity.logit_scale:g}"),
    ]
    for scorer in scorers:
        if isinstance(scorer, TowerScorer):
            moved = f"moves scores by at most {scorer.deviation:.4f} points" if scorer.deviation else "exact"
            lines.append(("precision", f"{identity.precision}, {moved}"))
            lines.append(("device", f"{scorer.device}, {scorer.images_per_s:.1f} images/s at the warm-up"))
    return lines


def find_devices(model: config.Model) -> tuple[torch.device, ...]:
    """The devices that are configured. Raises ConfigError for one that this machine lacks."""
    present = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    if model.devices == "auto":
        return tuple(torch.device(name) for name in present or ["cpu"])
    names = [model.devices] if isinstance(model.devices, str) else list(model.devices)
    for name in names:
        if name not in ("cpu", *present):
            raise ConfigError(f'model.devices has "{name}"', f"this machine has {', '.join([*present, 'cpu'])}")
    return tuple(torch.device(name) for name in dict.fromkeys(names))


def _input(model: config.Model, size: int) -> InputSpec:
    # The built-in model looks for faults of single pixels, so it needs more of them to judge alike.
    sides = BUILTIN_DECODE_SIDES if model.weights == BUILTIN else CLIP_DECODE_SIDES
    return InputSpec(size, model.resize, sides)


def _identity(
    model: config.Model, digest: str, architecture: str, spec: InputSpec, choice: Choice, preprocessing: int
) -> ModelIdentity:
    return ModelIdentity(
        name=model.weights,
        architecture=architecture,
        weights_sha256=digest,
        input=spec,
        precision=choice.arithmetic,
        preprocessing=preprocessing,
        prompts=model.prompts,
        logit_scale=model.logit_scale,
    )


def _choice(model: config.Model, cache: Path, device: torch.device, loaded: Loaded) -> Choice:
    """The arithmetic that an earlier start chose in the same circumstances, else a new choice."""
    path = _choice_path(model, cache, device, loaded.weights_sha256, loaded.architecture)
    choice = remembered(path)
    if choice is None:
        try:
            choice = choose(loaded.tower, device, model.precision, Movement(loaded.text, model.logit_scale))
        except (RuntimeError, MemoryError) as error:
            raise ConfigError(
                f"the model does not run on {device}: {first_line(error)}", "set model.devices"
            ) from error
        remember(path, choice)
    return choice


def _choice_path(model: config.Model, cache: Path, device: torch.device, digest: str, architecture: str) -> Path:
    gpu = device.type == "cuda"
    hardware = torch.cuda.get_device_name(device) if gpu else torch.cpu.get_capabilities()["cpu_name"]
    prompts = (model.prompts, model.logit_scale)
    return choice_path(cache, digest, architecture, prompts, model.precision, hardware, torch.__version__)
