"""Putting scorers together: devices, precision, warm-up, self-test."""

from collections.abc import Sequence
from pathlib import Path

import torch

from photod import config
from photod.errors import BusyDeviceError, ConfigError, DeviceError
from photod.logs import get_logger
from photod.photos import BUILTIN, InputSpec, ModelIdentity
from photod.score.device_errors import Fault, at_the_start, fault_of, hides_a_gpu, why_no_gpu
from photod.score.devices import pass_size, warm_up_size
from photod.score.loading import Loaded, builtin_text, load_model
from photod.score.precision import Choice, Movement, choice_path, choose, remember, remembered, shared
from photod.score.scorer import Scorer
from photod.score.selftest import check_record, warm_up
from photod.score.tower import FP32, arithmetics
from photod.score.tower_scorer import TowerScorer

log = get_logger(__name__)

# CLIP's is the least that moves no score by more than 0.02 points. The built-in model's moves two of 88 by up to
# 0.04, half of what noise of one level does; the next would decode 12 megapixels whole (benchmarks/resize.py).
BUILTIN_DECODE_SIDES, CLIP_DECODE_SIDES = 6, 3


def assemble(
    model: config.Model, cache: Path, preprocessing: int, *, recorded: bool = True
) -> tuple[TowerScorer, ...]:
    """One scorer per configured device, warmed up and tested. Raises ConfigError.

    `recorded` is False only while the built-in model's record is being made.
    """
    devices = find_devices(model)
    loaded = load_model(model, cache)
    choice = shared([_choice(model, cache, device, loaded) for device in devices])
    spec = _input(model, loaded.tower.size)
    identity = _identity(model, loaded.weights_sha256, loaded.architecture, spec, choice, preprocessing)
    scorers = tuple(
        TowerScorer(loaded.tower, loaded.text, identity, device, choice, model.batch_size) for device in devices
    )
    for scorer in scorers:
        count = warm_up_size(torch.device(scorer.device), model.batch_size)
        scorer.images_per_s = warm_up(scorer, spec.size, count)
        if model.weights == BUILTIN and recorded:
            check_record(scorer, builtin_text(config.Model().prompts))
    return scorers


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
            moved = f"moves scores of bundled pictures by up to {scorer.deviation:.4f} points"
            moved = moved if scorer.deviation else "exact"
            lines.append(("precision", f"{identity.precision}, {moved}"))
            lines.append(("device", f"{scorer.device}, {scorer.images_per_s:.1f} images/s at the warm-up"))
    return lines


def find_devices(model: config.Model) -> tuple[torch.device, ...]:
    """The devices that are configured; by "auto" every GPU that works, else the CPU.

    Raises ConfigError for one that this machine lacks, and DeviceError for one that is there and does not work; by
    "auto" only where that may pass, since another device would compute the whole archive anew.
    """
    present = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    names = [model.devices] if isinstance(model.devices, str) else list(model.devices)
    if names != ["cpu"] and not present and hides_a_gpu():
        problem = f"a GPU is there, and its driver does not count it: {why_no_gpu()}"
        raise BusyDeviceError(problem, "see what nvidia-smi says, or set model.devices")
    if model.devices == "auto":
        return _working(present) or (torch.device("cpu"),)
    for name in names:
        if name.startswith("cuda") and not present:
            raise ConfigError(f'model.devices has "{name}": {why_no_gpu()}', "set it to auto or cpu")
        if name not in ("cpu", *present):
            raise ConfigError(f'model.devices has "{name}"', f"this machine has {', '.join([*present, 'cpu'])}")
    if "cpu" in names and len(set(names)) > 1:
        raise ConfigError("model.devices has a GPU and the CPU, which compute differently", "leave the CPU out")
    devices = tuple(torch.device(name) for name in dict.fromkeys(names))
    for device in devices:
        if fault := fault_of(device):
            raise _does_not_work(device, fault)
    return devices


def _working(names: Sequence[str]) -> tuple[torch.device, ...]:
    working = []
    for device in map(torch.device, names):
        fault = fault_of(device)
        if fault is None:
            working.append(device)
        elif fault.passes:
            raise _does_not_work(device, fault)
        else:
            log.warning("device_left_out", device=str(device), reason=fault.words)
    return tuple(working)


def _does_not_work(device: torch.device, fault: Fault) -> DeviceError:
    kind = BusyDeviceError if fault.passes else DeviceError
    return kind(f"{device} does not work: {fault.words}", "see the system's log, or set model.devices")


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
    """The arithmetic that an earlier start chose in the same circumstances, else a new choice.

    By name alone, a processor may be one with fewer units, once the disk is in another machine.
    """
    gpu = device.type == "cuda"
    hardware = torch.cuda.get_device_name(device) if gpu else torch.cpu.get_capabilities()["cpu_name"]
    weights, prompts = (loaded.weights_sha256, loaded.architecture), (model.prompts, model.logit_scale)
    path = choice_path(cache, *weights, prompts, model.precision, hardware, torch.__version__)
    choice = remembered(path)
    if choice is None or choice.arithmetic not in (FP32, *arithmetics(loaded.tower, device)):
        movement = Movement(loaded.text, model.logit_scale)
        try:
            choice = choose(loaded.tower, device, model.precision, movement, model.batch_size)
        except (RuntimeError, MemoryError) as error:
            raise at_the_start(error, device, pass_size(device, model.batch_size)) from error
        if gpu:
            torch.cuda.empty_cache()  # of the engines that were tried and are gone
        remember(path, choice)
    return choice
