"""The arithmetic of the image tower: how pixels on a device become unit vectors, in which precision."""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

Engine = Callable[[Tensor], Tensor]  # normalised float32 [n, 3, s, s] -> unit float32 [n, d]

FP32 = "fp32"
_DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16}


@dataclass(frozen=True, slots=True)
class Tower:
    """An image tower in fp32 on the CPU, and what it is fed."""

    module: nn.Module
    size: int  # side of the square input, pixels
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


def arithmetics(device: torch.device) -> tuple[str, ...]:
    """The classes of arithmetic that a device is built for, the fastest first; fp32 is always the last."""
    if device.type == "cuda":
        ampere = torch.cuda.get_device_capability(device) >= (8, 0)
        return ("fp16", "tf32", FP32) if ampere else ("fp16", FP32)
    return ("bf16", FP32) if torch.cpu.get_capabilities().get("avx512_bf16") else (FP32,)


def build_engine(tower: Tower, arithmetic: str, device: torch.device) -> Engine:
    """An engine on `device`; the tower itself is left as it is. Blocks while the weights are moved."""
    dtype = _DTYPES.get(arithmetic, torch.float32)
    module = copy.deepcopy(tower.module).to(device=device, dtype=dtype)
    module = module.to(memory_format=torch.channels_last)

    def run(pixels: Tensor) -> Tensor:
        # TensorFloat-32 is a switch of the whole process, and on by default for convolutions.
        torch.backends.cuda.matmul.allow_tf32 = arithmetic == "tf32"
        torch.backends.cudnn.allow_tf32 = arithmetic == "tf32"
        vectors: Tensor = module(pixels.to(dtype))
        return nn.functional.normalize(vectors.float(), dim=-1)

    return run
