"""The arithmetic of an image tower: in which precision, on which device, its vectors are computed."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from photod.score.linear import has_int8
from photod.score.sources import Triple

# RGB bytes [n, s, s, 3] on a device -> unit vectors, float32 [n, d], there. May be called by several threads.
Engine = Callable[[Tensor], Tensor]

FP32 = "fp32"
_DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16, "int8": torch.int8}


class Tower(Protocol):
    """An image tower: its weights in fp32 on the CPU, and what it is fed."""

    coarser: ClassVar[frozenset[str]]
    """The classes of arithmetic, besides fp32, that it may be computed in."""

    @property
    def size(self) -> int:
        """Side of the square input, pixels."""

    def engine(self, device: torch.device, dtype: torch.dtype) -> Engine:
        """An engine whose matrices are of `dtype`; the tower stays as it is. Blocks while weights are moved."""


def arithmetics(tower: Tower, device: torch.device) -> tuple[str, ...]:
    """The classes of arithmetic, besides fp32, that a device may compute a tower faster in."""
    if device.type == "cuda":
        fast = {"tf32": torch.cuda.get_device_capability(device) >= (8, 0), "fp16": True}
    else:
        fast = {"bf16": torch.cpu.get_capabilities().get("avx512_bf16", False), "int8": has_int8(device)}
    return tuple(name for name, built in fast.items() if built and name in tower.coarser)


def build_engine(tower: Tower, arithmetic: str, device: torch.device) -> Engine:
    """The tower's engine in one class of arithmetic."""
    engine = tower.engine(device, _DTYPES.get(arithmetic, torch.float32))
    if device.type == "cpu":
        return engine

    def run(pixels: Tensor) -> Tensor:
        # TensorFloat-32 is a switch of the whole process, and on by default for convolutions.
        torch.backends.cuda.matmul.allow_tf32 = arithmetic == "tf32"
        torch.backends.cudnn.allow_tf32 = arithmetic == "tf32"
        # Sums in fp16 as well are another default; how many there are depends on the size of the batch.
        torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = False
        # On the newest devices cuDNN would come first for attention, which plans anew for each size of a pass.
        torch.backends.cuda.enable_cudnn_sdp(False)
        return engine(pixels)

    return run


@dataclass(frozen=True, slots=True)
class ModuleTower:
    """Any module that makes vectors of normalised pixels, float [n, 3, s, s], as it was written."""

    module: nn.Module
    size: int
    mean: Triple
    std: Triple
    coarser: ClassVar[frozenset[str]] = frozenset({"tf32", "fp16", "bf16"})

    def engine(self, device: torch.device, dtype: torch.dtype) -> Engine:
        """The module behind the normalisation."""
        module = placed(self.module, device, dtype)
        mean = 255 * torch.tensor(self.mean, device=device)
        std = 255 * torch.tensor(self.std, device=device)

        def run(pixels: Tensor) -> Tensor:
            images = ((pixels.float() - mean) / std).permute(0, 3, 1, 2)
            return functional.normalize(module(images.to(dtype)).float(), dim=-1)

        return run


@dataclass(frozen=True, slots=True)
class ByteTower:
    """A module that is an engine already: it makes unit vectors of the bytes themselves, in fp32.

    It judges single pixels: bf16 would move scores of ordinary photos by up to a point, fp16 by 0.08, to spare a
    twentieth of the time that a photo takes.
    """

    module: nn.Module
    size: int
    coarser: ClassVar[frozenset[str]] = frozenset()

    def engine(self, device: torch.device, dtype: torch.dtype) -> Engine:
        """The module itself."""
        return placed(self.module, device, dtype)


def placed(module: nn.Module, device: torch.device, dtype: torch.dtype) -> nn.Module:
    """The module on a device, channels last; a copy unless it is wanted just as it is."""
    as_it_is = device.type == "cpu" and dtype == torch.float32
    there = module if as_it_is else copy.deepcopy(module).to(device, dtype)
    return there.to(memory_format=torch.channels_last)
