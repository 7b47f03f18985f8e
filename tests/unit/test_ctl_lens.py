"""What embeddings that crowd around one direction are looked at through."""

import numpy as np

from photod_ctl.lens import Vectors, lens_for

CHANCE = np.random.default_rng(1)


def unit(rows: Vectors) -> Vectors:
    lengths: Vectors = np.linalg.norm(rows, axis=1, keepdims=True).astype(np.float32)
    return rows / lengths


def cosines(vectors: Vectors) -> Vectors:
    return vectors @ vectors.T


def test_embeddings_that_differ_are_left_as_they_are() -> None:
    vectors = unit(CHANCE.normal(size=(200, 64)).astype(np.float32))
    assert lens_for(vectors)(vectors) is vectors


def test_the_little_that_crowded_embeddings_differ_by_is_brought_out() -> None:
    little = CHANCE.normal(size=(200, 16)) * 0.02 * np.geomspace(1, 0.05, 16)
    scenes = np.ones((200, 16)) + little
    frames = scenes + CHANCE.normal(size=scenes.shape) * 0.0002
    vectors = unit(np.vstack([scenes, frames]).astype(np.float32))
    assert np.median(cosines(vectors)) > 0.99
    seen = lens_for(vectors)(vectors)
    np.testing.assert_allclose(np.linalg.norm(seen, axis=1), 1, rtol=1e-3)
    between = cosines(seen)
    assert np.diagonal(between[:200, 200:]).min() > 0.9  # a scene and its frame
    assert np.quantile(between[:200, :200][np.triu_indices(200, 1)], 0.99) < 0.8  # two scenes


def test_photos_without_an_embedding_are_like_none() -> None:
    vectors = unit((1 + CHANCE.normal(size=(50, 8)) * 0.01).astype(np.float32))
    vectors[::10] = 0
    seen = lens_for(vectors)(vectors)
    assert not seen[::10].any()
    assert np.isfinite(seen).all()


def test_a_few_photos_or_equal_ones_are_no_trouble() -> None:
    for count in (0, 1, 2, 5):
        vectors = unit(np.ones((count, 8), np.float32)) if count else np.zeros((0, 8), np.float32)
        assert np.isfinite(lens_for(vectors)(vectors)).all()
