"""Export: the tower as fp16 safetensors, the text differences as unit vectors, one for each prompt."""

from pathlib import Path
from typing import Final

import torch
from safetensors.torch import save_file
from torch import Tensor

from photod.score.builtin import ATTRIBUTES, BAD_PROMPT, GOOD_PROMPT
from photod.score.builtin.tower import ARCHITECTURE, QualityTower
from training.judge import LOGIT_SCALE

WEIGHTS: Final = "weights.safetensors"
TEXT: Final = "text.safetensors"
PROVENANCE: Final = "provenance"
"""The one entry of the metadata: architecture, seed and what else it takes to make the file again."""


def split_difference(difference: Tensor) -> tuple[Tensor, Tensor]:
    """Two unit vectors whose difference is given: what they share is at a right angle to it.

    `difference` is [128], shorter than 2 and not parallel to the constant coordinate.
    """
    difference = difference.double()
    axis = torch.zeros_like(difference)
    axis[-1] = 1
    shared = axis - (axis @ difference) / (difference @ difference) * difference
    shared = shared / shared.norm() * (1 - difference @ difference / 4).sqrt()
    first, second = shared + difference / 2, shared - difference / 2
    return (first / first.norm()).float(), (second / second.norm()).float()


def text_vectors(differences: Tensor) -> dict[str, Tensor]:
    """Prompt -> unit vector, from the rows of Judge.differences()."""
    vectors: dict[str, Tensor] = {}
    vectors[GOOD_PROMPT], vectors[BAD_PROMPT] = split_difference(differences[0] / LOGIT_SCALE)
    for (absent, present), row in zip(ATTRIBUTES.values(), differences[1:], strict=True):
        vectors[present], vectors[absent] = split_difference(row / LOGIT_SCALE)
    return vectors


def export(tower: QualityTower, differences: Tensor, folder: Path, provenance: dict[str, str]) -> None:
    """Write both files into FOLDER, the same bytes every time.

    The metadata are one entry, because safetensors writes several in any order; they hold no date.
    """
    facts = {"architecture": ARCHITECTURE, **provenance}
    metadata = {PROVENANCE: ", ".join(f"{name} {value}" for name, value in facts.items())}
    state = {name: tensor.half().contiguous() for name, tensor in tower.state_dict().items()}
    save_file(state, folder / WEIGHTS, metadata)
    save_file(text_vectors(differences), folder / TEXT, metadata)
