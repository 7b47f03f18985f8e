"""Starting with a model: architectures, caches, files that change below it, provenance."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from PIL.ImageFilter import GaussianBlur

from photod import config
from photod.errors import ConfigError
from photod.photos import InputSpec
from photod.score import clip, describe, load_scorers, selftest
from photod.score.pictures import pictures
from photod.score.scorer import Floats, Scorer
from photod.score.sources import Source
from photod.score.tower import Tower
from photod.score.tower_scorer import TowerScorer
from synthetic_clip import SMALL, make_state, save_directory

TEXT = {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 1, "layers": 1}
VISION = {"image_size": 64, "layers": 2, "width": 128, "patch_size": 16}


def load(weights: str, cache: Path, **more: Any) -> Scorer:
    (scorer,) = load_scorers(config.Model(weights=weights, devices="cpu", **more), cache)
    return scorer


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_directory(tmp_path_factory.mktemp("small") / "model", SMALL, make_state(SMALL))


ARCHITECTURES: dict[str, dict[str, Any]] = {
    "plain, QuickGELU": {"quick_gelu": True, "vision_cfg": VISION},
    "plain, GELU": {"vision_cfg": VISION},
    "plain, other heads, patches and size": {
        "vision_cfg": VISION | {"patch_size": 14, "image_size": 98, "head_width": 32, "mlp_ratio": 3.0}
    },
    "plain, one layer": {"vision_cfg": VISION | {"layers": 1}},
    "plain, sizes by default": {"vision_cfg": {"layers": 2, "width": 128}},
    "plain, text apart": {"custom_text": True, "vision_cfg": VISION},
    "plain, both sides named": {"vision_cfg": VISION | {"image_size": [64, 64]}},
    "mean of tokens": {"vision_cfg": VISION | {"pool_type": "avg"}},
    "layer scale": {"quick_gelu": True, "vision_cfg": VISION | {"ls_init_value": 0.3}},
    "ResNet": {"quick_gelu": True, "vision_cfg": VISION | {"layers": [1, 1, 1, 1], "width": 32, "head_width": 64}},
    "SigLIP-style": {
        "custom_text": True,
        "vision_cfg": {"image_size": 224, "timm_model_name": "vit_tiny_patch16_224", "timm_pool": "avg",
                       "timm_proj": "linear"},
    },
    "CoCa": {
        "custom_text": True,
        "embed_dim": 32,
        "multimodal_cfg": TEXT,
        "text_cfg": TEXT | {"embed_cls": True, "output_tokens": True},
        "vision_cfg": VISION | {"attentional_pool": True, "output_tokens": True},
    },
}  # fmt: skip


def random_model(settings: dict[str, Any]) -> torch.nn.Module:
    torch.manual_seed(0)
    arguments = dict(settings)
    kind = open_clip.CustomTextCLIP if arguments.pop("custom_text", False) else open_clip.CLIP
    if "multimodal_cfg" in arguments:
        kind = open_clip.CoCa
    model: torch.nn.Module = kind(**arguments)
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if tensor.is_floating_point():
                tensor.mul_(1.3).add_(0.05 * torch.randn_like(tensor))
            if name == "text_decoder.text_projection":
                tensor.normal_()  # CoCa leaves it as the memory was
            if name.endswith("running_var"):
                tensor.abs_()
    return model.eval()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_any_architecture_embeds_as_open_clip_does(name: str, tmp_path: Path) -> None:
    settings = {"embed_dim": 64, "text_cfg": TEXT, **ARCHITECTURES[name]}
    model: Any = random_model(settings)
    weights = save_directory(tmp_path / "model", SMALL, model.state_dict())
    save_config(tmp_path / "model", settings)
    size = int(np.max(model.visual.image_size))
    shown = pictures(size, 5)
    mean, std = (torch.tensor(values) for values in (open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD))
    with torch.inference_mode():
        images = ((torch.from_numpy(shown) / 255 - mean) / std).permute(0, 3, 1, 2)
        expected = model.encode_image(images, normalize=True).numpy()
    for _ in range(2):  # the second start takes another way
        scorer = load(weights, tmp_path / "cache", precision="fp32")
        assert scorer.identity.input.size == size
        assert np.abs(scorer.embed(shown) - expected).max() < 1e-5


@pytest.mark.parametrize("name", ["plain, GELU", "mean of tokens"])
def test_weights_are_checked_and_prompts_encoded_once(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"embed_dim": 64, "text_cfg": TEXT, **ARCHITECTURES[name]}
    weights = save_directory(tmp_path / "model", SMALL, random_model(settings).state_dict())
    save_config(tmp_path / "model", settings)
    done: list[str] = []
    encode_prompts = clip.encode_prompts

    def encode(*arguments: Any) -> Floats:
        done.append("encoded")
        return encode_prompts(*arguments)

    monkeypatch.setattr(clip, "check_values", lambda *_: done.append("checked"))
    monkeypatch.setattr(clip, "encode_prompts", encode)
    for _ in range(2):
        load(weights, tmp_path / "cache", precision="fp32")
    assert done == ["checked", "encoded"]


def test_weights_that_are_overwritten_while_they_are_read_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = save_directory(tmp_path / "model", SMALL, make_state(SMALL))
    image_tower = clip.image_tower

    def overwritten(model: torch.nn.Module, source: Source) -> Tower:
        tower = image_tower(model, source)
        with source.path.open("ab") as file:
            file.write(b"more")
        return tower

    monkeypatch.setattr(clip, "image_tower", overwritten)
    with pytest.raises(ConfigError, match="changed while it was being read; start again"):
        load(weights, tmp_path / "cache", precision="fp32")


def save_config(directory: Path, settings: dict[str, Any]) -> None:
    (directory / "open_clip_config.json").write_text(json.dumps({"model_cfg": settings}))


def test_half_precision_weights_score_as_the_same_numbers_in_fp32(tmp_path: Path) -> None:
    state = {name: tensor.half() for name, tensor in make_state(SMALL).items()}
    half = load(save_directory(tmp_path / "half", SMALL, state), tmp_path, precision="fp32")
    state = {name: tensor.float() for name, tensor in state.items()}
    single = load(save_directory(tmp_path / "single", SMALL, state), tmp_path, precision="fp32")
    assert np.array_equal(half.embed(pictures(224)), single.embed(pictures(224)))


def test_a_later_start_neither_imports_open_clip_nor_needs_a_writable_cache(small: str, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = load(small, cache)
    filled = {path: path.stat().st_ctime_ns for path in (cache, *cache.rglob("*"))}
    program = (
        "import sys; from pathlib import Path; from photod import config; from photod.score import load_scorers\n"
        "(scorer,) = load_scorers(config.Model(weights=sys.argv[1], devices='cpu'), Path(sys.argv[2]))\n"
        "print('open_clip' in sys.modules, scorer.identity.key)"
    )
    later = subprocess.run(
        [sys.executable, "-c", program, small, str(cache)],
        capture_output=True, text=True, check=True, env=os.environ | {"PYTHONWARNINGS": "error"},
    )  # fmt: skip
    assert later.stdout.split() == ["False", first.identity.key]
    assert {path: path.stat().st_ctime_ns for path in (cache, *cache.rglob("*"))} == filled


@pytest.mark.parametrize("name", ["plain, QuickGELU", "mean of tokens"])
def test_overwriting_the_file_of_a_running_model_changes_nothing(name: str, tmp_path: Path) -> None:
    settings = {"embed_dim": 64, "text_cfg": TEXT, **ARCHITECTURES[name]}
    weights = save_directory(tmp_path / "model", SMALL, random_model(settings).state_dict())
    save_config(tmp_path / "model", settings)
    scorer = load(weights, tmp_path / "cache", precision="fp32")
    before = scorer.embed(pictures(64, 2))
    file = tmp_path / "model" / "open_clip_pytorch_model.bin"
    with file.open("r+b") as target:
        target.truncate(0)
    assert np.array_equal(scorer.embed(pictures(64, 2)), before)


def test_other_prompts_need_no_other_embeddings(small: str, tmp_path: Path) -> None:
    one = load(small, tmp_path)
    other = load(small, tmp_path, prompts=(("sharp photo", "blurry photo"), ("good image", "bad image")))
    assert other.identity.tower == one.identity.tower
    assert other.identity.key != one.identity.key
    stored = one.embed(pictures(224)).astype("<f2")
    assert np.abs(other.score(stored) - other.score(other.embed(pictures(224)))).max() < 0.02
    assert np.abs(other.score(stored) - one.score(stored)).max() > 0.1


def test_other_weights_or_another_resize_are_another_tower(small: str, tmp_path: Path) -> None:
    state = make_state(SMALL)
    state["visual.proj"][0, 0] += 1e-3
    model = config.Model(weights=small, devices="cpu", precision="fp32")
    changed = load(save_directory(tmp_path / "changed", SMALL, state), tmp_path, precision="fp32")
    original, cropped = (
        load(small, tmp_path, precision="fp32"),
        load(small, tmp_path, precision="fp32", resize="crop"),
    )
    newer = load_scorers(model, tmp_path, preprocessing=2)[0]
    towers = {scorer.identity.tower for scorer in (changed, original, cropped, newer)}
    assert len(towers) == 4


def test_the_same_weights_under_another_name_are_the_same_model(small: str, tmp_path: Path) -> None:
    moved = load(save_directory(tmp_path / "moved", SMALL, make_state(SMALL)), tmp_path)
    assert moved.identity.key == load(small, tmp_path).identity.key
    assert moved.identity.name != load(small, tmp_path).identity.name


def test_check_names_the_model_and_what_was_measured(small: str, tmp_path: Path) -> None:
    scorer = load(small, tmp_path, precision="fp32")
    lines = dict(describe([scorer]))
    assert lines["model"] == small
    assert lines["input"] == "224 x 224 pixels, squash"
    assert lines["prompts"] == "good image / bad image; logit scale 100"
    assert scorer.identity.weights_sha256 in lines["weights"]
    assert lines["precision"] == "fp32, exact"
    assert isinstance(scorer, TowerScorer)
    assert scorer.images_per_s > 0
    assert lines["device"] == f"cpu, {scorer.images_per_s:.1f} images/s at the warm-up"


def test_a_prompt_that_the_builtin_model_does_not_know_is_answered_with_those_it_does(tmp_path: Path) -> None:
    known = ("good image", "bad image")
    for prompts in ((("good image", "sunset"),), (known, ("sunset", "bad image"))):
        with pytest.raises(ConfigError, match=r'prompts has "sunset", .* it knows: .*bad image.*good image'):
            load("builtin", tmp_path, prompts=prompts)


def test_a_builtin_model_whose_file_is_missing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photod.score.loading.resources.files", lambda _: tmp_path)
    with pytest.raises(ConfigError, match=r"incomplete: .*weights.safetensors is missing; install photod again"):
        load("builtin", tmp_path)


def test_the_record_is_that_of_the_weights_that_ship(tmp_path: Path) -> None:
    """After a training: python -m photod.score.selftest."""
    recorded = json.loads((Path(selftest.__file__).parent / "recorded.json").read_text())
    assert list(recorded) == [load("builtin", tmp_path).identity.weights_sha256]


@pytest.mark.parametrize("batch_size", [1, 64])
def test_a_builtin_model_that_leaves_its_record_does_not_start(
    batch_size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load("builtin", tmp_path, batch_size=batch_size)
    sound = pictures(224, selftest.RECORDED)
    monkeypatch.setattr(selftest, "pictures", lambda *_: np.roll(sound, 1, axis=0))
    with pytest.raises(ConfigError, match=r"a bundled picture scores .* points beside the record"):
        load("builtin", tmp_path, batch_size=batch_size)


def test_builtin_weights_that_were_never_recorded_do_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "recorded.json").write_text("{}")
    monkeypatch.setattr(selftest, "_RECORD", tmp_path / "recorded.json")
    with pytest.raises(ConfigError, match="not the ones that photod ships; install photod again"):
        load("builtin", tmp_path)


def test_the_builtin_model_loads_and_tells_pictures_apart(tmp_path: Path) -> None:
    scorer = load("builtin", tmp_path)
    found = scorer.score(scorer.embed(pictures(224)))
    assert np.isfinite(found).all()
    assert np.ptp(found) > 0.1


def test_the_builtin_model_may_be_asked_for_a_fault_alone(tmp_path: Path) -> None:
    scorer = load("builtin", tmp_path, prompts=(("sharp image", "blurry image"),))
    sharp, blurred = pictures(224)[0], np.asarray(Image.fromarray(pictures(224)[0]).filter(GaussianBlur(3)))
    found = scorer.score(scorer.embed(np.stack([sharp, blurred])))
    assert found[0] > found[1]


def test_the_builtin_model_is_given_larger_decodings_than_clip(small: str, tmp_path: Path) -> None:
    """Since it judges single pixels."""
    assert load("builtin", tmp_path).identity.input == InputSpec(224, "squash", 6)
    assert load(small, tmp_path, precision="fp32", resize="crop").identity.input == InputSpec(224, "crop", 3)
