"""How the built-in model is made: distortions, losses, export and figures, without any photo."""

import sys
from pathlib import Path
from shutil import copy

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

import training.train
from photod.score.builtin import ATTRIBUTES
from photod.score.builtin.tower import EMBEDDING_SIZE, QualityTower, unit_embedding
from training import baselines, figures, render, renders
from training.__main__ import arguments
from training.calibrate import HIGH, IN_VAIN, LOW, calibrate, set_thresholds
from training.distortions import DISTORTIONS, ELEVEN, Distortion
from training.evaluate import Model
from training.export import TEXT, WEIGHTS, export, split_difference
from training.failures import draw_all
from training.judge import Judge, embed
from training.losses import total_loss
from training.photos import FLOWERS, Photo, list_photos
from training.pristine import compose
from training.train import GROUPS_PER_STEP, Batch, Shards, Trainer, batches, checkpoint_in, train
from training.unseen import UNSEEN

ALL = {**DISTORTIONS, **UNSEEN}


@pytest.fixture(scope="module")
def picture() -> NDArray[np.uint8]:
    return draw_all()[1][::2, ::2]


@pytest.mark.parametrize("distortion", ALL.values(), ids=ALL.keys())
def test_a_distortion_is_deterministic_keeps_the_shape_and_grows(
    distortion: Distortion, picture: NDArray[np.uint8]
) -> None:
    mild, strong, again = (
        render.apply_distortion(picture, distortion, severity, 7) for severity in (0.25, 0.75, 0.75)
    )
    assert strong.shape == picture.shape
    assert strong.dtype == np.uint8
    assert np.array_equal(strong, again)
    changes = [np.abs(found.astype(float) - picture).mean() for found in (mild, strong)]
    assert 0 < changes[0] < changes[1]


def test_the_distortions_kept_for_validation_are_not_among_those_trained_on() -> None:
    assert len(DISTORTIONS) == 18
    assert len(UNSEEN) == 5
    assert len(ELEVEN) == 11
    assert not {way.apply for way in UNSEEN.values()} & {way.apply for way in DISTORTIONS.values()}


def test_severities_of_a_group_rise_and_end_at_one_or_less() -> None:
    for seed in range(50):
        severity = render.draw_severities(np.random.default_rng(seed))
        assert severity[0] == 0
        assert np.diff(severity).min() > 0.1
        assert severity[-1] <= 1


def test_what_cannot_be_seen_counts_as_no_severity() -> None:
    same = np.zeros((5, 4, 4, 3), np.uint8)
    assert render.visible_severity(same, np.linspace(0, 1, 5, dtype=np.float32)).max() == 0


def test_starting_points_depend_on_the_seed_alone(picture: NDArray[np.uint8]) -> None:
    for seed in range(20):
        first, second = (compose(picture, np.random.default_rng(seed)) for _ in range(2))
        assert np.array_equal(first, second)


def test_the_split_is_the_agreed_one(tmp_path: Path) -> None:
    rows = [f"{n:04}.jpg,{'flower-photos' if n >= 24 else 'other'},CC" for n in range(60)]
    (tmp_path / "MANIFEST.csv").write_text("\n".join(["file,source,licence", *rows]))
    split = list_photos(tmp_path)
    numbers = [int(photo.path.stem) for photo in split.validation]
    assert numbers == [0, 12, 24, 36, 48]
    assert not set(split.training) & set(split.validation)
    assert len(split.training) == 55


@pytest.mark.parametrize("lacking", ["photos", "real", "weights"])
def test_what_a_training_needs_at_its_end_is_missed_before_it_begins(
    lacking: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "MANIFEST.csv").touch()
    places = dict.fromkeys(("photos", "real", "weights"), tmp_path) | {lacking: tmp_path / "nowhere"}
    options = [f"--{name}={place}" for name, place in places.items()]
    monkeypatch.setattr(sys, "argv", ["training", "train", *options])
    with pytest.raises(SystemExit):
        arguments()
    assert f"is not there: see --{lacking}" in capsys.readouterr().err


def test_a_difference_comes_back_from_its_two_unit_vectors() -> None:
    difference = torch.randn(EMBEDDING_SIZE, generator=torch.Generator().manual_seed(0)) * 0.01
    good, bad = split_difference(difference)
    assert float(good.norm()) == pytest.approx(1, abs=1e-6)
    assert np.allclose(good - bad, difference, atol=1e-6)


def test_what_is_exported_scores_as_what_was_trained(tmp_path: Path) -> None:
    torch.manual_seed(0)
    judge = Judge().eval()
    differences = judge.differences().detach()
    export(judge.tower, differences, tmp_path, {"seed": "0"})
    pictures = np.stack([render.squash(picture) for picture in draw_all()[:3]])
    text = load_file(tmp_path / TEXT)
    found = Model(tmp_path)(pictures)
    wanted = 10 * torch.sigmoid(embed(judge.tower, pictures) @ differences[0])
    assert np.allclose(found, wanted, atol=0.02)
    assert len(text) == 2 + 2 * len(ATTRIBUTES)


