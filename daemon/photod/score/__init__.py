"""From weights to scores: the only stage that imports torch, and not in the daemon's own process."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from photod import config
from photod.score.memory import give_memory_back
from photod.score.scorer import RestingScorer, Scorer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# Tensors on large pages: a forward pass spends 4 % less time on a CPU. torch asks once, at its first tensor.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
# What compiled code would be kept in. open_clip has torch make it as it is imported, else in /tmp. photod compiles
# nothing: this directory is there, and nothing can be written to it.
os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", "/proc/self")

__all__ = ["describe", "download", "give_memory_back", "load_scorers", "start_scorers"]


def load_scorers(model: config.Model, cache: Path, preprocessing: int = 1) -> tuple[Scorer, ...]:
    """One scorer per configured device, warmed up and tested, in this process; blocks for seconds.

    Below `cache` lies what can be computed again: hashes, text vectors, measured precision.
    `preprocessing` is the version of the code that makes the pixels; it becomes part of the identity. Raises
    ConfigError for whatever is wrong with configuration, weights or devices.
    """
    from photod.score.assembly import assemble

    return assemble(model, cache / "scorer", preprocessing)


def start_scorers(model: config.Model, cache: Path, preprocessing: int) -> tuple[RestingScorer, ...]:
    """`load_scorers` in another process, which ends when the model rests; blocks as long, and raises the same."""
    from photod.score.process import start

    return start(model, cache, preprocessing)


def download(model: config.Model, cache: Path, say: "Callable[[str], None]") -> None:
    """Fetch the configured weights if they are not on this machine, and check them; `say` gets lines.

    The only function of photod that uses a network. Blocks for minutes. Raises ConfigError.
    """
    from photod.score.downloads import download as fetch

    fetch(model, cache / "scorer", say)


def describe(scorers: "Sequence[Scorer]") -> list[tuple[str, str]]:
    """What `photod check` says about loaded scorers, as (label, value) lines."""
    from photod.score.assembly import describe as describe_scorers

    return describe_scorers(scorers)
