"""CLIP's vision transformer, laid out for inference: fewer passes over memory, the same arithmetic.

It differs from the textbook form in four places, by rounding alone:

- Patches are cut from the bytes themselves; mean and deviation are folded into the patch embedding.
- QuickGELU, x * sigmoid(1.702 x), is silu(1.702 x) / 1.702: the factors are folded into the matrices before
  and after it, and silu is one pass over memory.
- The last block computes the class token alone, since nothing else of it is read.
- Embedding, residual stream, normalisations and projection stay in fp32, whatever the matrices use.

Source: Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", 2021, and the
key layout of the weights published with it.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from photod.score.linear import Affine, linear
from photod.score.sources import Triple
from photod.score.tower import Engine

_QUICK_GELU = 1.702
_EPSILON = 1e-5  # of the normalisations; torch's default, which OpenAI used
_HEAD_WIDTH = 64  # open_clip's default


class Block(NamedTuple):
    """One transformer block's tensors, fp32 on the CPU."""

    norm_1: Affine
    qkv: Affine
    out: Affine
    norm_2: Affine
    widen: Affine
    narrow: Affine


class TransformerTower:
    """The tower of a plain configuration; owns its tensors, none of which is the file's memory."""

    coarser: ClassVar[frozenset[str]] = frozenset({"tf32", "fp16", "bf16", "int8"})

    def __init__(self, state: Mapping[str, Tensor], config: Mapping[str, Any], mean: Triple, std: Triple) -> None:
        """`state` holds the visual tower's tensors, checked, named without the prefix `visual.`."""
        vision = config["vision_cfg"]
        self.size: int = vision["image_size"]
        self.patch: int = vision["patch_size"]
        self.heads: int = vision["width"] // vision.get("head_width", _HEAD_WIDTH)
        self.quick_gelu = bool(config.get("quick_gelu"))
        own = {name: tensor.to(torch.float32, copy=True) for name, tensor in state.items()}
        self.embedding = _patch_embedding(own.pop("conv1.weight"), mean, std)
        self.norm_pre, self.norm_post = _affine(own, "ln_pre"), _affine(own, "ln_post")
        self.blocks = [self._block(own, f"transformer.resblocks.{i}") for i in range(vision["layers"])]
        self.class_token, self.positions = own["class_embedding"], own["positional_embedding"]
        self.projection = own["proj"]

    def engine(self, device: torch.device, dtype: torch.dtype) -> Engine:
        """The forward pass on a device, with the blocks' matrices in `dtype`."""
        return _Forward(self, device, dtype)

    def _block(self, own: Mapping[str, Tensor], name: str) -> Block:
        widen, narrow = _affine(own, f"{name}.mlp.c_fc"), _affine(own, f"{name}.mlp.c_proj")
        if self.quick_gelu:
            widen.weight.mul_(_QUICK_GELU)
            widen.bias.mul_(_QUICK_GELU)
            narrow.weight.div_(_QUICK_GELU)
        qkv = Affine(own[f"{name}.attn.in_proj_weight"], own[f"{name}.attn.in_proj_bias"])
        out = _affine(own, f"{name}.attn.out_proj")
        return Block(_affine(own, f"{name}.ln_1"), qkv, out, _affine(own, f"{name}.ln_2"), widen, narrow)


