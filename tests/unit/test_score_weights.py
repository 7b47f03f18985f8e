"""Weights files: every layout that people have, and every way in which one can be wrong."""

import hashlib
import os
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from photod import config
from photod.errors import ConfigError
from photod.score.loading import load_model
from photod.score.soundness import check_fit, check_values
from photod.score.weights import read_state, sha256_of
from photod.score.words import first_line
from synthetic_clip import SMALL, make_state, save_directory

State = dict[str, Tensor]


@pytest.fixture(scope="module")
def state() -> State:
    return make_state(SMALL)


def legacy(state: State, path: Path) -> None:
    torch.save(state, path, _use_new_zipfile_serialization=False)


LAYOUTS: dict[str, Callable[[State, Path], Any]] = {
    "AesCLIP": torch.save,
    "fp32.pt": torch.save,
    "half.pth": lambda state, path: torch.save({name: tensor.half() for name, tensor in state.items()}, path),
    "fp32.safetensors": save_file,
    "unnamed_safetensors": save_file,
    "half.safetensors": lambda state, path: save_file({n: t.half() for n, t in state.items()}, path),
    "legacy": legacy,
    "openai.pt": lambda state, path: torch.save(
        state | {n: torch.tensor(224) for n in ("input_resolution", "context_length", "vocab_size")}, path
    ),
    "numbers.pt": lambda state, path: torch.save(state | {"input_resolution": 224}, path),
    "wrapped.ckpt": lambda state, path: torch.save({"epoch": 3, "state_dict": state}, path),
    "parallel.pt": lambda state, path: torch.save({f"module.{n}": t for n, t in state.items()}, path),
    "wrapped_parallel": lambda state, path: torch.save(
        {"state_dict": {f"module.{n}": t for n, t in state.items()}}, path
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_that_people_have_is_read(name: str, state: State, tmp_path: Path) -> None:
    LAYOUTS[name](state, tmp_path / name)
    found = read_state(tmp_path / name)
    assert found.keys() == state.keys()
    tolerance = 1e-2 if "half" in name else 0.0
    assert all(torch.allclose(found[key].float(), state[key], atol=tolerance, rtol=tolerance) for key in state)


def test_a_torchscript_archive_is_recognised_and_the_answer_says_how_to_convert_it(tmp_path: Path) -> None:
    path = tmp_path / "ViT-B-16.pt"
    with warnings.catch_warnings(action="ignore"):  # of torch about its own format
        torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), path)
    with pytest.raises(ConfigError, match=r"TorchScript archive.*\"openai\".*torch\.jit\.load"):
        read_state(path)


class Harmful:
    def __init__(self, trace: Path) -> None:
        self._trace = str(trace)

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (self._trace,)


@pytest.mark.parametrize("save", [torch.save, legacy, lambda value, path: path.write_bytes(pickle.dumps(value))])
def test_code_in_a_file_is_never_run(save: Callable[[Any, Path], Any], tmp_path: Path) -> None:
    save({"visual.proj": Harmful(tmp_path / "trace")}, tmp_path / "weights.pt")
    with pytest.raises(ConfigError, match=r"weights\.pt"):
        read_state(tmp_path / "weights.pt")
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<!DOCTYPE html><html>", "not a weights file; download it again"),
        (b"", "not a weights file"),
        (b"PK\x03\x04 and nothing else", "cannot be read"),
    ],
)
def test_what_is_no_weights_file_is_named(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "weights.pt").write_bytes(content)
    with pytest.raises(ConfigError, match=words):
        read_state(tmp_path / "weights.pt")


def test_a_truncated_file_is_named(state: State, tmp_path: Path) -> None:
    torch.save(state, tmp_path / "whole")
    (tmp_path / "cut").write_bytes((tmp_path / "whole").read_bytes()[:-1000])
    with pytest.raises(ConfigError, match=r"cut cannot be read as weights.*; copy or download it again"):
        read_state(tmp_path / "cut")


@pytest.mark.parametrize("size", [2, 20, 100, 500])
def test_a_file_of_the_old_format_that_ends_early_is_named(size: int, state: State, tmp_path: Path) -> None:
    """What reads it raises an EOFError without a word."""
    legacy(state, tmp_path / "whole")
    (tmp_path / "cut").write_bytes((tmp_path / "whole").read_bytes()[:size])
    with pytest.raises(ConfigError, match=r"cut cannot be read as weights: \w+.*; copy or download it again"):
        read_state(tmp_path / "cut")


