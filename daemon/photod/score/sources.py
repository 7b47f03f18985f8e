"""Where `model.weights` leads: a file and the open_clip configuration that it belongs to. Never to a network."""

import difflib
import hashlib
import json
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from photod import config
from photod.config import LOCAL_DIR
from photod.errors import ConfigError
from photod.photos import BUILTIN

HUB = "hf-hub:"
HUB_CONFIG = "open_clip_config.json"
# Of the pictures that OpenAI trained with; the plain architectures use them everywhere.
OPENAI_MEAN = (0.48145466, 0.4578275, 0.40821073)
OPENAI_STD = (0.26862954, 0.26130258, 0.27577711)
_DEFAULT_FILE = "open_clip_pytorch_model.bin"  # open_clip's name where a hub entry gives none
_PREFERRED = ("open_clip_model.safetensors", "open_clip_pytorch_model.safetensors", _DEFAULT_FILE)
_SUFFIXES = (".safetensors", ".bin", ".pth", ".pt")

ClipConfig = dict[str, Any]
Triple = tuple[float, float, float]

# An open_clip vision configuration of these keys alone is OpenAI's transformer, without any later variation, if the
# first four are there and whole numbers.
_SIZES = frozenset({"image_size", "layers", "width", "patch_size"})
_PLAIN = _SIZES | {"head_width", "mlp_ratio"}


def is_plain(config: ClipConfig) -> bool:
    """Whether `photod.score.vit` can compute the image tower of a configuration."""
    vision = config["vision_cfg"]
    return _SIZES <= vision.keys() <= _PLAIN and all(isinstance(vision[key], int) for key in _SIZES)


@dataclass(frozen=True, slots=True)
class Source:
    """Weights that are present on this machine, and how to build and feed the model they are for."""

    path: Path
    architecture: str
    config: ClipConfig  # open_clip's: embed_dim, vision_cfg, text_cfg, ...
    mean: Triple
    std: Triple
    tokenizer: str  # what open_clip.get_tokenizer takes

    @property
    def size(self) -> int:
        """Side of the square input, pixels."""
        size = self.config["vision_cfg"].get("image_size", 224)  # open_clip's default
        return int(size[0] if isinstance(size, list | tuple) else size)


def open_clip() -> ModuleType:
    """The library, kept off the network: whatever it loads must be on this machine."""
    # Read by huggingface_hub once, when it is first imported.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import open_clip as library

    return library  # type: ignore[no-any-return]


def find_source(model: config.Model) -> Source:
    """The source that the configuration names. Raises ConfigError when it is not on this machine."""
    try:
        return _source(model)
    except OSError as error:
        problem = f'model.weights = "{model.weights}" cannot be read: {error.strerror or error}'
        raise ConfigError(problem, "check its permissions") from error


def _source(model: config.Model) -> Source:
    weights = model.weights
    if weights.startswith(LOCAL_DIR):
        return _local_directory(Path(os.path.expanduser(weights.removeprefix(LOCAL_DIR))))
    if weights.startswith(HUB):
        return _hub_repository(weights)
    path = Path(os.path.expanduser(weights))
    if _is_file(path):
        return _file(path, model.architecture)
    return _tag(model)


def _is_file(path: Path) -> bool:
    """Raises OSError for a file in a closed directory, which to `Path.is_file` is none since Python 3.14."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False


def _file(path: Path, architecture: str) -> Source:
    config = _architecture(architecture)
    mean, std = _usual_normalisation(architecture, config)
    return Source(path, architecture, config, mean, std, architecture)


def _tag(model: config.Model) -> Source:
    entry = tag_entry(model)
    repository, _, file = str(entry["hf_hub"]).rpartition("/")
    path = _first_cached(repository, hub_file_names(file))
    if path is None:
        raise _not_downloaded(model.weights)
    architecture, config = model.architecture, _architecture(model.architecture)
    mean, std = tuple(entry["mean"]), tuple(entry["std"])
    # Named as a file, the same bytes would be normalised otherwise: that is another model, and its name says so.
    unusual = (mean, std) != _usual_normalisation(architecture, config)
    name = f"{architecture}, mean {mean}, deviation {std}" if unusual else architecture
    return Source(path, name, config, mean, std, architecture)


def tag_entry(model: config.Model) -> ClipConfig:
    """open_clip's entry for a tag. Raises ConfigError unless the tag belongs to `model.architecture`."""
    library, tag = open_clip(), model.weights
    config_of_architecture = _architecture(model.architecture)
    entry: ClipConfig = library.get_pretrained_cfg(model.architecture, tag)
    if not entry:
        problem = f'model.weights = "{tag}" is neither a file nor a tag of {model.architecture}'
        raise ConfigError(problem, _nearest_tag(tag, model.architecture))
    if bool(entry.get("quick_gelu")) != bool(config_of_architecture.get("quick_gelu")):
        right = model.architecture.removesuffix("-quickgelu")
        right += "-quickgelu" if entry.get("quick_gelu") else ""
        problem = f'model.architecture = "{model.architecture}" has another activation than "{tag}"'
        raise ConfigError(problem, f'set model.architecture = "{right}"')
    return entry


