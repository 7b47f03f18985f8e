"""What `model.weights` and `model.architecture` may say, and the answers to what they may not."""

import json
from pathlib import Path

import open_clip
import pytest

from photod import config
from photod.errors import ConfigError
from photod.score.sources import OPENAI_MEAN, OPENAI_STD, Source, find_source, is_plain


def find(weights: str, architecture: str = "ViT-B-16-quickgelu") -> Source:
    return find_source(config.Model(weights=weights, architecture=architecture))


@pytest.fixture
def file(tmp_path: Path) -> str:
    (tmp_path / "AesCLIP").write_bytes(b"")
    return str(tmp_path / "AesCLIP")


def test_a_file_is_taken_for_the_configured_architecture(file: str) -> None:
    source = find(file)
    assert (source.path, source.size, source.mean) == (Path(file), 224, OPENAI_MEAN)
    assert source.config == open_clip.get_model_config("ViT-B-16-quickgelu")


def test_a_file_in_the_home_directory_may_be_named_with_a_tilde(home: Path) -> None:
    (home / "AesCLIP").write_bytes(b"")
    assert find("~/AesCLIP").path == home / "AesCLIP"


@pytest.mark.parametrize(
    ("architecture", "size", "mean"),
    [
        ("ViT-B-32", 224, OPENAI_MEAN),
        ("ViT-L-14-336-quickgelu", 336, OPENAI_MEAN),
        ("RN50-quickgelu", 224, OPENAI_MEAN),
        ("ViT-B-16-SigLIP-256", 256, (0.5, 0.5, 0.5)),
    ],
)
def test_an_architecture_brings_its_own_size_and_normalisation(
    architecture: str, size: int, mean: tuple[float, ...], file: str
) -> None:
    source = find(file, architecture)
    assert (source.size, source.mean) == (size, mean)


def test_openai_normalisation_is_open_clips() -> None:
    assert (OPENAI_MEAN, OPENAI_STD) == (open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD)


def test_only_transformers_without_variations_are_plain() -> None:
    plain = {name for name in open_clip.list_models() if is_plain(open_clip.get_model_config(name))}
    assert {"ViT-B-16", "ViT-B-16-quickgelu", "ViT-B-32", "ViT-L-14-336", "ViT-H-14"} <= plain
    assert not plain & {"RN50", "ViT-B-16-SigLIP", "coca_ViT-B-32", "EVA02-B-16", "convnext_base", "ViTamin-S"}


@pytest.mark.parametrize(
    ("weights", "architecture", "words"),
    [
        ("openai", "ViT-B-16-quickgelu", 'weights = "openai" has not been downloaded.*photod check --download'),
        ("openai", "ViT-B-16", 'another activation than "openai"; set model.architecture = "ViT-B-16-quickgelu"'),
        ("laion2b_s34b_b88k", "ViT-B-16-quickgelu", "set model.architecture to one that has it: ViT-B-16, "),
        ("laion2b_s34b_b88k", "ViT-B-16", "has not been downloaded"),
        ("openia", "ViT-B-16-quickgelu", 'did you mean "openai"'),
        ("bultin", "ViT-B-16-quickgelu", 'did you mean "builtin"'),
        ("/nowhere/AesCLIP", "ViT-B-16", 'weights = "/nowhere/AesCLIP" is neither a file .*; check the path$'),
        ("nobody/nothing", "ViT-B-16", 'is neither .*; check the path, or write "hf-hub:nobody/nothing"'),
        ("/dev", "ViT-B-16", 'is neither a file nor a tag .*; write "local-dir:/dev"'),
        ("hf-hub:nobody/nothing", "ViT-B-16", "has not been downloaded.*photod check --download"),
        ("hf-hub:", "ViT-B-16", 'weights = "hf-hub:" names no repository; write hf-hub:OWNER/NAME'),
        ("x" * 300, "ViT-B-16", "cannot be read: File name too long"),
        ("a\0b", "ViT-B-16", "is neither a file nor a tag"),
        ("local-dir:/nowhere", "ViT-B-16", "is no directory"),
        ("local-dir:a\0b", "ViT-B-16", "is no directory"),
        (f"local-dir:{'x' * 300}", "ViT-B-16", "cannot be read: File name too long"),
        ("laion2b_s12b_b32k", "roberta-ViT-B-32", "roberta-ViT-B-32 has a text tower of the library transformers"),
        ("openai", "ViT-B-61", 'architecture = "ViT-B-61" is unknown; did you mean "ViT-B-16"'),
        ("openai", "../model_configs/ViT-B-16", 'architecture = "../model_configs/ViT-B-16" is unknown'),
        ("openai", "hf-hub:nobody/nothing", 'architecture = "hf-hub:nobody/nothing" is unknown'),
        ("/dev/null/AesCLIP", "ViT-B-16", 'weights = "/dev/null/AesCLIP" is neither .*; check the path$'),
        ("webli", "ViT-B-16", r"to one that has it: \S+, \S+, \S+, \S+, \S+, [^\s,]+$"),
    ],
)
def test_what_cannot_be_found_is_answered_with_what_to_do(weights: str, architecture: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        find(weights, architecture)
    assert "\n" not in str(caught.value)


def test_an_activation_that_the_tag_lacks_is_answered_as_one_that_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = {"hf_hub": "somebody/clip/", "quick_gelu": False}
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED["ViT-B-16-quickgelu"], "plain", entry)
    with pytest.raises(ConfigError, match=r'another activation than "plain"; set model.architecture = "ViT-B-16"$'):
        find("plain")