def test_exporting_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    torch.manual_seed(0)
    judge = Judge()
    files = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        export(judge.tower, judge.differences().detach(), tmp_path / name, {"seed": "0"})
        files.append([(tmp_path / name / file).read_bytes() for file in (WEIGHTS, TEXT)])
    assert files[0] == files[1]


def test_embeddings_keep_a_constant_coordinate() -> None:
    embeddings = unit_embedding(torch.randn(3, EMBEDDING_SIZE - 1))
    assert np.allclose(embeddings[:, -1], 0.5)
    assert np.allclose(embeddings.norm(dim=1), 1, atol=1e-6)


def test_the_loss_is_smaller_for_the_right_order_than_for_the_wrong_one() -> None:
    aim = torch.tensor([[2.0, 0.5, -1.0, -3.0, -5.0]])
    faults, ranked = torch.zeros(1, 5, len(ATTRIBUTES)), torch.tensor([True])
    right, wrong = (
        torch.cat((quality.view(5, 1), torch.full((5, len(ATTRIBUTES)), -3.0)), 1) for quality in (aim, -aim)
    )
    found = [total_loss(logits, aim, faults, ranked, step=0) for logits in (right, wrong)]
    assert found[0] < found[1] - 1


def test_figures_of_a_perfect_and_of_an_inverted_judge() -> None:
    severity = np.tile(np.arange(1.0, 5.0), (6, len(renders.NAMES), 1))
    perfect = figures.Judged(np.zeros(6), -severity)
    inverted = figures.Judged(np.zeros(6), severity)
    assert figures.pairs_won(perfect, ELEVEN, 0) == 100
    assert figures.pairs_won(inverted, ELEVEN, 0) == 0
    assert figures.rank_correlation(perfect, ELEVEN) == pytest.approx(1)
    assert figures.rank_correlation(inverted, ELEVEN) == pytest.approx(-1)
    assert figures.across_photos(perfect, ELEVEN, 2) == 1


def test_a_judge_that_says_the_same_of_everything_wins_half_and_orders_nothing() -> None:
    constant = figures.Judged(np.zeros(6), np.zeros((6, len(renders.NAMES), 4)))
    assert figures.pairs_won(constant, ELEVEN, 0) == 50
    assert figures.rank_correlation(constant, ELEVEN) == 0
    assert figures.across_photos(constant, ELEVEN, 2) == 0.5


def test_a_row_is_met_only_above_its_bar_and_above_every_baseline() -> None:
    assert figures.Row("row", 98, 97, {"other": 90}).met
    assert not figures.Row("row", 96, 97, {"other": 90}).met
    assert not figures.Row("row", 98, 97, {"other": 99}).met


def test_the_baselines_see_what_they_are_made_for(picture: NDArray[np.uint8]) -> None:
    blurred = render.apply_distortion(picture, DISTORTIONS["gaussian blur"], 0.75, 0)
    grey = render.apply_distortion(picture, DISTORTIONS["desaturation"], 0.75, 0)
    flat = render.apply_distortion(picture, DISTORTIONS["low contrast"], 0.75, 0)
    for judge, worse in (
        (baselines.laplacian_variance, blurred), (baselines.colourfulness, grey), (baselines.rms_contrast, flat),
    ):  # fmt: skip
        found = judge(np.stack((picture, worse)))
        assert found[0] > found[1]


def test_the_ridge_learns_to_tell_noise_from_none() -> None:
    generator = np.random.default_rng(0)
    clean = np.stack([render.squash(picture) for picture in draw_all()[:6]])
    noisy = np.clip(clean + generator.normal(0, 40, clean.shape), 0, 255).astype(np.uint8)
    pictures = np.concatenate((clean, noisy))
    aim = np.repeat(np.array([1, -1], np.float32), 6)
    assert baselines.brisque_features(pictures).shape == (12, 36)
    found = baselines.fit_brisque(pictures, aim, 0.1)(pictures)
    assert found[:6].mean() > found[6:].mean() + 1


def test_a_training_step_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    pictures = generator.integers(0, 256, (5, 224, 224, 3), np.uint8)
    aim = torch.tensor([[2.0, 0.5, -1.0, -3.0, -5.0]])
    batch = Batch(pictures, aim, torch.zeros(1, 5, len(ATTRIBUTES)), torch.tensor([True]))
    first = Trainer(0, 10, tmp_path / "checkpoint.pt")
    first.learn(batch)
    first.save()
    second = Trainer(0, 10, tmp_path / "checkpoint.pt")
    assert second.step == 1
    for mine, other in zip(first.judge.parameters(), second.judge.parameters(), strict=True):
        assert torch.equal(mine, other)


