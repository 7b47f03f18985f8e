"""Embedded prompts, computed once per weights and kept: 4 KB spare the text tower at each start."""

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from photod.score.scorer import Floats, TextVectors
from photod.score.weights import write_atomically

Pairs = tuple[tuple[str, str], ...]


class TextCache:
    """The place of one set of prompts, for one set of weights, in the cache directory."""

    def __init__(self, pairs: Pairs, weights_sha256: str, architecture: str, cache: Path) -> None:
        key = hashlib.sha256(json.dumps([weights_sha256, architecture, pairs]).encode()).hexdigest()
        self._path = cache / f"text-{key[:32]}.npy"
        self._pairs = pairs

    def get(self) -> TextVectors | None:
        """What an earlier start computed, unless it is missing or not what was written."""
        try:
            rows: Floats = np.load(self._path, allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        whole = len(rows) == 2 * len(self._pairs)
        return _paired(rows) if whole and np.allclose(np.linalg.norm(rows, axis=-1), 1, atol=1e-4) else None

    def fill(self, encode: Callable[[list[str]], Floats]) -> TextVectors:
        """Compute the vectors and keep them. `encode` makes unit rows of prompts."""
        rows = encode([prompt for pair in self._pairs for prompt in pair])
        buffer = io.BytesIO()
        np.save(buffer, rows)
        write_atomically(self._path, buffer.getvalue())
        return _paired(rows)


def _paired(rows: Floats) -> TextVectors:
    return TextVectors(good=rows[0::2], bad=rows[1::2])
