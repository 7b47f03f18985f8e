"""Evaluation of the weights in the package against every bar; prints the tables that the model card repeats."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from photod.score.builtin import ATTRIBUTES, BAD_PROMPT, GOOD_PROMPT
from photod.score.builtin.tower import INPUT_SIZE
from photod.score.scorer import TextVectors, scores
from training import baselines, everyday, figures
from training.calibrate import labelled
from training.distortions import DISTORTIONS, LEVELS
from training.export import TEXT, WEIGHTS
from training.figures import Judged, Row, Scores
from training.judge import LOGIT_SCALE, embed, load_tower
from training.photos import Pixels, Split
from training.render import render_cache
from training.renders import NAMES, Renders, render_validation
from training.speed import BAR, Speed, measure

BASELINE_SHARDS = 8


class Model:
    """The exported model: scores of squashed pictures for the prompts it knows."""

    def __init__(self, folder: Path) -> None:
        self.tower = load_tower(folder / WEIGHTS)
        self.text = load_file(folder / TEXT)

    def __call__(self, pictures: Pixels) -> Scores:
        """Scores in 0..10 for "good image" against "bad image"."""
        return self.answer(embed(self.tower, pictures), GOOD_PROMPT, BAD_PROMPT)

    def answer(self, embeddings: Tensor, good: str, bad: str) -> Scores:
        """Scores in 0..10 of embeddings [n, 128] for a pair of prompts."""
        text = TextVectors(*(self.text[prompt][None].numpy() for prompt in (good, bad)))
        return scores(embeddings.numpy(), text, LOGIT_SCALE).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Embedded:
    """The renders as the model sees them: [photos, 128] and [photos * distortions * levels, 128]."""

    pristine: Tensor
    spoiled: Tensor

    def judged(self, model: Model, good: str, bad: str) -> Judged:
        """The scores for a pair of prompts."""
        shape = (len(self.pristine), len(NAMES), len(LEVELS))
        spoiled = model.answer(self.spoiled, good, bad).reshape(shape)
        return Judged(model.answer(self.pristine, good, bad), spoiled)


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was measured."""

    rows: list[Row]
    by_distortion: Mapping[str, Mapping[str, tuple[float, float]]]
    faults: Mapping[str, tuple[float, float]]
    everyday: Mapping[str, float]
    checks: Mapping[str, bool]
    skipped: tuple[str, ...]
    photos: int
    speed: Speed


def judge_baselines(renders: Renders, split: Split, seed: int, cache: Path) -> dict[str, Judged]:
    """The scores of the four baselines."""
    judges: dict[str, Callable[[Pixels], Scores]] = {
        "var. of Laplacian": baselines.laplacian_variance,
        "colourfulness": baselines.colourfulness,
        "RMS contrast": baselines.rms_contrast,
        "BRISQUE ridge": fit_ridge(split, seed, cache),
    }
    shape = renders.spoiled.shape[:3]
    return {
        name: Judged(in_batches(judge, renders.pristine), in_batches(judge, flat(renders)).reshape(shape))
        for name, judge in judges.items()
    }


def flat(renders: Renders) -> Pixels:
    """All spoiled pictures in one row."""
    return renders.spoiled.reshape(-1, INPUT_SIZE, INPUT_SIZE, 3)


def in_batches(judge: Callable[[Pixels], Scores], pictures: Pixels) -> Scores:
    """Judge many pictures, a few at a time."""
    parts = [judge(pictures[at : at + baselines.BATCH]) for at in range(0, len(pictures), baselines.BATCH)]
    return np.concatenate(parts)


def fit_ridge(split: Split, seed: int, cache: Path) -> baselines.BrisqueRidge:
    """The baseline that learns: fitted on the first shards of the very renders that the model learned from."""
    shards = render_cache(split.training, seed, BASELINE_SHARDS, cache, 2)
    return baselines.fit_brisque(*labelled(shards, "quality"))


