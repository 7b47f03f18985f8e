"""A ViT-B/16 that stands for AesCLIP's weights, which nobody may pass on, where movements of scores are measured.

It is as open_clip initialises it, and its logits are scaled until arithmetic moves its scores as far as it moves
those of real weights (BF16_MEAN and FP16_MEAN, whichever asks for more). Movements are given where the formula is
steepest, so no score can move further.
"""

import copy
from typing import Any

import numpy as np
import open_clip
import torch
from numpy.typing import NDArray

from photod.score.sources import OPENAI_MEAN, OPENAI_STD
from photod.score.vit import TransformerTower

ARCHITECTURE = "ViT-B-16-quickgelu"
# Points by which all-bf16 arithmetic, and weights stored in fp16, move the scores of real weights.
BF16_MEAN, FP16_MEAN = 0.05, 0.002
STEEPEST = 250.0  # points for a whole cosine: 10 * sigmoid'(0) * the logit scale of 100
PASS = 8  # photos

Pixels = NDArray[np.uint8]  # [n, s, s, 3]
Vectors = NDArray[np.float32]  # unit length, [n, d]
Points = NDArray[np.floating]


class StandIn:
    """The model, calibrated on some photos."""

    def __init__(self, shown: Pixels) -> None:
        torch.manual_seed(0)
        model: Any = open_clip.create_model(ARCHITECTURE).eval()
        tokens = open_clip.get_tokenizer(ARCHITECTURE)(["good image", "bad image"])
        good, bad = torch.nn.functional.normalize(model.encode_text(tokens), dim=-1).numpy()
        self.visual: torch.nn.Module = model.visual
        self._direction = STEEPEST * (good - bad)
        exact = self.embed(shown)
        halved = {name: tensor.half() for name, tensor in self.visual.state_dict().items()}
        moves = {
            "bf16": (self.moved(exact, embed_in_bf16(self.visual, shown)), BF16_MEAN),
            "weights in fp16": (self.moved(exact, embed_by(halved, shown)), FP16_MEAN),
        }
        scale = max(real / moved.mean() for moved, real in moves.values())
        self._direction *= scale
        print(f"\ncalibrated on {len(shown)} photos: the logits of the ViT-B/16 are scaled by {scale:.2f}; then")
        for name, (moved, real) in moves.items():
            print(f"  {name:<16} mean {scale * moved.mean():.4f} (real {real}), worst {scale * moved.max():.4f}")

    def embed(self, shown: Pixels) -> Vectors:
        """Unit vectors by photod's tower in fp32."""
        return embed_by(self.visual.state_dict(), shown)

    def moved(self, before: Vectors, after: Vectors) -> Points:
        """By how many points each score moves."""
        points: Points = np.abs((after - before) @ self._direction)
        return points


def embed_by(state: dict[str, torch.Tensor], shown: Pixels) -> Vectors:
    """Unit vectors by photod's tower in fp32, with these weights."""
    tower = TransformerTower(state, open_clip.get_model_config(ARCHITECTURE), OPENAI_MEAN, OPENAI_STD)
    engine = tower.engine(torch.device("cpu"), torch.float32)
    parts = [engine(torch.from_numpy(shown[start : start + PASS])) for start in range(0, len(shown), PASS)]
    return torch.cat(parts).numpy()


def embed_in_bf16(visual: torch.nn.Module, shown: Pixels) -> Vectors:
    """Unit vectors by open_clip's tower, all of it in bf16, as the movement of real scores was measured."""
    coarse = copy.deepcopy(visual).bfloat16()
    images = normalised(shown).bfloat16()
    parts = [coarse(images[start : start + PASS]).float() for start in range(0, len(images), PASS)]
    return torch.nn.functional.normalize(torch.cat(parts), dim=-1).numpy()


def normalised(shown: Pixels) -> torch.Tensor:
    """What open_clip's towers take: float32 [n, 3, s, s]."""
    images = (torch.from_numpy(shown) / 255 - torch.tensor(OPENAI_MEAN)) / torch.tensor(OPENAI_STD)
    return images.permute(0, 3, 1, 2).contiguous()
