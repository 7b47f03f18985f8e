"""The image tower of the built-in model: pixels in, a unit embedding out, in the same geometry as CLIP."""

from functools import lru_cache
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

ARCHITECTURE: Final = "quality-tower-2"
INPUT_SIZE: Final = 224
MEAN: Final = (0.5, 0.5, 0.5)
STD: Final = (0.25, 0.25, 0.25)
EMBEDDING_SIZE: Final = 128

WIDTHS: Final = (16, 48, 112, 224, 384)
DEPTHS: Final = (0, 1, 2, 2, 2)
HIDDEN_SIZE: Final = 256

CELLS: Final = 7
"""The maps of every stage are averaged over 7 x 7 cells before their moments are taken."""
DETAIL_GAIN: Final = 4.0
COLOUR_CELL: Final = 8
LUMA: Final = (0.299, 0.587, 0.114)

CONSTANT: Final = 0.5
"""Last coordinate of every embedding: it lets a text vector hold an offset, which a direction alone cannot."""


class Bottleneck(nn.Module):
    """Residual 1x1, 3x3, 1x1 convolutions at half the width; the last starts at zero, so no norm is needed."""

    def __init__(self, width: int) -> None:
        super().__init__()
        middle = width // 2
        self.narrow = nn.Conv2d(width, middle, 1)
        self.spatial = nn.Conv2d(middle, middle, 3, padding=1)
        self.widen = nn.Conv2d(middle, width, 1)
        nn.init.zeros_(self.widen.weight)

    def forward(self, maps: Tensor) -> Tensor:
        """Maps of the given width -> maps of the same shape."""
        inner = functional.relu(self.spatial(functional.relu(self.narrow(maps), inplace=True)), inplace=True)
        return functional.relu(maps + self.widen(inner), inplace=True)


class Stage(nn.Module):
    """One stride-2 convolution and its bottlenecks."""

    def __init__(self, width_in: int, width: int, depth: int, kernel: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(width_in, width, kernel, stride=2, padding=kernel // 2)
        self.blocks = nn.ModuleList(Bottleneck(width) for _ in range(depth))

    def forward(self, maps: Tensor) -> Tensor:
        """[n, width_in, h, w] -> [n, width, h / 2, w / 2]."""
        maps = functional.relu(self.reduce(maps), inplace=True)
        for block in self.blocks:
            maps = block(maps)
        return maps


def look(pixels: Tensor) -> Tensor:
    """What the first stage sees: coarse colour in full brightness, and fine detail: [n, 3, h, w] -> [n, 4, h, w].

    The brightness of every pixel is kept, but only the mean colour of cells of 8 x 8: how fine colour detail is
    tells the file format of a photo (4:2:0 or not), not its quality, and the training photos had one format.
    The fourth channel is what the brightness of each pixel differs from its surroundings by, enlarged: the faults
    looked for are mostly fine and faint, and beside the large differences of a scene they would be learned late or
    never.
    """
    weights = luma_weights(pixels.device, pixels.dtype)
    luma = functional.conv2d(pixels, weights)
    coarse = functional.avg_pool2d(pixels, COLOUR_CELL).contiguous()
    chroma = coarse - functional.conv2d(coarse, weights)
    rows, columns = (stretch(pixels, side) for side in coarse.shape[-2:])
    coloured = rows.T @ chroma @ columns + luma
    box = pixels.new_full((1, 1, 3, 3), 1 / 9)
    around = functional.conv2d(functional.pad(luma, (1, 1, 1, 1), mode="replicate"), box)
    seen = torch.cat((coloured, DETAIL_GAIN * (luma - around)), 1)
    return seen.contiguous(memory_format=torch.channels_last)


@lru_cache
@torch.inference_mode(False)  # training may be what uses them next
def luma_weights(device: torch.device, dtype: torch.dtype) -> Tensor:
    """LUMA as a kernel [1, 3, 1, 1]; made once, since a GPU would be waited for at each copy of it."""
    return torch.tensor(LUMA, device=device, dtype=dtype).view(1, 3, 1, 1)


def stretch(pixels: Tensor, cells: int) -> Tensor:
    """The matrix [cells, cells * 8] that interpolates linearly between the middles of cells, cheaply."""
    corners = torch.eye(cells, device=pixels.device)[None]
    return functional.interpolate(corners, scale_factor=float(COLOUR_CELL), mode="linear")[0].to(pixels.dtype)


def pool(maps: Tensor) -> Tensor:
    """Mean, standard deviation and active mean of each channel: [n, c, h, w] -> float32 [n, 3c].

    The active mean E[x^2] / E[x] weighs a place by its own response, so that a sharp subject is not diluted by
    the empty background around it. Cells are averaged first, in the precision of the maps; the moments are put
    together in fp32, because their difference would vanish in bf16.
    """
    cell = maps.shape[-1] // CELLS
    mean = functional.avg_pool2d(maps, cell).float().mean((2, 3))
    square = functional.avg_pool2d(maps * maps, cell).float().mean((2, 3))
    deviation = (square - mean.square()).clamp_min(0).add(1e-5).sqrt()
    return torch.cat((mean, deviation, square / (mean + 1e-3)), 1)


class QualityTower(nn.Module):
    """Convolutional tower: normalised RGB pixels [n, 3, 224, 224] in fp32 or bf16 -> unit vectors fp32 [n, 128]."""

    def __init__(self) -> None:
        super().__init__()
        inputs = (4, *WIDTHS[:-1])
        self.stages = nn.ModuleList(
            Stage(width_in, width, depth, 5 if index == 0 else 3)
            for index, (width_in, width, depth) in enumerate(zip(inputs, WIDTHS, DEPTHS, strict=True))
        )
        pooled = 3 * sum(WIDTHS)
        self.norm = nn.LayerNorm(pooled)
        self.hidden = nn.Linear(pooled, HIDDEN_SIZE)
        self.project = nn.Linear(HIDDEN_SIZE, EMBEDDING_SIZE - 1)

    def forward(self, pixels: Tensor) -> Tensor:
        """Pixels are RGB in 0..1, less MEAN, over STD; channels-last is fastest."""
        maps, pooled = look(pixels), []
        for stage in self.stages:
            maps = stage(maps)
            pooled.append(pool(maps))
        with torch.autocast(pixels.device.type, enabled=False):
            return self.embed(torch.cat(pooled, 1))

    def embed(self, pooled: Tensor) -> Tensor:
        """Pooled moments -> embeddings; always in fp32, it is a thousandth of the work."""
        weight, bias = self.norm.weight.float(), self.norm.bias.float()
        standard = functional.layer_norm(pooled, pooled.shape[1:], weight, bias)
        hidden = functional.relu(linear_fp32(self.hidden, standard))
        return unit_embedding(linear_fp32(self.project, hidden))


def linear_fp32(layer: nn.Linear, features: Tensor) -> Tensor:
    """Apply a layer in fp32, whatever the precision of its weights."""
    return functional.linear(features, layer.weight.float(), layer.bias.float())


def unit_embedding(direction: Tensor) -> Tensor:
    """Normalise [n, 127] in fp32 and append the constant coordinate, so that the whole has length 1."""
    unit = functional.normalize(direction.float(), dim=1) * (1 - CONSTANT**2) ** 0.5
    return torch.cat((unit, unit.new_full((len(unit), 1), CONSTANT)), 1)