def fault_figures(model: Model, embedded: Embedded) -> dict[str, tuple[float, float]]:
    """For each fault: how often it is named, in %, on strong renders that have it, and on unspoiled photos.

    A fault is named when the share of its prompt is above one half.
    """
    found = {}
    for fault, (absent, present) in ATTRIBUTES.items():
        judged = embedded.judged(model, present, absent)
        ways = [name for name, way in DISTORTIONS.items() if way.faults.get(fault, 0) >= 0.7]
        strong = judged.spoiled[:, figures.columns(tuple(ways)), figures.AT_STRONG]
        found[fault] = (float(100 * (strong > 5).mean()), float(100 * (judged.pristine > 5).mean()))
    return found


def evaluate(folder: Path, split: Split, real: Path, seed: int, cache: Path) -> Report:
    """Measure the weights in FOLDER on the validation photos and on the everyday photos in REAL."""
    model = Model(folder)
    with torch.inference_mode():
        renders = render_validation(split.validation, cache, 2)
        embedded = Embedded(embed(model.tower, renders.pristine), embed(model.tower, flat(renders)))
        others = judge_baselines(renders, split, seed, cache)
        photos = everyday.read_everyday(real)
        real_scores, plain = model(photos.pictures), model(everyday.plain_frames())
    speed = measure()
    builtin = embedded.judged(model, GOOD_PROMPT, BAD_PROMPT)
    low, median, high = np.quantile(real_scores, (0.05, 0.5, 0.95))
    return Report(
        figures.rows(builtin, others),
        {name: by_distortion({"built-in": builtin, **others}, name) for name in NAMES},
        fault_figures(model, embedded),
        {"5th percentile": low, "median": median, "95th percentile": high, "highest plain frame": plain.max()},
        {
            "everyday median 4.5 to 5.5": bool(4.5 <= median <= 5.5),
            "everyday 5th percentile at most 2.5": bool(low <= 2.5),
            "everyday 95th percentile at least 6.8": bool(high >= 6.8),
            "plain frames below 1": bool(plain.max() < 1),
            f"at least {BAR:g} times as fast as ViT-B/16": speed.ratio >= BAR,
        },
        photos.skipped,
        len(photos.paths),
        speed,
    )


def by_distortion(judged: Mapping[str, Judged], name: str) -> dict[str, tuple[float, float]]:
    """Pairs won at mild and at strong severity, for every judge."""
    return {
        judge: (
            figures.pairs_won(of, (name,), figures.AT_MILD),
            figures.pairs_won(of, (name,), figures.AT_STRONG),
        )
        for judge, of in judged.items()
    }


def missed(report: Report) -> list[str]:
    """The names of the bars that were missed."""
    return [row.name for row in report.rows if not row.met] + [k for k, met in report.checks.items() if not met]


def as_text(report: Report) -> str:
    """The tables in Markdown, the same on a terminal and in the card."""
    lines = [_line("measure", "bar", "", *(["built-in", *report.rows[0].baselines])), _line(*["---"] * 8)]
    for row in report.rows:
        digits = 3 if row.bar < 1 else 1
        values = [f"{value:.{digits}f}" for value in (row.value, *row.baselines.values())]
        lines.append(_line(row.name, f"{row.bar:g}", "met" if row.met else "MISSED", *values))
    lines += ["", f"Everyday photos ({report.photos} decoded):"]
    lines += [f"- {name}: {value:.2f}" for name, value in report.everyday.items()]
    lines.append(
        f"- images per second, fp32, batch 64, {torch.get_num_threads()} threads: {report.speed.builtin:.0f}, "
        f"ViT-B/16 {report.speed.vit_b_16:.1f}, {report.speed.ratio:.0f} times"
    )
    lines += [f"- {name}: {'met' if met else 'MISSED'}" for name, met in report.checks.items()]
    judges = next(iter(report.by_distortion.values()))
    lines += ["", "Pairs won by distortion, %, mild / strong:", "", _line("distortion", *judges)]
    lines.append(_line(*["---"] * (1 + len(judges))))
    for name, values_of in report.by_distortion.items():
        lines.append(_line(name, *(f"{mild:.1f} / {strong:.1f}" for mild, strong in values_of.values())))
    lines += ["", "Faults named, % (strong renders with the fault / unspoiled photos):", ""]
    lines += [f"- {fault}: {hit:.0f} / {false:.0f}" for fault, (hit, false) in report.faults.items()]
    names = missed(report)
    lines += ["", f"MISSED: {'; '.join(names)}" if names else "Every bar is met."]
    return "\n".join(lines)


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