def damaged_directory(state: State, path: Path, **changes: bytes) -> None:
    """A weights file whose archive's directory has these bytes in its first entry."""
    torch.save(state, path)
    data = bytearray(path.read_bytes())
    entry = data.index(b"PK\x01\x02")
    for field, value in changes.items():
        at = entry + {"version_needed": 6, "flags": 8, "name": 46}[field]
        data[at : at + len(value)] = value
    path.write_bytes(data)


def test_an_archive_whose_names_are_damaged_is_named(state: State, tmp_path: Path) -> None:
    damaged_directory(state, tmp_path / "damaged", flags=b"\x00\x08", name=b"\xff")  # in UTF-8, it says
    with pytest.raises(ConfigError, match="damaged cannot be read as weights"):
        read_state(tmp_path / "damaged")


def test_a_directory_that_only_torch_can_read_is_enough(state: State, tmp_path: Path) -> None:
    damaged_directory(state, tmp_path / "odd", version_needed=b"\x63")
    assert read_state(tmp_path / "odd").keys() == state.keys()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("too long\nand more"), "too long"),
        (EOFError(), "EOFError"),
        (MemoryError(), "out of memory"),
        (RuntimeError("\n \n"), "RuntimeError"),
    ],
)
def test_of_an_error_the_first_line_is_told_or_what_it_is(error: Exception, words: str) -> None:
    assert first_line(error) == words


@pytest.mark.parametrize("content", [[1, 2], {}, {"a": "text"}])
def test_what_is_no_state_dict_is_refused(content: object, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "weights.pt")
    with pytest.raises(ConfigError, match="state"):
        read_state(tmp_path / "weights.pt")


def spoil(name: str, make: Callable[[Tensor], Tensor | None]) -> Callable[[State], State]:
    def change(state: State) -> State:
        changed = dict(state)
        tensor = make(changed.pop(name).clone())
        return changed if tensor is None else changed | {name: tensor}

    return change


def with_nan(tensor: Tensor) -> Tensor:
    tensor.view(-1)[7] = float("nan")
    return tensor


def with_infinities_that_cancel(tensor: Tensor) -> Tensor:
    tensor.view(-1)[3], tensor.view(-1)[4] = float("inf"), float("-inf")
    return tensor


