"""Weights files: recognised by their content, read without running any code in them, named by their hash."""

import contextlib
import hashlib
import json
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from photod.errors import ConfigError
from photod.files import replacing
from photod.score.words import first_line

if TYPE_CHECKING:
    import torch

State = dict[str, "torch.Tensor"]

# What OpenAI's archives carry beside the tensors: the architecture says the same.
_OPENAI_METADATA = frozenset({"input_resolution", "context_length", "vocab_size"})
_WRAPPERS = ("state_dict", "model_state_dict", "model")  # training scripts save more than the weights
_TORCHSCRIPT_REMEDY = (
    'set model.weights = "openai" if they are OpenAI\'s, or convert it: python -c "import torch; '
    "torch.save(torch.jit.load('{0}', map_location='cpu').state_dict(), '{0}.state_dict')\""
)


def read_state(path: Path) -> State:
    """The tensors in a weights file, by name, on the CPU; mapped from the file where its format allows.

    safetensors, PyTorch's zip format and its legacy format are told apart by their first bytes. Raises
    ConfigError, which names the file.
    """
    kind = _kind(path)
    if kind == "torchscript":
        raise ConfigError(f"{path} is a TorchScript archive, a program", _TORCHSCRIPT_REMEDY.format(path))
    if kind == "unknown":
        raise ConfigError(f"{path} is not a weights file", "download it again: this may be a web page")
    try:
        content = _load(path, kind)
    except pickle.UnpicklingError as error:
        problem = f"{path} holds more than tensors, and running it is not safe"
        raise ConfigError(problem, "save its state_dict() alone") from error
    except Exception as error:  # whatever the readers raise here, the file is damaged
        problem = f"{path} cannot be read as weights: {first_line(error)}"
        raise ConfigError(problem, "copy or download it again") from error
    return _flatten(content, path)


def _kind(path: Path) -> str:
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise ConfigError(f"cannot read the weights {path}: {error.strerror}", "check the path") from error
    if head[:4] == b"PK\x03\x04":
        return "torchscript" if _has_code(path) else "zip"
    if head[8:9] == b"{":
        return "safetensors"
    return "legacy" if head[:1] == b"\x80" else "unknown"


def _has_code(path: Path) -> bool:
    # Whatever is wrong with its directory, the reader will tell.
    with contextlib.suppress(Exception), zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())
    return False


def _load(path: Path, kind: str) -> Any:
    if kind == "safetensors":
        from safetensors.torch import load_file

        return load_file(path)
    import torch

    return torch.load(path, map_location="cpu", weights_only=True, mmap=kind == "zip")


def _flatten(content: Any, path: Path) -> State:
    import torch

    for wrapper in _WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
    if not isinstance(content, Mapping) or not content:
        raise ConfigError(f"{path} is not a state dict", "save the model's state_dict()")
    prefix = "module." if all(str(key).startswith("module.") for key in content) else ""
    state = {str(key).removeprefix(prefix): value for key, value in content.items()}
    for key in _OPENAI_METADATA:
        state.pop(key, None)
    for key, value in state.items():
        if not isinstance(value, torch.Tensor):
            raise ConfigError(f"{path}: {key} is no tensor", "save the model's state_dict() alone")
    return state


def sha256_of(path: Path, cache: Path) -> str:
    """The hex SHA-256 of a file; remembered in `cache` until its size, times or inode change."""
    try:
        stat = path.stat()
        known = read_json(cache / "hashes.json")
        mark = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
        match known.get(str(path.resolve())):
            case [*seen, str(digest)] if seen == mark:
                return digest
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ConfigError(f"cannot read the weights {path}: {error.strerror}", "check the path") from error
    known[str(path.resolve())] = [*mark, digest]
    write_atomically(cache / "hashes.json", json.dumps(known, indent=1).encode())
    return digest


def read_json(path: Path) -> dict[str, Any]:
    """A cache file's content; empty when it is missing or damaged, since it can be made again."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a cache file whole. One that cannot be written is done without: it only saves time."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as draft:
            draft.write_bytes(content)
