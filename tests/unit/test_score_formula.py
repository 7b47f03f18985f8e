"""The formula alone: embeddings and text vectors in, scores out."""

import math
import subprocess
import sys

import numpy as np
import pytest
from numpy.typing import NDArray

from photod.score.scorer import TextVectors, scores


def unit(rows: NDArray[np.floating]) -> NDArray[np.float32]:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def random_units(count: int, seed: int, size: int = 512) -> NDArray[np.float32]:
    return unit(np.random.default_rng(seed).standard_normal((count, size)))


def text(pairs: int = 1, seed: int = 1) -> TextVectors:
    return TextVectors(random_units(pairs, seed), random_units(pairs, seed + 1))


def test_a_score_is_ten_times_the_softmax_of_the_scaled_cosines() -> None:
    image, vectors = random_units(1, 0), text()
    good, bad = (100 * float(image[0].astype(float) @ row[0]) for row in (vectors.good, vectors.bad))
    expected = 10 * math.exp(good) / (math.exp(good) + math.exp(bad))
    assert scores(image, vectors, 100)[0] == pytest.approx(expected, abs=1e-5)


def test_an_image_as_near_to_good_as_to_bad_scores_five() -> None:
    vectors = TextVectors(np.eye(3, dtype=np.float32)[:1], np.eye(3, dtype=np.float32)[1:2])
    image = np.array([[0.0, 0.0, 1.0]], np.float32)
    assert scores(image, vectors, 100)[0] == 5.0


def test_a_thousandth_of_cosine_is_a_quarter_of_a_point_at_five() -> None:
    vectors = TextVectors(np.eye(3, dtype=np.float32)[:1], np.eye(3, dtype=np.float32)[1:2])
    image = unit(np.array([[0.001, 0.0, 1.0]]))
    assert scores(image, vectors, 100)[0] == pytest.approx(5.25, abs=1e-3)


def test_several_pairs_average_their_differences_and_not_their_softmaxes() -> None:
    image, vectors = random_units(1, 0), text(pairs=3)
    differences = [float(image[0] @ (good - bad)) for good, bad in zip(vectors.good, vectors.bad, strict=True)]
    expected = 10 / (1 + math.exp(-100 * sum(differences) / 3))
    of_softmaxes = sum(10 / (1 + math.exp(-100 * difference)) for difference in differences) / 3
    assert scores(image, vectors, 100)[0] == pytest.approx(expected, abs=1e-5)
    assert abs(expected - of_softmaxes) > 0.1


def test_the_same_pair_twice_changes_nothing() -> None:
    image, once = random_units(4, 0), text()
    twice = TextVectors(np.repeat(once.good, 2, axis=0), np.repeat(once.bad, 2, axis=0))
    assert np.allclose(scores(image, once, 100), scores(image, twice, 100), atol=1e-6)


def test_lengths_do_not_count_because_vectors_are_normalised() -> None:
    images, vectors = random_units(4, 0), text()
    assert np.allclose(scores(images * 3, vectors, 100), scores(images, vectors, 100), atol=1e-5)


def test_stored_half_precision_embeddings_score_within_a_hundredth() -> None:
    images, vectors = random_units(1000, 0), text()
    stored = np.frombuffer(images.astype("<f2").tobytes(), "<f2").reshape(images.shape)
    assert np.abs(scores(stored, vectors, 100) - scores(images, vectors, 100)).max() < 0.01


def test_extremes_end_at_zero_and_ten_without_a_warning() -> None:
    vectors = TextVectors(np.eye(2, dtype=np.float32)[:1], np.eye(2, dtype=np.float32)[1:])
    assert scores(np.eye(2, dtype=np.float32), vectors, 1e6).tolist() == [10.0, 0.0]


def test_scores_are_float32_one_per_row_and_none_for_none() -> None:
    assert scores(random_units(3, 0), text(), 100).dtype == np.float32
    assert scores(np.empty((0, 512), np.float32), text(), 100).shape == (0,)


def test_importing_the_package_does_not_import_torch() -> None:
    code = "import sys, photod.score; sys.exit('torch' in sys.modules or 'open_clip' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