@pytest.fixture
def shards(tmp_path: Path) -> Shards:
    """One of a few dark and bright pictures."""
    generator = np.random.default_rng(0)
    groups = GROUPS_PER_STEP
    np.save(tmp_path / "0.npy", generator.integers(0, 256, (groups, 5, 32, 32, 3), np.uint8))
    np.savez(
        tmp_path / "0.npz",
        quality=np.tile(np.linspace(2, -5, 5, dtype=np.float32), (groups, 1)),
        faults=np.zeros((groups, 5, len(ATTRIBUTES)), np.float32),
        ranked=np.ones(groups, bool),
    )
    return Shards([tmp_path / "0.npy"])


def test_a_training_of_more_steps_goes_on_and_one_of_fewer_is_refused(shards: Shards, tmp_path: Path) -> None:
    """Else it would take no step, and export what it had as trained for as long as was asked."""
    checkpoint = tmp_path / "checkpoint.pt"
    train(shards, 0, 2, checkpoint)
    train(shards, 0, 3, checkpoint)
    assert Trainer(0, 3, checkpoint).step == 3
    with pytest.raises(SystemExit, match="has taken 3 steps"):
        train(shards, 0, 2, checkpoint)


def test_a_training_that_is_done_reads_no_batch(shards: Shards, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    monkeypatch.setattr(shards, "batch", lambda step, _seed: read.append(step))
    assert [list(batches(shards, 0, first, 3)) for first in (3, 4)] == [[], []]
    assert read == []


def test_other_shards_and_other_code_have_a_checkpoint_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("train", "judge", "losses"):
        copy(Path(training.train.__file__).with_name(f"{name}.py"), tmp_path)
    monkeypatch.setattr(training.train, "__file__", str(tmp_path / "train.py"))
    first = checkpoint_in(tmp_path, 96)
    assert checkpoint_in(tmp_path, 96) == first
    assert checkpoint_in(tmp_path, 48) != first
    (tmp_path / "losses.py").write_text("RANK_WEIGHT = 2\n")
    assert checkpoint_in(tmp_path, 96) != first


def test_a_new_tower_has_as_many_numbers_as_fit_the_file() -> None:
    assert sum(parameter.numel() for parameter in QualityTower().parameters()) * 2 < 10 * 2**20


def test_a_fault_of_a_part_leaves_the_rest_of_the_picture_alone(picture: NDArray[np.uint8]) -> None:
    blur = DISTORTIONS["gaussian blur"]
    whole, partial = (render.Link(blur, 1.0, 7, partial).spoil(picture, 0.8) for partial in (False, True))
    untouched = [(spoiled == picture).all(2).mean() for spoiled in (partial, whole)]
    assert untouched[0] - untouched[1] > 0.05
    assert (partial != picture).any()
    assert render.Link(blur, 1.0, 7, True).harm < render.Link(blur, 1.0, 7, False).harm


def test_each_fault_is_named_on_the_same_small_share_of_unspoiled_photos() -> None:
    generator = torch.Generator().manual_seed(3)
    embeddings = unit_embedding(torch.randn(1000, EMBEDDING_SIZE - 1, generator=generator))
    differences = 20 * torch.randn(1 + len(ATTRIBUTES), EMBEDDING_SIZE, generator=generator)
    shifted = set_thresholds(differences, embeddings)
    named = (embeddings @ shifted[1:].T > 0).float().mean(0)
    assert torch.allclose(named, torch.full_like(named, IN_VAIN), atol=0.002)
    assert torch.equal(shifted[0], differences[0])


def test_the_scale_is_set_by_photos_that_nobody_chose_for_their_looks() -> None:
    generator = torch.Generator().manual_seed(0)
    directions = torch.randn(300, EMBEDDING_SIZE - 1, generator=generator)
    directions[200:, 0] += 100  # showpieces are better than all others
    sources = ["snapshots"] * 200 + [FLOWERS] * 100
    photos = tuple(Photo(Path("a.jpg"), source, "CC0") for source in sources)
    differences = torch.randn(1 + len(ATTRIBUTES), EMBEDDING_SIZE, generator=generator)
    embeddings = unit_embedding(directions)
    quality = (embeddings @ calibrate(differences, embeddings, photos)[0])[:200]
    low, median, high = (10 * torch.sigmoid(torch.quantile(quality, torch.tensor([0.05, 0.5, 0.95])))).tolist()
    assert median == pytest.approx(5, abs=0.01)
    assert low <= LOW + 0.01
    assert high >= HIGH - 0.01
