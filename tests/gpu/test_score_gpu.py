"""The scorer on a GPU: parity, precision, overlap, memory, several streams. Skipped where there is none."""

import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from photod import config
from photod.errors import ConfigError
from photod.score import load_scorers, start_scorers
from photod.score.pictures import pictures
from photod.score.precision import TOLERANCE, Precision
from photod.score.scorer import Scorer
from photod.score.tower_scorer import TowerScorer
from reference_clip import reference_scores
from synthetic_clip import SMALL, VIT_B_16, make_state, save_directory

BATCH = np.resize(pictures(224), (64, 224, 224, 3))  # two passes; the pictures repeat after 16


@pytest.fixture(autouse=True, scope="module")
def _gpu() -> None:
    if not torch.cuda.is_available():  # no CI promises one, so this never fails
        pytest.skip("needs a GPU that torch can use")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A real-sized model: small ones forgive what these tests look for."""
    home = tmp_path_factory.mktemp("gpu")
    return save_directory(home / "model", VIT_B_16, make_state(VIT_B_16)), home / "cache"


def model(weights: tuple[str, Path], precision: Precision = "auto", **more: object) -> config.Model:
    settings = {"weights": weights[0], "precision": precision, "devices": ("cuda:0",), **more}
    return config.Model.model_validate(settings)


def load(weights: tuple[str, Path], precision: Precision = "auto", **more: object) -> Scorer:
    return load_scorers(model(weights, precision, **more), weights[1])[0]


def test_fp32_on_a_gpu_scores_as_the_reference_does(weights: tuple[str, Path]) -> None:
    scorer = load(weights, "fp32")
    state = {name: tensor.numpy() for name, tensor in make_state(VIT_B_16).items()}
    shown = BATCH[[1, 7]]
    assert np.abs(scorer.score(scorer.embed(shown)) - reference_scores(state, shown, 16, 8)).max() < 1e-3


def test_auto_keeps_every_score_within_its_tolerance(weights: tuple[str, Path]) -> None:
    exact, auto = load(weights, "fp32"), load(weights)
    shown = np.concatenate([BATCH[:16], BATCH[:16, ::-1], BATCH[:16, :, ::-1]])
    moved = np.abs(auto.score(auto.embed(shown)) - exact.score(exact.embed(shown)))
    assert moved.max() <= TOLERANCE


# Where products are rounded, a sum of another order may be rounded to the next step.
@pytest.mark.parametrize(("precision", "most"), [("fp32", 1e-3), ("auto", TOLERANCE)])
def test_other_photos_in_the_batch_do_not_change_a_score(
    weights: tuple[str, Path], precision: Precision, most: float
) -> None:
    scorer = load(weights, precision)
    together = scorer.score(scorer.embed(BATCH))
    for count in (1, 2, 31, 33):
        assert np.abs(scorer.score(scorer.embed(BATCH[:count])) - together[:count]).max() < most


def test_the_next_pass_is_uploaded_while_this_one_is_computed(weights: tuple[str, Path]) -> None:
    scorer = load(weights, "fp32")  # whose passes take longest
    scorer.embed(BATCH)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA], acc_events=True) as profile:
        scorer.embed(BATCH)
    events = [event for event in profile.events() if event.device_type.name == "CUDA"]
    copies = sorted((e.time_range for e in events if "HtoD" in e.name), key=lambda span: span.start)
    kernels = [e.time_range for e in events if not e.name.startswith("Mem")]
    assert len(copies) == 2, "a copy for each pass"
    assert all("Pinned" in e.name for e in events if "HtoD" in e.name)
    assert any(kernel.start < copies[1].end and copies[1].start < kernel.end for kernel in kernels)


def test_copies_that_run_beside_the_computation_never_mix_photos(weights: tuple[str, Path]) -> None:
    scorer = load(weights)
    random = np.random.default_rng(0)
    alone = scorer.embed(BATCH[:16])
    for _ in range(20):
        order = random.permutation(64) % 16
        assert np.abs(scorer.embed(BATCH[order]) - alone[order]).max() < 1e-2


def test_all_memory_is_given_back_and_taken_again(weights: tuple[str, Path]) -> None:
    """Even that of the driver's context, which no process can give up while it lives."""
    torch.cuda.synchronize()  # this process has a context of its own
    free, _ = torch.cuda.mem_get_info()
    (scorer,) = start_scorers(model(weights), weights[1], 1)
    before = scorer.embed(BATCH)
    assert scorer.held
    assert torch.cuda.mem_get_info()[0] < free - scorer.held
    scorer.release()
    assert scorer.held == 0
    assert torch.cuda.mem_get_info()[0] >= free - (64 << 20)  # others, such as a desktop, may use the GPU as well
    assert np.array_equal(scorer.embed(BATCH), before)
    scorer.release()


