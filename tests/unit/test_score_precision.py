"""The choice of arithmetic: what is decided, and that what is promised is kept on this machine."""

from dataclasses import replace
from pathlib import Path
from unittest.mock import ANY

import numpy as np
import pytest
import torch

from machine import need
from photod import config
from photod.errors import ConfigError
from photod.score import assembly, load_scorers, precision
from photod.score.linear import has_int8
from photod.score.loading import Loaded
from photod.score.pictures import pictures
from photod.score.precision import TOLERANCE, Choice, Movement, Precision, Trial, decide
from photod.score.scorer import Scorer, TextVectors, scores
from stub_tower import TEXT, StubTower, statistics_of
from synthetic_clip import SMALL, make_state, save_directory

GOOD = Trial("fp16", seconds=0.2, deviation=0.01)
COARSE = Trial("bf16", seconds=0.1, deviation=0.05)
COARSEST = Trial("int8", seconds=0.05, deviation=0.1)
HARDLY_FASTER = Trial("int8", seconds=0.095, deviation=0.1)
BROKEN = Trial("int8", seconds=0.01, deviation=float("nan"))
SLOW = Trial("tf32", seconds=0.95, deviation=0.001)


@pytest.mark.parametrize(
    ("wanted", "trials", "expected"),
    [
        ("auto", [GOOD], Choice("fp16", 0.01)),
        ("auto", [COARSE, GOOD], Choice("fp16", 0.01)),
        ("auto", [COARSE], Choice("fp32", 0.0)),
        ("auto", [SLOW], Choice("fp32", 0.0)),
        ("auto", [], Choice("fp32", 0.0)),
        ("fast", [COARSE, GOOD], Choice("bf16", 0.05)),
        ("fast", [SLOW], Choice("fp32", 0.0)),
        ("fast", [COARSEST, COARSE], Choice("int8", 0.1)),
        ("fast", [HARDLY_FASTER, COARSE], Choice("bf16", 0.05)),
        ("fast", [BROKEN, COARSE], Choice("bf16", 0.05)),
    ],
)
def test_the_fastest_that_keeps_the_promise_is_chosen(
    wanted: Precision, trials: list[Trial], expected: Choice
) -> None:
    assert decide(wanted, 1.0, trials) == expected


def test_what_is_not_a_number_is_never_within_tolerance() -> None:
    assert decide("auto", 1.0, [Trial("fp16", 0.1, float("nan"))]).arithmetic == "fp32"


def test_no_score_moves_by_more_than_the_stated_deviation() -> None:
    random = np.random.default_rng(0)
    text = TextVectors(*random.standard_normal((2, 1, 64)).astype(np.float32) / 8)
    exact = random.standard_normal((500, 64)).astype(np.float32)
    exact /= np.linalg.norm(exact, axis=1, keepdims=True)
    moved = exact + random.standard_normal(exact.shape).astype(np.float32) * 1e-4
    moved /= np.linalg.norm(moved, axis=1, keepdims=True)
    movement = np.abs(scores(moved, text, 100) - scores(exact, text, 100)).max()
    assert 0 < movement <= Movement(text, 100).largest(moved, exact) * 1.001 < 10 * movement
    opposed = TextVectors(np.concatenate([text.good, text.bad]), np.concatenate([text.bad, text.good]))
    assert Movement(opposed, 100).largest(moved, exact) == 0, "pairs are averaged, and these cancel"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    home = tmp_path_factory.mktemp("small")
    return save_directory(home / "model", SMALL, make_state(SMALL)), home / "cache"


def load(small: tuple[str, Path], wanted: Precision) -> Scorer:
    weights, cache = small
    (scorer,) = load_scorers(config.Model(weights=weights, devices="cpu", precision=wanted), cache)
    return scorer


def test_auto_keeps_every_score_within_its_tolerance(small: tuple[str, Path]) -> None:
    shown = pictures(224)
    auto, exact = load(small, "auto"), load(small, "fp32")
    assert np.abs(auto.score(auto.embed(shown)) - exact.score(exact.embed(shown))).max() <= TOLERANCE


