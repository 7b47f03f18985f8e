"""Matrices of int8, beside the same arithmetic done by numpy in whole numbers."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from machine import need
from photod.score.linear import Affine, has_int8, linear
from photod.score.pictures import pictures
from photod.score.sources import OPENAI_MEAN, OPENAI_STD
from photod.score.tower import build_engine
from photod.score.vit import TransformerTower
from synthetic_clip import SMALL, make_state

CPU = torch.device("cpu")


@pytest.fixture
def matrix() -> Affine:
    if not has_int8(CPU):
        need("a CPU with VNNI")
    random = np.random.default_rng(3)
    weight = random.standard_normal((96, 160)).astype(np.float32) * random.uniform(0.01, 3, (96, 1)).astype(
        np.float32
    )
    weight[7] = 0
    return Affine(torch.from_numpy(weight), torch.from_numpy(random.standard_normal(96).astype(np.float32)))


def activations(*shape: int) -> torch.Tensor:
    random = np.random.default_rng(4)
    tokens = random.standard_normal(shape) * random.uniform(0.01, 30, (*shape[:-1], 1))
    return torch.from_numpy(tokens.astype(np.float32))


def in_whole_numbers(x: NDArray[np.float32], matrix: Affine) -> NDArray[np.float64]:
    weight, bias = (part.numpy().astype(np.float64) for part in matrix)
    of_row, of_token = (np.maximum(np.abs(m).max(axis=1, keepdims=True), 1e-12) / 127 for m in (weight, x))
    sums = np.rint(x / of_token).astype(np.int64) @ np.rint(weight / of_row).astype(np.int64).T
    product: NDArray[np.float64] = sums * of_token * of_row.T + bias
    return product


@pytest.mark.parametrize("shape", [(1, 1, 160), (1, 197, 160), (3, 67, 160)])
def test_products_are_those_of_whole_numbers(matrix: Affine, shape: tuple[int, ...]) -> None:
    x = activations(*shape)
    found = linear(matrix, CPU, torch.int8)(x)
    expected = in_whole_numbers(x.flatten(0, -2).numpy(), matrix)
    assert found.shape == (*shape[:-1], 96)
    # A value in the middle between two steps may be rounded to either; that moves a sum by one product.
    close = np.isclose(found.flatten(0, -2).numpy(), expected, rtol=1e-4, atol=1e-4)
    assert close.mean() > 0.99


def test_a_token_is_computed_alike_whatever_stands_beside_it(matrix: Affine) -> None:
    run = linear(matrix, CPU, torch.int8)
    x = activations(4, 50, 160)
    x[2, 10] = 0
    whole = run(x)
    assert torch.equal(whole[2:3], run(x[2:3]))
    assert torch.equal(whole[2, 10], matrix.bias)


def test_the_error_is_a_small_part_of_the_result(matrix: Affine) -> None:
    x = activations(2, 100, 160)
    exact = linear(matrix, CPU, torch.float32)(x)
    error = linear(matrix, CPU, torch.int8)(x) - exact
    assert 0 < error.norm() < 0.02 * exact.norm()


def test_a_whole_tower_of_them_sees_the_same_and_each_photo_by_itself(matrix: Affine) -> None:
    state = {name[7:]: tensor for name, tensor in make_state(SMALL).items() if name.startswith("visual.")}
    tower = TransformerTower(state, SMALL.config, OPENAI_MEAN, OPENAI_STD)
    shown = torch.from_numpy(pictures(SMALL.side, 6))
    exact, coarse = (build_engine(tower, arithmetic, CPU) for arithmetic in ("fp32", "int8"))
    vectors = coarse(shown)
    cosines = vectors @ exact(shown).T
    assert cosines.diagonal().min() > 0.99
    assert cosines.diagonal().max() < 1 - 1e-6, "it was computed in whole numbers"
    assert torch.equal(cosines.argmax(dim=1), torch.arange(6))
    assert (coarse(shown[4:5]) - vectors[4:5]).abs().max() < 1e-3
