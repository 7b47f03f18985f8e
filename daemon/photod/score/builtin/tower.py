"""The image tower of the built-in model: bytes in, a unit embedding out, in the same geometry as CLIP.

It is small, so what surrounds the arithmetic counts as much as the arithmetic: maps lie with their channels last,
convolutions of one pixel are matrix products on them, and what is linear in the pixels is put into the kernels.
"""

from functools import lru_cache
from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

ARCHITECTURE: Final = "quality-tower-3"
INPUT_SIZE: Final = 224
EMBEDDING_SIZE: Final = 128

WIDTHS: Final = (16, 48, 112)
MIDDLES: Final = (8, 24, 56)
DEPTHS: Final = (0, 1, 2)
"""Of each stage: its channels, those inside its bottlenecks, and how many of these it has."""
COLOURS, COLOURED = 16, 2
"""The channels for colour, and the stage that has as many places as they."""
HIDDEN_SIZE: Final = 256
DROPPED: Final = 0.1
"""The share of moments and of hidden features that are left out at random in training: none is to be relied on."""

MIDDLE, SPREAD = 127.5, 63.75
"""Bytes become (byte - MIDDLE) / SPREAD."""
LUMA: Final = (0.299, 0.587, 0.114)
PATCH: Final = 7
DETAIL_GAIN: Final = 4.0
COLOUR_CELL: Final = 8
COLOUR_GAIN: Final = 4.0
CELLS: Final = 7
"""Places are told apart in 7 x 7 cells at every stage."""

CONSTANT: Final = 0.5
"""Last coordinate of every embedding: it lets a text vector hold an offset, which a direction alone cannot."""