def test_fast_says_by_how_much_it_moves_scores_and_keeps_to_it(
    small: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if what moves scores were always the faster: of so small a model a busy machine may measure anything.
    monkeypatch.setattr("photod.score.precision._WORTHWHILE", 0.0)
    if not (torch.cpu.get_capabilities().get("avx512_bf16") or has_int8(torch.device("cpu"))):
        need("a CPU with bf16 or VNNI")
    tower_fast, exact = load(small, "fast"), load(small, "fp32")
    moved = np.abs(tower_fast.score(tower_fast.embed(pictures(224))) - exact.score(exact.embed(pictures(224))))
    assert 0 < moved.max() <= tower_fast.deviation * 1.01  # type: ignore[attr-defined]
    assert tower_fast.identity.tower != exact.identity.tower, "one class would be continued in another"


@pytest.fixture
def no_measuring(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> Choice:
        raise AssertionError("measured again")

    monkeypatch.setattr("photod.score.assembly.choose", refuse)


def test_a_later_start_chooses_the_same_without_measuring(
    small: tuple[str, Path], request: pytest.FixtureRequest
) -> None:
    first = load(small, "fast").identity
    request.getfixturevalue("no_measuring")
    assert load(small, "fast").identity == first


CPU = torch.device("cpu")
LOADED = Loaded("ViT", "a" * 64, StubTower(statistics_of), TEXT)


def test_a_choice_is_made_anew_when_what_it_was_made_for_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[object] = []

    def choose(*circumstances: object) -> Choice:
        made.append(circumstances)
        return Choice("fp32", 0.0)

    def is_made(loaded: Loaded = LOADED, **settings: object) -> bool:
        before = len(made)
        assembly._choice(config.Model.model_validate(settings), tmp_path, CPU, loaded)
        return len(made) > before

    monkeypatch.setattr(assembly, "choose", choose)
    assert is_made()
    assert not is_made()
    assert is_made(replace(LOADED, weights_sha256="b" * 64))
    assert is_made(replace(LOADED, architecture="RN50"))
    assert is_made(precision="fast")
    assert is_made(prompts=(("a", "b"),))
    assert is_made(logit_scale=50.0)
    monkeypatch.setattr(torch, "__version__", "1.0")
    assert is_made()
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"cpu_name": "another"})
    assert is_made()


@pytest.mark.parametrize("shortage", [RuntimeError("DefaultCPUAllocator: can't allocate memory"), MemoryError()])
def test_memory_that_runs_out_while_the_choice_is_made_is_told_as_at_the_warm_up(
    shortage: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def choose(*_: object) -> Choice:
        raise shortage

    monkeypatch.setattr(assembly, "choose", choose)
    with pytest.raises(ConfigError, match="batch_size is too large: cpu is out of memory; set it below 8"):
        assembly._choice(config.Model(), tmp_path, CPU, LOADED)


def test_a_choice_that_the_device_does_not_have_is_made_anew(small: tuple[str, Path], tmp_path: Path) -> None:
    """A disk moves to another machine, whose processor has the same name and fewer units."""
    here = small[0], tmp_path
    load(here, "fast")
    (path,) = tmp_path.rglob("precision-*.json")
    precision.remember(path, Choice("fp16", 0.01))  # no CPU's
    found = load(here, "fast").identity.precision
    assert found in ("fp32", "bf16", "int8")
    assert precision.remembered(path) == Choice(found, ANY)


def test_a_damaged_memory_of_the_choice_is_measured_anew(tmp_path: Path) -> None:
    path = tmp_path / "precision.json"
    for damage in ("", "{}", '{"arithmetic": 3, "deviation": 0.0}'):
        path.write_text(damage)
        assert precision.remembered(path) is None
    precision.remember(path, Choice("bf16", 0.5))
    assert precision.remembered(path) == Choice("bf16", 0.5)
