"""What a scorer must show before it may work, and how a device's failure is told."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from photod import config
from photod.errors import ConfigError, DeviceError
from photod.score.assembly import describe, find_devices
from photod.score.pictures import pictures
from photod.score.selftest import warm_up
from photod.score.tower import Engine
from stub_tower import SIZE, StubTower, scorer, statistics_of


def changing() -> Engine:
    calls: list[int] = []

    def run(pixels: Tensor) -> Tensor:
        calls.append(1)
        return torch.nn.functional.normalize(statistics_of(pixels) + 0.1 * len(calls), dim=1)

    return run


def not_finite(pixels: Tensor) -> Tensor:
    return statistics_of(pixels) * float("nan")


def too_long(pixels: Tensor) -> Tensor:
    return 2 * statistics_of(pixels)


def blind(pixels: Tensor) -> Tensor:
    return torch.eye(4)[:1].expand(len(pixels), 4)


def out_of_memory(pixels: Tensor) -> Tensor:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.\nGPU 0 has less.")


def no_room_for_an_array(pixels: Tensor) -> Tensor:
    raise MemoryError("Unable to allocate 9.19 MiB for an array with shape (64, 224, 224, 3)")


@pytest.mark.parametrize("count", [1, 8])
def test_a_sound_scorer_passes_and_its_speed_is_known(count: int) -> None:
    assert warm_up(scorer(statistics_of, count), SIZE, count) > 0


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (not_finite, "not finite"),
        (too_long, "not of unit length"),
        (blind, "different pictures get the same embedding"),
        (out_of_memory, "batch_size is too large: cpu is out of memory; set it below 8"),
        (no_room_for_an_array, "batch_size is too large: cpu is out of memory; set it below 8"),
    ],
)
def test_a_fault_keeps_it_from_starting_and_is_named(run: Engine, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        warm_up(scorer(run), SIZE, 8)
    assert "\n" not in str(caught.value)


def test_embeddings_that_are_not_repeatable_keep_it_from_starting() -> None:
    with pytest.raises(ConfigError, match="other embeddings the second time"):
        warm_up(scorer(changing()), SIZE, 2)


def test_a_device_that_fails_at_work_is_a_device_error_of_one_line() -> None:
    with pytest.raises(DeviceError, match=r"^cpu failed: CUDA out of memory\. Tried.*GiB\.; see") as caught:
        scorer(out_of_memory).embed(pictures(SIZE, 2))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("shape", [(0, 8, 8, 3), (9, 8, 8, 3), (1, 8, 9, 3), (1, 3, 8, 8), (8, 8, 3)])
def test_pixels_of_another_shape_are_the_callers_mistake(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected"):
        scorer(statistics_of).embed(np.zeros(shape, np.uint8))


def test_pixels_of_another_type_are_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match=r"expected uint8 .* got float32"):
        scorer(statistics_of).embed(pictures(SIZE, 1).astype(np.float32) / 255)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(
            lambda pixels: np.frombuffer(pixels.tobytes(), np.uint8).reshape(pixels.shape), id="read-only"
        ),
        pytest.param(lambda pixels: pixels[::-1][::-1], id="turned twice"),
        pytest.param(np.asfortranarray, id="columns first"),
    ],
)
def test_any_memory_layout_of_the_same_pixels_gives_the_same(view: Callable[[object], object]) -> None:
    shown = pictures(SIZE, 3)
    worker = scorer(statistics_of)
    assert np.array_equal(worker.embed(view(shown)), worker.embed(shown))  # type: ignore[arg-type]


def test_an_engine_is_built_once(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []

    def build(*_: object) -> Engine:
        built.append("engine")
        return statistics_of

    monkeypatch.setattr(StubTower, "engine", build)
    worker = scorer(statistics_of)
    for _ in range(2):
        worker.embed(pictures(SIZE, 1))
    assert built == ["engine"]


def test_the_order_of_a_batch_is_kept_across_passes() -> None:
    shown = np.concatenate([pictures(SIZE), pictures(SIZE)[::-1], pictures(SIZE, 3)])
    together = scorer(statistics_of, 64).embed(shown)
    alone = np.concatenate([scorer(statistics_of).embed(row[None]) for row in shown])
    assert np.allclose(together, alone, atol=1e-6)


def test_what_is_said_of_a_scorer_tells_how_far_its_arithmetic_moves_scores() -> None:
    worker = scorer(statistics_of)
    assert ("precision", "fp32, exact") in describe([worker])
    worker.deviation = 0.01234
    assert ("precision", "fp32, moves scores of bundled pictures by up to 0.0123 points") in describe([worker])


def test_a_device_that_is_not_there_is_named_with_those_that_are(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r'devices has "cuda:77"'):
        find_devices(config.Model(devices=("cuda:77",)))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ConfigError, match=r'devices has "cuda:77"; this machine has cuda:0, cpu'):
        find_devices(config.Model(devices=("cuda:77",)))
    assert find_devices(config.Model(devices="cpu")) == (torch.device("cpu"),)
    assert find_devices(config.Model(devices=("cpu", "cpu"))) == (torch.device("cpu"),)


def test_the_bundled_pictures_are_the_same_everywhere_and_all_different() -> None:
    shown = pictures(64)
    assert np.array_equal(shown, pictures(64))
    assert len({row.tobytes() for row in shown}) == len(shown)


def test_the_cache_may_be_unwritable(tmp_path: Path) -> None:
    from photod.score.weights import write_atomically

    (tmp_path / "file").touch()
    write_atomically(tmp_path / "file" / "below", b"x")