class Stem(nn.Module):
    """The brightness of every pixel -> the responses of kernels of 7 x 7, every other pixel.

    Each kernel is the sum of two. What the second sees is what the brightness of each pixel differs from that of
    its surroundings by, enlarged: the faults looked for are mostly fine and faint, and beside the large differences
    of a scene they would be learned late or never.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.plain = nn.Parameter(torch.randn(width, 1, PATCH, PATCH) * 0.1)
        self.detail = nn.Parameter(torch.randn(width, 1, PATCH - 2, PATCH - 2) * 0.1)
        self.bias = nn.Parameter(torch.zeros(width))

    def kernels(self) -> Tensor:
        """Both in one, as convolution is linear: [width, 1, 7, 7]."""
        box = self.detail.new_full((1, 1, 3, 3), 1 / 9)
        around = functional.conv2d(self.detail, box, padding=2)
        return self.plain + DETAIL_GAIN * (functional.pad(self.detail, (1, 1, 1, 1)) - around)

    def forward(self, luma: Tensor) -> Tensor:
        """[n, 1, 224, 224] -> [n, width, 109, 109]; nothing is made up beyond the edges."""
        return functional.relu(functional.conv2d(luma, self.kernels(), self.bias, stride=2))


class Bottleneck(nn.Module):
    """Residual 1x1, 3x3, 1x1 convolutions; the last starts at zero, so no norm is needed."""

    def __init__(self, width: int, middle: int) -> None:
        super().__init__()
        self.narrow = nn.Linear(width, middle)
        self.spatial = nn.Conv2d(middle, middle, 3, padding=1)
        self.widen = nn.Linear(middle, width, bias=False)
        nn.init.zeros_(self.widen.weight)

    def forward(self, maps: Tensor) -> Tensor:
        """[n, width, h, w] -> the same."""
        places = maps.permute(0, 2, 3, 1)
        inner = functional.relu(self.narrow(places)).permute(0, 3, 1, 2)
        inner = functional.relu(self.spatial(inner)).permute(0, 2, 3, 1)
        flat = torch.addmm(places.flatten(0, 2), inner.flatten(0, 2), self.widen.weight.t())
        return functional.relu(flat).view(places.shape).permute(0, 3, 1, 2)


def pool(maps: Tensor) -> Tensor:
    """Mean, standard deviation, active mean and peak of each channel: [n, c, h, w] -> [n, 4c].

    The active mean E[x^2] / E[x] weighs a place by its own response, so that a sharp subject is not diluted by
    the empty background around it; the peak is the mean of the one of 7 x 7 cells that answers most.
    """
    cell = -(-maps.shape[-1] // CELLS)
    places = maps.permute(0, 2, 3, 1).flatten(1, 2)
    mean, square = places.mean(1), (places * places).mean(1)
    deviation = (square - mean.square()).clamp_min(0).add(1e-5).sqrt()
    peak = functional.avg_pool2d(maps, cell, ceil_mode=True).amax((2, 3))
    return torch.cat((mean, deviation, square / (mean + 1e-3), peak), 1)


class QualityTower(nn.Module):
    """Convolutional tower: RGB bytes [n, 224, 224, 3] -> unit vectors, float32 [n, 128]."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Stem(WIDTHS[0])
        self.colours = nn.Linear(3, COLOURS)
        self.tint = nn.Linear(COLOURS, WIDTHS[COLOURED], bias=False)
        self.reduce = nn.ModuleList(
            nn.Conv2d(finer, coarser, 3, stride=2, padding=1) for finer, coarser in pairwise(WIDTHS)
        )
        self.blocks = nn.ModuleList(
            nn.Sequential(*(Bottleneck(width, middle) for _ in range(depth)))
            for width, middle, depth in zip(WIDTHS, MIDDLES, DEPTHS, strict=True)
        )
        pooled = 4 * (sum(WIDTHS) + COLOURS)
        self.norm = nn.LayerNorm(pooled)
        self.hidden = nn.Linear(pooled, HIDDEN_SIZE)
        self.project = nn.Linear(HIDDEN_SIZE, EMBEDDING_SIZE - 1)
        self._even_out()

    def _even_out(self) -> None:
        """Weights at the start that keep the size of what passes through, and no biases that would drown it."""
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(parameter)
            elif name.startswith("reduce") or name.endswith(("narrow.weight", "spatial.weight")):
                nn.init.kaiming_normal_(parameter, nonlinearity="relu")

    def forward(self, pixels: Tensor) -> Tensor:
        """All of it in fp32."""
        values = pixels.float()
        colours = self._colours(values)
        maps = self.stem(luma(values))
        pooled = [pool(colours)]
        for stage, blocks in enumerate(self.blocks):
            if stage:
                maps = self.reduce[stage - 1](maps)
                if stage == COLOURED:
                    maps = maps + self.tint(colours.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
                maps = functional.relu(maps)
            maps = blocks(maps)
            pooled.append(pool(maps))
        return self._embed(torch.cat(pooled, 1))

    def _colours(self, values: Tensor) -> Tensor:
        """How colourful each cell of 8 x 8 is, and in which way: [n, 224, 224, 3] -> [n, COLOURS, 28, 28].

        How fine colour detail is tells the file format of a photo (4:2:0 or not), not its quality, and the training
        photos had one format; so the colour of cells is all that is seen.
        """
        box = torch.eye(3, device=values.device)[:, :, None, None].expand(-1, -1, COLOUR_CELL, COLOUR_CELL)
        box = (box / (SPREAD * COLOUR_CELL**2)).contiguous(memory_format=torch.channels_last)
        coarse = functional.conv2d(values.permute(0, 3, 1, 2), box, stride=COLOUR_CELL).permute(0, 2, 3, 1)
        chroma = COLOUR_GAIN * (coarse - coarse @ luma_weights(values.device)[:, None])
        return functional.relu(self.colours(chroma)).permute(0, 3, 1, 2)

    def _embed(self, pooled: Tensor) -> Tensor:
        """Pooled moments -> embeddings."""
        standard = functional.dropout(self.norm(pooled), DROPPED, self.training)
        hidden = functional.relu(self.hidden(standard))
        hidden = functional.dropout(hidden, DROPPED, self.training)
        return unit_embedding(self.project(hidden))


def luma(values: Tensor) -> Tensor:
    """The brightness of every pixel, about -2 to 2: RGB in 0..255 [n, s, s, 3] -> [n, 1, s, s]."""
    brightness = torch.mv(values.reshape(-1, 3), luma_weights(values.device) / SPREAD).sub_(MIDDLE / SPREAD)
    return brightness.view(*values.shape[:3], 1).permute(0, 3, 1, 2)


@lru_cache
@torch.inference_mode(False)  # training may be what uses them next
def luma_weights(device: torch.device) -> Tensor:
    """LUMA [3]; made once, since a GPU would be waited for at each copy of it."""
    return torch.tensor(LUMA, device=device)


def unit_embedding(direction: Tensor) -> Tensor:
    """Normalise [n, 127] and append the constant coordinate, so that the whole has length 1."""
    unit = functional.normalize(direction, dim=1) * (1 - CONSTANT**2) ** 0.5
    return torch.cat((unit, unit.new_full((len(unit), 1), CONSTANT)), 1)