class _Forward:
    """The forward pass; without state of its own, so any number of threads may call it."""

    def __init__(self, tower: TransformerTower, device: torch.device, dtype: torch.dtype) -> None:
        self._patch, self._heads = tower.patch, tower.heads
        self._dtype = torch.float32 if dtype == torch.int8 else dtype  # of what the matrices are applied to
        self._activate = functional.silu if tower.quick_gelu else functional.gelu
        self._embedding = tower.embedding.to(device)
        self._norm_pre, self._norm_post = tower.norm_pre.to(device), tower.norm_post.to(device)
        self._class_token, self._positions = tower.class_token.to(device), tower.positions.to(device)
        self._projection = tower.projection.to(device)
        self._blocks = [_Steps(block, device, dtype) for block in tower.blocks[:-1]]
        self._last = _LastSteps(tower.blocks[-1], device, dtype)

    def __call__(self, pixels: Tensor) -> Tensor:
        x = self._embed(pixels)
        for steps in self._blocks:
            q, k, v = self._split(steps.qkv(self._normalise(x, steps.norm_1)), 3)
            self._add(x, q, k, v, steps)
        k, v = self._split(self._last.key_value(normal := self._normalise(x, self._last.norm_1)), 2)
        (q,) = self._split(self._last.query(normal[:, :1]), 1)
        x = x[:, :1].contiguous()
        self._add(x, q, k, v, self._last)
        x = functional.layer_norm(x[:, 0], x.shape[2:], *self._norm_post, _EPSILON)
        return functional.normalize(x @ self._projection, dim=-1)

    def _embed(self, pixels: Tensor) -> Tensor:
        """Bytes [n, s, s, 3] -> tokens, float32 [n, 1 + patches, width]."""
        count, side = len(pixels), pixels.shape[1] // self._patch
        patches = pixels.view(count, side, self._patch, side, self._patch, 3).transpose(2, 3)
        tokens = functional.linear(patches.reshape(count, side * side, -1).float(), *self._embedding)
        tokens = torch.cat([self._class_token.expand(count, 1, -1), tokens], dim=1) + self._positions
        return functional.layer_norm(tokens, tokens.shape[2:], *self._norm_pre, _EPSILON)

    def _add(self, x: Tensor, q: Tensor, k: Tensor, v: Tensor, steps: "_Steps | _LastSteps") -> None:
        """Add a block's attention and its feed-forward part to the residual stream, in place."""
        attended = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        x += steps.out(attended)
        x += steps.narrow(self._activate(steps.widen(self._normalise(x, steps.norm_2))))

    def _normalise(self, x: Tensor, norm: Affine) -> Tensor:
        return functional.layer_norm(x, x.shape[2:], *norm, _EPSILON).to(self._dtype)

    def _split(self, x: Tensor, parts: int) -> tuple[Tensor, ...]:
        """[n, t, parts * width] -> `parts` tensors [n, heads, t, width / heads]."""
        count, tokens, width = x.shape
        split = x.view(count, tokens, parts, self._heads, width // parts // self._heads)
        return split.permute(2, 0, 3, 1, 4).unbind()


class _Steps:
    """A block's functions on a device."""

    def __init__(self, block: Block, device: torch.device, dtype: torch.dtype) -> None:
        self.norm_1, self.norm_2 = block.norm_1.to(device), block.norm_2.to(device)
        self.qkv, self.out = linear(block.qkv, device, dtype), linear(block.out, device, dtype)
        self.widen, self.narrow = linear(block.widen, device, dtype), linear(block.narrow, device, dtype)


class _LastSteps(_Steps):
    """The last block's: its query is that of the class token alone."""

    def __init__(self, block: Block, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__(block, device, dtype)
        width = block.qkv.weight.shape[1]
        self.query = linear(Affine(*(part[:width] for part in block.qkv)), device, dtype)
        self.key_value = linear(Affine(*(part[width:] for part in block.qkv)), device, dtype)


def _patch_embedding(kernel: Tensor, mean: Triple, std: Triple) -> Affine:
    """A convolution of normalised pixels [width, 3, p, p] as a matrix for bytes [width, p * p * 3]."""
    scale, shift = 255 * torch.tensor(std, dtype=torch.float64), 255 * torch.tensor(mean, dtype=torch.float64)
    weight = kernel.permute(0, 2, 3, 1).double() / scale
    bias = -(weight * shift).sum(dim=(1, 2, 3))
    return Affine(weight.flatten(1).float(), bias.float())


def _affine(own: Mapping[str, Tensor], name: str) -> Affine:
    return Affine(own[f"{name}.weight"], own[f"{name}.bias"])