def _nearest_tag(tag: str, architecture: str) -> str:
    if os.path.isdir(os.path.expanduser(tag)):
        return f'write "{LOCAL_DIR}{tag}"'
    if "/" in tag:
        return "check the path" if tag[0] in "/~." else f'check the path, or write "{HUB}{tag}"'
    library = open_clip()
    others: list[str] = library.list_pretrained_models_by_tag(tag)
    if others:
        return f"set model.architecture to one that has it: {', '.join(others[:6])}"
    tags: list[str] = library.list_pretrained_tags_by_model(architecture)
    near = difflib.get_close_matches(tag, [*tags, BUILTIN], n=1)
    return f'did you mean "{near[0]}"?' if near else f"its tags are {', '.join(tags) or 'none'}"


def _local_directory(directory: Path) -> Source:
    try:
        present = [file for file in sorted(directory.iterdir()) if file.suffix in _SUFFIXES]
    except (FileNotFoundError, NotADirectoryError, ValueError):  # the last: a name that no path can have
        problem = f'model.weights = "{LOCAL_DIR}{directory}" is no directory'
        raise ConfigError(problem, "check the path") from None
    preferred = [file for name in _PREFERRED for file in present if file.name == name]
    if not preferred and len(present) != 1:
        found = ", ".join(file.name for file in present) or "none"
        raise ConfigError(f"{directory} needs one weights file; found {found}", f"name it {_PREFERRED[0]}")
    chosen = (preferred or present)[0]
    return _described(directory / HUB_CONFIG, chosen, f"{LOCAL_DIR}{directory}")


def _hub_repository(weights: str) -> Source:
    repository = weights.removeprefix(HUB)
    try:
        description = _first_cached(repository, [HUB_CONFIG])
    except ValueError:  # the hub's word for a name that cannot be one
        raise ConfigError(f'model.weights = "{weights}" names no repository', f"write {HUB}OWNER/NAME") from None
    path = _first_cached(repository, hub_file_names(""))
    if description is None or path is None:
        raise _not_downloaded(weights)
    return _described(description, path, weights)


def _described(description: Path, path: Path, tokenizer: str) -> Source:
    """A source whose configuration lies beside it."""
    try:
        content = json.loads(description.read_text(encoding="utf-8"))
        model, preprocess = content["model_cfg"], content.get("preprocess_cfg", {})
        if not {"embed_dim", "vision_cfg", "text_cfg"} <= model.keys():
            raise ValueError("its model_cfg is incomplete")
        _refuse_foreign_text(model, str(description))
        mean = tuple(preprocess.get("mean") or OPENAI_MEAN)
        std = tuple(preprocess.get("std") or OPENAI_STD)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"cannot use {description}: {error}", "it must hold open_clip's model_cfg") from error
    digest = hashlib.sha256(json.dumps([model, mean, std], sort_keys=True).encode()).hexdigest()
    return Source(path, f"open_clip_config-{digest[:12]}", model, mean, std, tokenizer)


def _architecture(name: str) -> ClipConfig:
    package = find_spec("open_clip")  # finding is not importing, which takes longer than all the rest of a start
    if package is not None and package.origin is not None and "/" not in name:
        path = Path(package.origin).parent / "model_configs" / f"{name}.json"
        if path.is_file():
            shipped: ClipConfig = json.loads(path.read_text(encoding="utf-8"))
            _refuse_foreign_text(shipped, name)
            return shipped
    library = open_clip()
    found: ClipConfig | None = library.get_model_config(name) if ":" not in name else None  # one that was added
    if found is None:
        near = difflib.get_close_matches(name, library.list_models(), n=1)
        hint = f'did you mean "{near[0]}"?' if near else "see open_clip.list_models()"
        raise ConfigError(f'model.architecture = "{name}" is unknown', hint)
    return found


def _refuse_foreign_text(config: ClipConfig, where: str) -> None:
    """Raise ConfigError for a text tower of another library, whose sizes only a hub knows."""
    if "hf_model_name" in config["text_cfg"]:
        problem = f"{where} has a text tower of the library transformers, which photod does not load"
        raise ConfigError(problem, "choose another model")


def _usual_normalisation(architecture: str, config: ClipConfig) -> tuple[Triple, Triple]:
    """Mean and standard deviation that all published weights of an architecture share, else OpenAI's."""
    if is_plain(config):  # spares an import
        return OPENAI_MEAN, OPENAI_STD
    library = open_clip()
    tags: Iterable[str] = library.list_pretrained_tags_by_model(architecture)
    entries = [library.get_pretrained_cfg(architecture, tag) for tag in tags]
    pairs = {(tuple(entry["mean"]), tuple(entry["std"])) for entry in entries}
    if len(pairs) == 1:
        return pairs.pop()
    return OPENAI_MEAN, OPENAI_STD


def hub_file_names(name: str) -> list[str]:
    """The names under which a hub entry's weights may have been saved, the safest format first."""
    if not name:
        return list(_PREFERRED)
    return [str(Path(name).with_suffix(".safetensors")), name]


def _first_cached(repository: str, names: Iterable[str]) -> Path | None:
    open_clip()
    from huggingface_hub import try_to_load_from_cache

    for name in names:
        found = try_to_load_from_cache(repository, name)
        if isinstance(found, str):
            return Path(found)
    return None


def _not_downloaded(weights: str) -> ConfigError:
    problem = f'model.weights = "{weights}" has not been downloaded to this machine'
    return ConfigError(problem, "run: photod check --download")