FIRST = "visual.transformer.resblocks.0"
FAULTS = {
    "missing": (spoil("visual.ln_post.bias", lambda t: None), r"lacks visual\.ln_post\.bias"),
    "extra": (lambda s: s | {"visual.extra": torch.ones(2)}, r"has visual\.extra"),
    "misshapen": (
        spoil("visual.proj", lambda t: t[:, :-1]),
        r"visual\.proj has the shape 192x511 instead of 192x512",
    ),
    "nan": (spoil(f"{FIRST}.mlp.c_fc.weight", with_nan), r"c_fc\.weight holds values that are not finite"),
    "inf": (
        spoil("ln_final.bias", with_infinities_that_cancel),
        r"ln_final\.bias holds values that are not finite",
    ),
    "zeros": (spoil(f"{FIRST}.attn.out_proj.weight", torch.zeros_like), r"out_proj\.weight is all zeros"),
    "fresh norm": (spoil("visual.ln_pre.weight", torch.ones_like), r"visual\.ln_pre\.weight is all ones"),
    "fresh projection": (
        spoil(
            "visual.proj", lambda t: torch.randn(t.shape, generator=torch.Generator().manual_seed(0)) * 192**-0.5
        ),
        r"visual\.proj is distributed as at its initialisation",
    ),
    "fresh text projection": (
        spoil("text_projection", lambda t: torch.randn(t.shape, generator=torch.Generator().manual_seed(0)) / 8),
        r"text_projection is distributed as at its initialisation",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_tensor_at_fault_is_named(fault: str, state: State, tmp_path: Path) -> None:
    change, words = FAULTS[fault]
    weights = save_directory(tmp_path / "model", SMALL, change(state))
    with pytest.raises(ConfigError, match=words):
        load_model(config.Model(weights=weights), tmp_path / "cache")


def test_a_projection_that_was_never_trained_is_known_in_half_precision_too() -> None:
    fresh = torch.randn(1280, 1024, generator=torch.Generator().manual_seed(0)) * 1280**-0.5
    with pytest.raises(ConfigError, match="distributed as at its initialisation"):
        check_values({"visual.proj": fresh.half()}, "file")


def test_what_training_may_come_to_is_no_fault() -> None:
    tails = torch.randn(192, 512, generator=torch.Generator().manual_seed(0)) ** 3
    as_wide_as_at_first = tails * 192**-0.5 / tails.std()
    state = {
        "visual.proj": as_wide_as_at_first,
        "cancels.weight": torch.tensor([[1.0, -1.0]]),
        "large.weight": torch.full((300, 300), 1.0, dtype=torch.float16),  # whose sum is not finite in fp16
        "unused.bias": torch.zeros(8),
        "even.running_var": torch.ones(8),
        "position_ids": torch.arange(77)[None],
    }
    check_values(state, "file")


def test_a_fault_is_found_again_at_the_next_start(state: State, tmp_path: Path) -> None:
    weights = save_directory(tmp_path / "model", SMALL, FAULTS["nan"][0](state))
    for _ in range(2):
        with pytest.raises(ConfigError, match="not finite"):
            load_model(config.Model(weights=weights), tmp_path / "cache")


def test_weights_of_another_architecture_say_what_they_look_like(state: State, tmp_path: Path) -> None:
    torch.save(state, tmp_path / "weights")
    with pytest.raises(ConfigError, match=r"architecture: .* look like ViT-of width 192-32, or .*-32-quickgelu"):
        load_model(config.Model(weights=str(tmp_path / "weights")), tmp_path / "cache")


PATCHES, TOKEN = "visual.conv1.weight", "visual.class_embedding"


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ({PATCHES: (768, 3, 16, 16), TOKEN: (768,)}, "look like ViT-B-16, or ViT-B-16-quickgelu"),
        ({PATCHES: (1024, 3, 14, 14), TOKEN: (1024,)}, "look like ViT-L-14, or "),
        ({PATCHES: (32, 3, 3, 3), "visual.attnpool.k_proj.bias": (2048,)}, "are not laid out as OpenAI's ViT"),
        ({PATCHES: (768, 768), TOKEN: (768,)}, "are not laid out as OpenAI's ViT"),
        ({}, "are not laid out as OpenAI's ViT"),
    ],
    ids=["ViT-B", "ViT-L", "ResNet", "another's", "none"],
)
def test_of_weights_that_do_not_fit_the_answer_says_whether_they_are_a_transformers(
    shapes: dict[str, tuple[int, ...]], words: str
) -> None:
    with pytest.raises(ConfigError, match=rf"lacks logit_scale and 1 more; check .* these weights {words}"):
        check_fit(
            {name: torch.empty(shape) for name, shape in shapes.items()},
            {"logit_scale": torch.empty(()), "visual.proj": torch.empty(2, 2)},
            "file",
        )


def test_a_scalar_in_the_place_of_a_matrix_is_named() -> None:
    with pytest.raises(ConfigError, match=r"visual\.proj has the shape scalar instead of 2x2"):
        check_fit({"visual.proj": torch.tensor(1.0)}, {"visual.proj": torch.empty(2, 2)}, "file")


def test_a_hash_is_remembered_until_the_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, cache = tmp_path / "weights", tmp_path / "cache"
    file.write_bytes(b"one")
    first = sha256_of(file, cache)
    with monkeypatch.context() as patch:
        patch.setattr(hashlib, "file_digest", lambda *_: pytest.fail("read again"))
        assert sha256_of(file, cache) == first
    stat = file.stat()
    file.write_bytes(b"two")  # same size, and its time is put back
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert sha256_of(file, cache) != first


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"FILE": 3}', '{"FILE": []}'])
def test_a_damaged_cache_costs_time_and_nothing_else(damage: str, tmp_path: Path) -> None:
    file = tmp_path / "weights"
    file.write_bytes(b"one")
    (tmp_path / "hashes.json").write_text(damage.replace("FILE", str(file.resolve())))
    assert sha256_of(file, tmp_path) == hashlib.sha256(b"one").hexdigest()
