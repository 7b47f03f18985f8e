"""The figures that are held against the bars, from scores alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.distortions import ELEVEN, LEVELS, MILD, SEVENTEEN, STRONG
from training.renders import NAMES
from training.unseen import UNSEEN

Scores = NDArray[np.float64]
AT_MILD, AT_STRONG = LEVELS.index(MILD), LEVELS.index(STRONG)


@dataclass(frozen=True, slots=True)
class Judged:
    """What one judge says of the validation renders: [photos] and [photos, distortions, levels]."""

    pristine: Scores
    spoiled: Scores


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a figure of the model, its bar, and the same figure of every baseline."""

    name: str
    value: float
    bar: float
    baselines: Mapping[str, float]

    @property
    def met(self) -> bool:
        """At the bar or above, and above every baseline."""
        return self.value >= self.bar and all(self.value > other for other in self.baselines.values())


def columns(names: tuple[str, ...]) -> list[int]:
    """Where these distortions stand in the renders."""
    return [NAMES.index(name) for name in names]


def pairs_won(judged: Judged, names: tuple[str, ...], level: int) -> float:
    """Percentage of pairs in which the unspoiled photo scores above the spoiled one; a tie is half won."""
    margin = judged.pristine[:, None] - judged.spoiled[:, columns(names), level]
    return float(100 * np.mean((margin > 0) + 0.5 * (margin == 0)))


def ranks(values: Scores) -> Scores:
    """Ranks along the last axis, ties sharing their mean rank."""
    below = (values[..., None, :] < values[..., :, None]).sum(-1)
    equal = (values[..., None, :] == values[..., :, None]).sum(-1)
    return np.asarray(below + (equal - 1) / 2)


def rank_correlation(judged: Judged, names: tuple[str, ...]) -> float:
    """Mean Spearman correlation of falling score with rising severity, unspoiled included, per photo and way."""
    spoiled = judged.spoiled[:, columns(names)]
    first = np.broadcast_to(judged.pristine[:, None, None], (*spoiled.shape[:2], 1))
    found = ranks(-np.concatenate((first, spoiled), 2))
    found = found - found.mean(-1, keepdims=True)
    wanted = np.arange(found.shape[-1]) - (found.shape[-1] - 1) / 2
    length = np.sqrt(np.square(found).sum(-1) * np.square(wanted).sum())
    return float(np.mean((found @ wanted) / np.maximum(length, 1e-12)))


def across_photos(judged: Judged, names: tuple[str, ...], level: int) -> float:
    """Area under the curve: chance that any unspoiled photo scores above any spoiled one."""
    good, bad = judged.pristine, np.sort(judged.spoiled[:, columns(names), level].ravel())
    below, above = np.searchsorted(bad, good, "left"), np.searchsorted(bad, good, "right")
    return float(np.mean((below + above) / 2) / len(bad))


FIVE: Final = tuple(UNSEEN)


def rows(model: Judged, others: Mapping[str, Judged]) -> list[Row]:
    """The table of bars."""

    def row(name: str, bar: float, measure: object, *arguments: object) -> Row:
        assert callable(measure)
        values = {other: measure(judged, *arguments) for other, judged in others.items()}
        return Row(name, measure(model, *arguments), bar, values)

    return [
        row("eleven, mild: pairs won, %", 97.0, pairs_won, ELEVEN, AT_MILD),
        row("eleven, strong: pairs won, %", 98.5, pairs_won, ELEVEN, AT_STRONG),
        row("all seventeen, mild: pairs won, %", 91.0, pairs_won, SEVENTEEN, AT_MILD),
        row("all seventeen, strong: pairs won, %", 91.0, pairs_won, SEVENTEEN, AT_STRONG),
        row("five never trained on, mild: pairs won, %", 93.0, pairs_won, FIVE, AT_MILD),
        row("five never trained on, strong: pairs won, %", 93.0, pairs_won, FIVE, AT_STRONG),
        row("seventeen: rank correlation with severity", 0.83, rank_correlation, SEVENTEEN),
        row("eleven, strong: area under curve across photos", 0.96, across_photos, ELEVEN, AT_STRONG),
    ]