def test_two_scorers_on_one_gpu_do_not_disturb_each_other(weights: tuple[str, Path]) -> None:
    scorers = [load(weights), load(weights)]
    expected = scorers[0].embed(BATCH)
    together = threading.Barrier(2, timeout=60)
    worst: list[float] = []

    def work(scorer: Scorer) -> None:
        together.wait()
        worst.extend(float(np.abs(scorer.embed(BATCH) - expected).max()) for _ in range(10))

    threads = [threading.Thread(target=work, args=(scorer,)) for scorer in scorers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(worst) == 20
    assert max(worst) < 1e-3


def test_the_builtin_model_scores_as_on_a_cpu(tmp_path: Path) -> None:
    (here,) = load_scorers(config.Model(devices="cpu"), tmp_path)
    expected = here.score(here.embed(BATCH))
    (there,) = load_scorers(config.Model(devices=("cuda:0",)), tmp_path)
    assert np.abs(there.score(there.embed(BATCH)) - expected).max() < 2e-3


def test_fp32_stays_what_it_is_beside_coarser_arithmetic(weights: tuple[str, Path]) -> None:
    """What is coarser is chosen by switches of the whole process."""
    exact, fast = load(weights, "fp32"), load(weights, "fast")
    before = exact.embed(BATCH)
    fast.embed(BATCH)
    assert np.array_equal(exact.embed(BATCH), before)


def test_once_it_is_warm_no_batch_takes_more_memory(weights: tuple[str, Path]) -> None:
    """Handles, workspaces and plans are there, so memory runs out at the start or never."""
    (scorer,) = start_scorers(model(weights), weights[1], 1)
    scorer.embed(BATCH)
    assert (held := scorer.held)
    for count in range(1, 65):
        scorer.embed(BATCH[:count])
        assert scorer.held is not None
        assert scorer.held <= held + (64 << 20)
    scorer.release()


def test_an_engine_never_waits_for_the_gpu(weights: tuple[str, Path]) -> None:
    scorer = load(weights)
    scorer.embed(BATCH)
    assert isinstance(scorer, TowerScorer)
    assert scorer._engine is not None
    pixels = torch.from_numpy(BATCH[:32]).to("cuda:0")
    torch.cuda.set_sync_debug_mode("error")
    try:
        with torch.inference_mode():
            scorer._engine(pixels)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_a_batch_that_does_not_fit_is_a_configuration_error(tmp_path: Path) -> None:
    """A pass of the small model takes some tens of megabytes, whatever the batch; so less is left to it."""
    weights = save_directory(tmp_path / "model", SMALL, make_state(SMALL)), tmp_path / "cache"
    torch.cuda.empty_cache()
    _, total = torch.cuda.mem_get_info(0)
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved(0) + (8 << 20)) / total, 0)
    try:
        with pytest.raises(ConfigError, match=r"batch_size.*out of memory; set it below 32"):
            load(weights, "fp32", batch_size=64)  # fp32 is not tried out before the warm-up
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, 0)
    assert load(weights, "fp32", batch_size=64).embed(BATCH).shape == (64, 512)