def describe(directory: Path, **more: object) -> str:
    content = {"model_cfg": open_clip.get_model_config("ViT-B-32"), **more}
    (directory / "open_clip_config.json").write_text(json.dumps(content))
    return f"local-dir:{directory}"


def test_a_local_directory_describes_itself(tmp_path: Path) -> None:
    for name in ("latest.pt", "open_clip_pytorch_model.bin", "open_clip_pytorch_model.safetensors"):
        (tmp_path / name).touch()
    source = find(describe(tmp_path, preprocess_cfg={"mean": [0.1, 0.2, 0.3], "std": None}), "ignored")
    assert source.path == tmp_path / "open_clip_pytorch_model.safetensors"
    assert (source.mean, source.std) == ((0.1, 0.2, 0.3), OPENAI_STD)


def test_two_directories_that_differ_in_what_they_describe_are_two_architectures(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").touch()
    plain = find(describe(tmp_path)).architecture
    assert find(describe(tmp_path, preprocess_cfg={"std": [1, 1, 1]})).architecture != plain
    other = {"model_cfg": open_clip.get_model_config("ViT-B-32-quickgelu")}
    assert find(describe(tmp_path, **other)).architecture != plain
    assert find(describe(tmp_path)).architecture == plain


def test_a_directory_without_a_description_is_named(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(ConfigError, match=r"cannot use .*open_clip_config\.json: .*No such file"):
        find(f"local-dir:{tmp_path}")


def test_a_local_directory_never_falls_back_to_random_weights(tmp_path: Path) -> None:
    weights = describe(tmp_path)
    with pytest.raises(ConfigError, match="needs one weights file; found none"):
        find(weights)
    (tmp_path / "one.pt").touch()
    assert find(weights).path.name == "one.pt"
    (tmp_path / "two.pt").touch()
    with pytest.raises(ConfigError, match=r"found one\.pt, two\.pt"):
        find(weights)


COMPLETE = '{"model_cfg": {"embed_dim": 64, "vision_cfg": {}, "text_cfg": {}}, "preprocess_cfg": %s}'


@pytest.mark.parametrize(
    "content",
    [
        "", "{}", '{"model_cfg": {}}', '{"model_cfg": {"embed_dim": 64, "text_cfg": {}}}', "[]", COMPLETE % "null",
        COMPLETE % '{"mean": 0.5}',
    ],
)  # fmt: skip
def test_a_description_that_describes_nothing_is_named(content: str, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").touch()
    (tmp_path / "open_clip_config.json").write_text(content)
    with pytest.raises(ConfigError, match=r"cannot use .*open_clip_config\.json"):
        find(f"local-dir:{tmp_path}")


def test_a_description_of_a_text_tower_that_cannot_be_loaded_is_named_before_anything_is(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").touch()
    weights = describe(tmp_path, model_cfg=open_clip.get_model_config("nllb-clip-base"))
    with pytest.raises(ConfigError, match=r"open_clip_config\.json has a text tower of the library transformers"):
        find(weights)


def keep_in_hub_cache(cache: Path, repository: str, name: str) -> Path:
    """Lay a file where huggingface_hub keeps what it has downloaded."""
    commit = "0123456789abcdef0123456789abcdef01234567"
    kept = cache / f"models--{repository.replace('/', '--')}"
    file = kept / "snapshots" / commit / name
    file.parent.mkdir(parents=True)
    file.touch()
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text(commit)
    return file


@pytest.mark.parametrize(
    ("weights", "architecture", "repository", "name"),
    [
        ("openai", "ViT-B-16-quickgelu", "timm/vit_base_patch16_clip_224.openai", "open_clip_model.safetensors"),
        ("openai", "ViT-B-16-quickgelu", "timm/vit_base_patch16_clip_224.openai", "open_clip_pytorch_model.bin"),
        ("datacomp1b", "ViTamin-S", "jienengchen/ViTamin-S", "pytorch_model.safetensors"),
        ("datacomp1b", "ViTamin-S", "jienengchen/ViTamin-S", "pytorch_model.bin"),
    ],
)
def test_a_tag_that_was_downloaded_is_found_without_a_network(
    weights: str, architecture: str, repository: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    file = keep_in_hub_cache(tmp_path, repository, name)
    assert find(weights, architecture).path == file


@pytest.mark.parametrize("name", ["open_clip_config.json", "open_clip_model.safetensors"])
def test_a_repository_of_which_only_a_part_was_downloaded_is_not_used(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    keep_in_hub_cache(tmp_path, "somebody/clip", name)
    with pytest.raises(ConfigError, match="has not been downloaded"):
        find("hf-hub:somebody/clip")


def test_a_tag_brings_the_normalisation_it_was_trained_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    keep_in_hub_cache(tmp_path, "laion/CLIP-ViT-L-14-laion2B-s32B-b82K", "open_clip_model.safetensors")
    tag = find("laion2b_s32b_b82k", "ViT-L-14")
    as_file = find(str(tag.path), "ViT-L-14")
    assert (tag.mean, as_file.mean) == ((0.5, 0.5, 0.5), OPENAI_MEAN)
    assert tag.architecture != as_file.architecture, "two models would share one identity"
