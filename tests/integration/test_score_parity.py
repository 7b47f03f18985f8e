"""photod's score against the reference in `reference_clip`: the same to a ten-thousandth of a point, or wrong."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from photod import config
from photod.intake import resize
from photod.intake.decode import decode_photo
from photod.photos import InputSpec
from photod.score import clip, load_scorers, sources
from photod.score.pictures import pictures
from pictures import encode
from reference_clip import reference_scores, squash
from synthetic_clip import SMALL, VIT_B_16, Layout, make_state, save_directory

TOLERANCE = 1e-4  # points

FAST_WAYS = 0.02  # points, for scaled decoding and the fast resize

# Photos that no scaled decoding touches.
PHOTOS = ("flower-photos/1240625276_fb3bd0c7b1.jpg", "flower-photos/10391248763_1d16681106_n.jpg")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The setting that names a small model, and a cache."""
    home = tmp_path_factory.mktemp("small")
    return save_directory(home / "model", SMALL, make_state(SMALL)), home / "cache"


def photod_scores(model: config.Model, cache: Path, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    (scorer,) = load_scorers(model, cache)
    return scorer.score(scorer.embed(pixels))


def expected_scores(layout: Layout, pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    state = {name: tensor.numpy() for name, tensor in make_state(layout).items()}
    return reference_scores(state, pixels, layout.patch, layout.text_heads)


def as_decoded(data: bytes) -> NDArray[np.uint8]:
    spec = InputSpec(224)
    return np.frombuffer(decode_photo(data, spec, 10**8).pixels, np.uint8).reshape(224, 224, 3)


def test_the_file_that_aesclip_publishes_scores_as_the_reference_does(tmp_path: Path) -> None:
    """An OpenAI-layout ViT-B/16 state dict in fp32 without any extension."""
    state = make_state(VIT_B_16)
    torch.save(state, tmp_path / "AesCLIP")
    shown = pictures(224)[[1, 7]]
    # fp32 is what is compared; to have it chosen would take longer than all the rest.
    model = config.Model(weights=str(tmp_path / "AesCLIP"), devices="cpu", precision="fp32")
    found = photod_scores(model, tmp_path, shown)
    expected = reference_scores({name: tensor.numpy() for name, tensor in state.items()}, shown, 16, 8)
    assert np.ptp(expected) > 1, "scores that are all alike would show nothing"
    assert np.abs(found - expected).max() < TOLERANCE


def test_every_picture_scores_as_the_reference_does(small: tuple[str, Path]) -> None:
    weights, cache = small
    found = photod_scores(config.Model(weights=weights, devices="cpu"), cache, pictures(224))
    assert np.abs(found - expected_scores(SMALL, pictures(224))).max() < TOLERANCE


@pytest.mark.parametrize(("fast", "tolerance"), [(False, TOLERANCE), (True, FAST_WAYS)])
def test_a_photo_scores_from_its_bytes_as_the_reference_does(
    fast: bool, tolerance: float, small: tuple[str, Path], shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With Pillow's own resize to a ten-thousandth, with the fast one within what fast ways may differ."""
    if not fast:
        monkeypatch.setattr(resize, "FASTER", False)
    weights, cache = small
    files = [shared / "photos" / name for name in PHOTOS]
    found = photod_scores(
        config.Model(weights=weights, devices="cpu"),
        cache,
        np.stack([as_decoded(file.read_bytes()) for file in files]),
    )
    expected = expected_scores(SMALL, np.stack([squash(np.asarray(Image.open(file)), 224) for file in files]))
    assert np.abs(found - expected).max() < tolerance


@pytest.mark.parametrize("size", [(500, 332), (335, 512), (240, 223), (1001, 300), (300, 300)])
def test_a_cropped_photo_is_what_clips_own_transform_leaves(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given an odd number of pixels to cut off, too, then it is the same; a level may round otherwise."""
    monkeypatch.setattr(resize, "FASTER", False)
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    data = encode(Image.fromarray(noise), "PNG")
    found = np.frombuffer(decode_photo(data, InputSpec(224, "crop"), 10**8).pixels, np.uint8)
    transform = sources.open_clip().image_transform(224, is_train=False, mean=(0, 0, 0), std=(1, 1, 1))
    expected = 255 * transform(Image.open(io.BytesIO(data))).permute(1, 2, 0).numpy()
    assert np.abs(found - expected.ravel()).max() < 2


def test_other_photos_in_the_batch_do_not_change_a_score(small: tuple[str, Path]) -> None:
    weights, cache = small
    (scorer,) = load_scorers(config.Model(weights=weights, devices="cpu"), cache)
    shown = np.concatenate([pictures(224), pictures(224)[::-1]])
    together = scorer.score(scorer.embed(shown))
    for index in (0, 7, 31):
        alone = scorer.score(scorer.embed(shown[index : index + 1]))
        assert alone[0] == pytest.approx(together[index], abs=TOLERANCE)


def wrong_activation(patch: pytest.MonkeyPatch) -> None:
    original = sources._described

    def with_gelu(*arguments: object) -> sources.Source:
        found = original(*arguments)  # type: ignore[arg-type]
        found.config["quick_gelu"] = False
        return found

    patch.setattr(sources, "_described", with_gelu)


def wrong_mean(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sources, "OPENAI_MEAN", (0.5, 0.5, 0.5))


def wrong_deviation(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sources, "OPENAI_STD", (0.27, 0.26, 0.28))


def wrong_prompt(patch: pytest.MonkeyPatch) -> None:
    original = clip.encode_prompts
    patch.setattr(clip, "encode_prompts", lambda m, s, prompts: original(m, s, [f"a {words}" for words in prompts]))


def wrong_text_normalisation(patch: pytest.MonkeyPatch) -> None:
    original = clip.encode_prompts
    patch.setattr(clip, "encode_prompts", lambda *arguments: 1.01 * original(*arguments))


def wrong_text_activation(patch: pytest.MonkeyPatch) -> None:
    original = clip._construct

    def with_gelu(source: sources.Source) -> torch.nn.Module:
        source.config["quick_gelu"] = False
        model = original(source)
        source.config["quick_gelu"] = True
        return model

    patch.setattr(clip, "_construct", with_gelu)


MISTAKES = [
    wrong_activation, wrong_mean, wrong_deviation, wrong_prompt, wrong_text_normalisation, wrong_text_activation,
]  # fmt: skip


@pytest.mark.parametrize("make", MISTAKES)
def test_a_mistake_in_the_model_shows(
    make: Callable[[pytest.MonkeyPatch], None],
    monkeypatch: pytest.MonkeyPatch,
    small: tuple[str, Path],
    tmp_path: Path,
) -> None:
    """Proof that the comparison above can fail, and by a margin."""
    make(monkeypatch)
    model = config.Model(weights=small[0], devices="cpu", precision="fp32")  # not to have it chosen each time
    found = photod_scores(model, tmp_path, pictures(224)[4:8])
    assert np.abs(found - expected_scores(SMALL, pictures(224)[4:8])).max() > 10 * TOLERANCE


@pytest.mark.parametrize("setting", [{"logit_scale": 99.9}, {"prompts": (("good photo", "bad photo"),)}])
def test_a_mistake_in_the_settings_shows(setting: dict[str, object], small: tuple[str, Path]) -> None:
    weights, cache = small
    model = config.Model.model_validate({"weights": weights, "devices": "cpu", **setting})
    found = photod_scores(model, cache, pictures(224)[4:8])
    assert np.abs(found - expected_scores(SMALL, pictures(224)[4:8])).max() > 10 * TOLERANCE


def test_an_image_vector_in_half_precision_shows(small: tuple[str, Path]) -> None:
    weights, cache = small
    (scorer,) = load_scorers(config.Model(weights=weights, devices="cpu"), cache)
    coarse = scorer.embed(pictures(224)).astype(np.float16)
    assert np.abs(scorer.score(coarse) - expected_scores(SMALL, pictures(224))).max() > TOLERANCE


@pytest.mark.parametrize(
    "mistaken",
    [
        pytest.param(lambda photo: photo.resize((224, 224), Image.Resampling.BILINEAR), id="bilinear"),
        pytest.param(lambda photo: photo.resize((224, 224), Image.Resampling.NEAREST), id="nearest"),
        pytest.param(lambda photo: photo.crop((0, 0, *[min(photo.size)] * 2)).resize((224, 224)), id="cropped"),
    ],
)
def test_a_mistake_in_the_resize_shows(
    mistaken: Callable[[Image.Image], Image.Image], small: tuple[str, Path], shared: Path
) -> None:
    weights, cache = small
    photos = [Image.open(shared / "photos" / name) for name in PHOTOS]
    shown = np.stack([np.asarray(mistaken(photo), np.uint8) for photo in photos])
    found = photod_scores(config.Model(weights=weights, devices="cpu"), cache, shown)
    expected = expected_scores(SMALL, np.stack([squash(np.asarray(photo), 224) for photo in photos]))
    assert np.abs(found - expected).max() > FAST_WAYS
