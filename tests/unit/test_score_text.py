"""Embedded prompts that an earlier start computed are taken if they are these prompts', and sound."""

from pathlib import Path

import numpy as np
import pytest

from photod.score.scorer import Floats
from photod.score.text import Pairs, TextCache

PAIRS: Pairs = (("good image", "bad image"), ("sharp photo", "blurry photo"))


def place(cache: Path, pairs: Pairs = PAIRS, weights: str = "a" * 64, architecture: str = "ViT") -> TextCache:
    return TextCache(pairs, weights, architecture, cache)


def encode(prompts: list[str]) -> Floats:
    """For each prompt a unit vector of its own."""
    return np.eye(8, dtype=np.float32)[[len(prompt) % 8 for prompt in prompts]]


def test_a_later_start_gets_what_an_earlier_one_computed(tmp_path: Path) -> None:
    assert place(tmp_path).get() is None
    filled, found = place(tmp_path).fill(encode), place(tmp_path).get()
    assert found is not None
    for text in (filled, found):
        assert np.array_equal(text.good, encode(["good image", "sharp photo"]))
        assert np.array_equal(text.bad, encode(["bad image", "blurry photo"]))


def test_other_weights_architectures_and_prompts_have_places_of_their_own(tmp_path: Path) -> None:
    place(tmp_path).fill(encode)
    assert place(tmp_path, weights="b" * 64).get() is None
    assert place(tmp_path, architecture="RN50").get() is None
    assert place(tmp_path, PAIRS[::-1]).get() is None


SOUND = encode(["good image", "bad image", "sharp photo", "blurry photo"])


@pytest.mark.parametrize("rows", [SOUND[:2], SOUND[0], 2 * SOUND, np.full_like(SOUND, np.nan)])
def test_rows_that_were_not_written_here_are_computed_again(rows: Floats, tmp_path: Path) -> None:
    place(tmp_path).fill(encode)
    (kept,) = tmp_path.iterdir()
    np.save(kept, rows)
    assert place(tmp_path).get() is None


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY\x01", b"<!DOCTYPE html>"])
def test_a_file_that_is_damaged_is_computed_again(damage: bytes, tmp_path: Path) -> None:
    place(tmp_path).fill(encode)
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(damage)
    assert place(tmp_path).get() is None
