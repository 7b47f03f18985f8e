"""How a matrix is applied to activations, in each class of arithmetic."""

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor
from torch.nn import functional

Linear = Callable[[Tensor], Tensor]

_LARGEST = 127  # of int8, on both sides
_LEAST = 1e-12  # of a range: a row of zeros has none
_ROWS = 64  # whose results are scaled together, while they are in the core's own cache


class Affine(NamedTuple):
    """A matrix [out, in] and a bias [out]; or the gains and biases of a normalisation."""

    weight: Tensor
    bias: Tensor

    def to(self, device: torch.device, dtype: torch.dtype = torch.float32) -> "Affine":
        """The same there, in that type."""
        return Affine(self.weight.to(device, dtype), self.bias.to(device, dtype))


def linear(affine: Affine, device: torch.device, dtype: torch.dtype) -> Linear:
    """The function x -> x @ weight.T + bias on a device, computed in `dtype`.

    x and the result are of `dtype`, but fp32 where that is int8.
    """
    if dtype == torch.int8:
        return _linear_int8(affine)
    weight, bias = affine.to(device, dtype)
    if device.type == "cpu" and dtype == torch.bfloat16 and hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        # oneDNN in the layout that its matrix units want, as torch.compile would call it: 1.3 times as fast.
        packed = torch.ops.mkldnn._reorder_linear_weight(weight)
        return lambda x: torch.ops.mkldnn._linear_pointwise(x, packed, bias, "none", [], "")
    return lambda x: functional.linear(x, weight, bias)


def has_int8(device: torch.device) -> bool:
    """Whether the device multiplies bytes faster than floats: CPUs with VNNI."""
    cpu = torch.cpu.get_capabilities()
    built = cpu.get("avx512_vnni") or cpu.get("avx_vnni")
    return device.type == "cpu" and hasattr(torch, "_int_mm") and bool(built)


def _linear_int8(affine: Affine) -> Linear:
    """Products of bytes, exact sums, results in fp32.

    Each output has a scale of its own in the matrix, and each token its own in the activations, so that a vector
    does not depend on which photos share its batch.
    """
    scales = _scales(affine.weight)[:, 0]
    matrix = (affine.weight / scales[:, None]).round_().to(torch.int8).t().contiguous()
    multiply = cast("Any", torch)._int_mm

    def run(x: Tensor) -> Tensor:
        tokens = x.flatten(0, -2)
        ranges = _scales(tokens)
        sums = multiply(tokens.div(ranges).round_().to(torch.int8), matrix)
        out = tokens.new_empty(sums.shape)
        for start in range(0, len(sums), _ROWS):
            rows = slice(start, start + _ROWS)
            part = out[rows].copy_(sums[rows]).mul_(ranges[rows])
            torch.addcmul(affine.bias, part, scales, out=part)
        return out.view(*x.shape[:-1], -1)

    return run


def _scales(rows: Tensor) -> Tensor:
    """What one step of int8 is worth in each row, [rows, 1]."""
    return rows.abs().amax(1, keepdim=True).clamp_min_(_LEAST).div_(_LARGEST)
