"""How a batch crosses a device: in passes, on all cores of a CPU or down the queue of a GPU."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from photod.score.memory import keep_memory
from photod.score.scorer import Floats
from photod.score.tower import Engine

_CPU_PASS = 8  # photos; more bring nothing and cost memory
_GPU_PASS = 32  # photos; the next pass is copied while this one is computed
_PASSES_QUEUED = 8  # on a GPU; more would only hold memory
_CORES = torch.get_num_threads()  # read before any thread of ours sets its own

Crossing = Callable[[Engine, NDArray[np.uint8]], Floats]


def warm_up_size(device: torch.device, batch_size: int) -> int:
    """How many photos show that a full batch has room; on a CPU a batch is never in memory all at once."""
    return batch_size if device.type == "cuda" else min(batch_size, max(4, _CORES))


def pass_size(device: torch.device, count: int) -> int:
    """How many of `count` photos are computed at once, at most; the device's memory is taken by these."""
    return min(count, _GPU_PASS if device.type == "cuda" else _CPU_PASS)


def device_memory(device: str) -> int | None:
    """Bytes that torch has taken for tensors, in use or kept for the next ones; None where it is the machine's own.

    The driver's context comes on top. Any thread may ask, and nothing is computed. A device that failed answers
    nothing.
    """
    if not device.startswith("cuda"):
        return None
    try:
        return torch.cuda.memory_reserved(device)
    except RuntimeError:
        return None


def crossing(device: torch.device) -> Crossing:
    """The way to run batches on a device."""
    return _gpu_crossing(device) if device.type == "cuda" else _cpu_crossing()


def _cpu_crossing() -> Crossing:
    """Each core takes passes of its own: cores that share one wait for each other at every operation."""
    keep_memory()
    cores = ThreadPoolExecutor(_CORES, "score", initializer=torch.set_num_threads, initargs=(1,))

    def cross(engine: Engine, pixels: NDArray[np.uint8]) -> Floats:
        @torch.inference_mode()
        def run(start: int) -> Tensor:
            return engine(torch.from_numpy(pixels[start : start + step]))

        step = min(_CPU_PASS, -(-len(pixels) // _CORES))
        vectors: Floats = torch.cat(list(cores.map(run, range(0, len(pixels), step)))).numpy()
        return vectors

    return cross


@lru_cache
def _own_thread(device: torch.device) -> ThreadPoolExecutor:
    """The one thread that computes on a GPU.

    torch keeps the handles, workspaces and plans of cuBLAS and cuDNN for each thread. Were the warm-up another's,
    the first batch would make them all again, and might find no memory for them.
    """
    return ThreadPoolExecutor(1, f"score-{device}")


def _gpu_crossing(device: torch.device) -> Crossing:
    """Copies have a stream of their own, so that the next pass is uploaded while this one is computed.

    What was uploaded is held until it has been read, else the next upload is given its memory. `record_stream`
    is no way to do that: it asks the device when the memory is let go of, and where that has failed, torch aborts.
    """
    uploads = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def upload(part: NDArray[np.uint8]) -> Tensor:
        with torch.cuda.stream(uploads):
            there = torch.from_numpy(part).pin_memory().to(device, non_blocking=True)
        torch.cuda.current_stream(device).wait_stream(uploads)
        return there

    @torch.inference_mode()
    def compute(engine: Engine, pixels: NDArray[np.uint8]) -> Floats:
        passes: list[Tensor] = []
        held: list[Tensor] = []
        with torch.cuda.device(device):  # else streams would be put back on the first GPU, which takes its memory
            for start in range(0, len(pixels), _GPU_PASS):
                held.append(upload(pixels[start : start + _GPU_PASS]))
                passes.append(engine(held[-1]))
                if len(passes) % _PASSES_QUEUED == 0:
                    torch.cuda.current_stream(device).synchronize()
                    held.clear()
            vectors: Floats = torch.cat(passes).cpu().numpy()
        return vectors

    def cross(engine: Engine, pixels: NDArray[np.uint8]) -> Floats:
        return _own_thread(device).submit(compute, engine, pixels).result()

    return cross
