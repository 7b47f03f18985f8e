"""The built-in model as shipped: its files, its geometry, and what it says of pictures drawn here."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from safetensors import safe_open
from safetensors.torch import load_file

from photod.score import builtin
from photod.score.builtin.tower import ARCHITECTURE, EMBEDDING_SIZE, INPUT_SIZE, QualityTower

FOLDER = Path(builtin.__path__[0])
Pictures = NDArray[np.uint8]


@pytest.fixture(scope="module")
def tower() -> QualityTower:
    tower = QualityTower()
    state = {name: tensor.float() for name, tensor in load_file(FOLDER / "weights.safetensors").items()}
    tower.load_state_dict(state, strict=True)
    return tower.eval()


@pytest.fixture(scope="module")
def text() -> dict[str, torch.Tensor]:
    return dict(load_file(FOLDER / "text.safetensors"))


def embed(tower: QualityTower, pictures: Pictures) -> torch.Tensor:
    with torch.inference_mode():
        embeddings: torch.Tensor = tower(torch.from_numpy(pictures))
    return embeddings


def score(tower: QualityTower, text: dict[str, torch.Tensor], pictures: Pictures) -> NDArray[np.float32]:
    embeddings = embed(tower, pictures)
    difference = embeddings @ text[builtin.GOOD_PROMPT] - embeddings @ text[builtin.BAD_PROMPT]
    return np.asarray(10 * torch.sigmoid(100 * difference).numpy(), np.float32)


def natural_picture(seed: int) -> Image.Image:
    """Overlapping leaves of all sizes, many small and few large, which have the statistics of a scene."""
    generator = np.random.default_rng(seed)
    side = 3 * INPUT_SIZE
    image = Image.new("RGB", (side, side), (70, 90, 60))
    draw = ImageDraw.Draw(image)
    for radius in np.sort(generator.pareto(1.2, 400) * 12 + 8)[::-1]:
        column, row = generator.uniform(0, side, 2)
        height = radius * generator.uniform(0.4, 1)
        colour = tuple(int(value) for value in np.clip(generator.normal((120, 115, 80), 65), 0, 255))
        draw.ellipse((column - radius, row - height, column + radius, row + height), colour)
    return image.resize((INPUT_SIZE, INPUT_SIZE), Image.Resampling.BICUBIC)


def random_pictures(count: int) -> Pictures:
    return np.random.default_rng(0).integers(0, 256, (count, INPUT_SIZE, INPUT_SIZE, 3), np.uint8)


def test_importing_the_package_does_not_import_torch() -> None:
    code = "import sys, photod.score.builtin; print('torch' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


def test_embeddings_are_unit_vectors_whatever_the_picture(tower: QualityTower) -> None:
    plain = np.stack([np.full((INPUT_SIZE, INPUT_SIZE, 3), grey, np.uint8) for grey in (0, 128, 255)])
    embeddings = embed(tower, np.concatenate((random_pictures(2), plain)))
    assert embeddings.shape == (5, EMBEDDING_SIZE)
    assert embeddings.dtype == torch.float32
    assert np.allclose(embeddings.norm(dim=1), 1, atol=1e-5)


def test_an_embedding_does_not_depend_on_the_rest_of_its_batch(tower: QualityTower) -> None:
    pictures = random_pictures(3)
    assert np.allclose(embed(tower, pictures)[1], embed(tower, pictures[1:2])[0], atol=1e-5)


def test_the_file_says_its_architecture_is_half_precision_and_small() -> None:
    path = FOLDER / "weights.safetensors"
    with safe_open(path, "pt") as weights:
        assert ARCHITECTURE in weights.metadata()["provenance"]
        assert {weights.get_tensor(name).dtype for name in weights.keys()} == {torch.float16}  # noqa: SIM118
    assert path.stat().st_size < 10 * 2**20


def test_every_prompt_has_a_unit_vector(text: dict[str, torch.Tensor]) -> None:
    wanted = {builtin.GOOD_PROMPT, builtin.BAD_PROMPT, *(p for pair in builtin.ATTRIBUTES.values() for p in pair)}
    assert set(text) == wanted
    for vector in text.values():
        assert vector.shape == (EMBEDDING_SIZE,)
        assert vector.dtype == torch.float32
        assert float(vector.norm()) == pytest.approx(1, abs=1e-6)


def test_frames_of_one_colour_score_below_one(tower: QualityTower, text: dict[str, torch.Tensor]) -> None:
    colours = [(0, 0, 0), (255, 255, 255), (128, 128, 128), (255, 0, 0), (0, 255, 0), (0, 0, 255), (250, 220, 30)]
    frames = np.stack([np.full((INPUT_SIZE, INPUT_SIZE, 3), colour, np.uint8) for colour in colours])
    assert score(tower, text, frames).max() < 1


@pytest.mark.parametrize("seed", range(4))
def test_a_picture_scores_above_itself_blurred_or_darkened_or_noisy(
    tower: QualityTower, text: dict[str, torch.Tensor], seed: int
) -> None:
    image = natural_picture(seed)
    noise = np.random.default_rng(seed).normal(0, 30, (INPUT_SIZE, INPUT_SIZE, 3))
    blurred = np.asarray(image.filter(ImageFilter.GaussianBlur(3)))
    dark = np.asarray(image.point([value // 5 for value in range(256)] * 3))
    noisy = np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8)
    found = score(tower, text, np.stack((np.asarray(image), blurred, dark, noisy)))
    assert found[0] > found[1:].max()
