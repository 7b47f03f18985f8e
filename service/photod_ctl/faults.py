"""What pulled a photo's score down, as the built-in model sees it: the faults that it names in the embedding."""

import hashlib
from importlib.resources import files
from typing import Any

import numpy as np

from photod.photos import EMBEDDING_DTYPE
from photod.score.builtin import ATTRIBUTES

GOOD_ENOUGH = 5.0  # a photo above it is not asked for its faults
MOST = 2


def name_faults(model: dict[str, Any], score: float, embedding: bytes | None) -> list[str]:
    """At most two faults, the plainest first, such as ["blurry", "dark"]; none of another model's embeddings.

    `embedding` holds EMBEDDING_DTYPE. A fault is there where the photo is nearer to the prompt for its presence
    than to the one for its absence, which is a share of one half in the formula of the score.
    """
    if embedding is None or score >= GOOD_ENOUGH or model.get("weights_sha256") != _weights_sha256():
        return []
    from safetensors.numpy import load

    text = load((files("photod.score.builtin") / "text.safetensors").read_bytes())
    vector = np.frombuffer(embedding, EMBEDDING_DTYPE).astype(np.float32)
    margins = {
        fault: float(vector @ (text[present] - text[absent])) for fault, (absent, present) in ATTRIBUTES.items()
    }
    plainest = sorted((fault for fault, margin in margins.items() if margin > 0), key=lambda fault: -margins[fault])
    return plainest[:MOST]


def _weights_sha256() -> str:
    return hashlib.sha256((files("photod.score.builtin") / "weights.safetensors").read_bytes()).hexdigest()
