"""From the configuration to a tower and its text vectors, by way of the caches."""

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np

from photod import config
from photod.errors import ConfigError
from photod.photos import BUILTIN
from photod.score.scorer import Floats, TextVectors
from photod.score.sources import find_source, is_plain
from photod.score.text import Pairs, TextCache
from photod.score.tower import ByteTower, Tower
from photod.score.weights import sha256_of


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model without a device: what every scorer of it shares."""

    architecture: str
    weights_sha256: str
    tower: Tower
    text: TextVectors


def load_model(model: config.Model, cache: Path) -> Loaded:
    """The configured model. Raises ConfigError for anything wrong with it; reads nothing but files."""
    return _load_builtin(model, cache) if model.weights == BUILTIN else _load_clip(model, cache)


def _load_clip(model: config.Model, cache: Path) -> Loaded:
    from photod.score import clip

    source = find_source(model)
    digest = sha256_of(source.path, cache)
    kept = TextCache(model.prompts, digest, source.architecture, cache)
    text = kept.get()  # there only if a check of these weights found no fault
    if text is not None and is_plain(source.config):
        tower = clip.image_tower_alone(source)
    else:
        whole = clip.load_clip(source, check=text is None)
        tower = clip.image_tower(whole, source)
        text = text or kept.fill(lambda prompts: clip.encode_prompts(whole, source, prompts))
    if sha256_of(source.path, cache) != digest:
        raise ConfigError(f"{source.path} changed while it was being read", "start again")
    return Loaded(source.architecture, digest, tower, text)


def _load_builtin(model: config.Model, cache: Path) -> Loaded:
    from safetensors.torch import load_file

    from photod.score.builtin import tower as builtin

    path = _builtin_file("weights.safetensors")
    module = builtin.QualityTower().eval()
    module.load_state_dict(load_file(path))
    tower = ByteTower(module, builtin.INPUT_SIZE)
    return Loaded(builtin.ARCHITECTURE, sha256_of(path, cache), tower, builtin_text(model.prompts))


def builtin_text(prompts: Pairs) -> TextVectors:
    """The text vectors that ship with the built-in model. Raises ConfigError for a prompt that has none."""
    from safetensors.numpy import load_file

    known: dict[str, Floats] = load_file(_builtin_file("text.safetensors"))
    for prompt in (prompt for pair in prompts for prompt in pair):
        if prompt not in known:
            problem = f'model.prompts has "{prompt}", which the built-in model does not know'
            raise ConfigError(problem, f"it knows: {', '.join(sorted(known))}")
    good = np.stack([known[pair[0]] for pair in prompts])
    bad = np.stack([known[pair[1]] for pair in prompts])
    return TextVectors(good, bad)


def _builtin_file(name: str) -> Path:
    path = Path(str(resources.files("photod.score.builtin"))) / name
    if not path.is_file():
        raise ConfigError(f"photod's own model is incomplete: {path} is missing", "install photod again")
    return path
