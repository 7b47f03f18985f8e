"""AesCLIP's score once more, in numpy float64: from the formula and the key layout, with nothing of photod's.

Slow, plain, and the judge of the fast one.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
State = Mapping[str, NDArray[np.floating]]

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
# What CLIP's byte pair encoding makes of the two prompts; 49406 and 49407 are start and end.
TOKENS = {"good image": (49406, 886, 2867, 49407), "bad image": (49406, 2103, 2867, 49407)}


def reference_scores(state: State, pixels: NDArray[np.uint8], patch: int, text_heads: int) -> Array:
    """10 * softmax(100 * [cos(image, good), cos(image, bad)])[0] of RGB bytes [n, s, s, 3]."""
    prompts = [embed_tokens(state, TOKENS[words], text_heads) for words in ("good image", "bad image")]
    images = np.stack([embed_image(state, picture, patch) for picture in pixels])
    logits = 100 * images @ np.stack(prompts).T
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    points: Array = 10 * powers[:, 0] / powers.sum(axis=1)
    return points


def embed_image(state: State, picture: NDArray[np.uint8], patch: int) -> Array:
    """The unit vector of one picture [s, s, 3]."""
    kernel = state["visual.conv1.weight"].astype(np.float64)
    width, side = kernel.shape[0], picture.shape[0] // patch
    image = (picture / 255 - np.array(MEAN)) / np.array(STD)
    patches = image.reshape(side, patch, side, patch, 3).transpose(0, 2, 4, 1, 3).reshape(side * side, -1)
    tokens = np.concatenate([state["visual.class_embedding"][None], patches @ kernel.reshape(width, -1).T])
    x = _norm(state, "visual.ln_pre", tokens + state["visual.positional_embedding"])
    x = _transformer(state, "visual.transformer", x, width // 64, None)
    return _unit(_norm(state, "visual.ln_post", x[:1])[0] @ state["visual.proj"])


def embed_tokens(state: State, tokens: Sequence[int], heads: int) -> Array:
    """The unit vector of a prompt; tokens after the end are never looked at, so they are left out."""
    count = len(tokens)
    x = state["token_embedding.weight"][list(tokens)].astype(np.float64) + state["positional_embedding"][:count]
    mask = np.triu(np.full((count, count), -np.inf), k=1)
    x = _norm(state, "ln_final", _transformer(state, "transformer", x, heads, mask))
    return _unit(x[-1] @ state["text_projection"])


def _transformer(state: State, name: str, x: Array, heads: int, mask: Array | None) -> Array:
    layers = sum(key.startswith(f"{name}.resblocks.") and key.endswith(".ln_1.weight") for key in state)
    for layer in range(layers):
        block = f"{name}.resblocks.{layer}"
        x = x + _attention(state, f"{block}.attn", _norm(state, f"{block}.ln_1", x), heads, mask)
        inner = _affine(state, f"{block}.mlp.c_fc.", _norm(state, f"{block}.ln_2", x))
        x = x + _affine(state, f"{block}.mlp.c_proj.", inner / (1 + np.exp(-1.702 * inner)))
    return x


def _attention(state: State, name: str, x: Array, heads: int, mask: Array | None) -> Array:
    query, key, value = np.split(_affine(state, f"{name}.in_proj_", x), 3, axis=1)
    parts = []
    for q, k, v in zip(*(np.split(m, heads, axis=1) for m in (query, key, value)), strict=True):
        logits = q @ k.T / np.sqrt(q.shape[1])
        if mask is not None:
            logits = logits + mask
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        parts.append(powers / powers.sum(axis=1, keepdims=True) @ v)
    return _affine(state, f"{name}.out_proj.", np.concatenate(parts, axis=1))


def _affine(state: State, name: str, x: Array) -> Array:
    result: Array = x @ state[f"{name}weight"].astype(np.float64).T + state[f"{name}bias"]
    return result


def _norm(state: State, name: str, x: Array) -> Array:
    centred = x - x.mean(axis=1, keepdims=True)
    scaled: Array = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5)
    return scaled * state[f"{name}.weight"] + state[f"{name}.bias"]


def _unit(vector: Array) -> Array:
    unit: Array = vector / np.sqrt((vector**2).sum())
    return unit


def squash(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Bicubic resize with antialias to side x side: across, rounded to bytes, then down, as Pillow defines it."""
    across = _resize_rows(picture.transpose(1, 0, 2), side).transpose(1, 0, 2)
    return _resize_rows(across, side)


def _resize_rows(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Resize the first axis; weights in fixed point with 22 bits, sums rounded half up."""
    length = picture.shape[0]
    scale = length / side
    stretch = max(scale, 1.0)
    rows = []
    for index in range(side):
        centre = (index + 0.5) * scale
        first, last = max(int(centre - 2 * stretch + 0.5), 0), min(int(centre + 2 * stretch + 0.5), length)
        weights = _cubic((np.arange(first, last) - centre + 0.5) / stretch)
        weights /= weights.sum()
        fixed = np.trunc(weights * (1 << 22) + np.where(weights < 0, -0.5, 0.5)).astype(np.int64)
        total = np.tensordot(fixed, picture[first:last].astype(np.int64), axes=1) + (1 << 21)
        rows.append(np.clip(total >> 22, 0, 255).astype(np.uint8))
    return np.stack(rows)


def _cubic(x: Array) -> Array:
    """Keys' cubic with a = -1/2."""
    x = np.abs(x)
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))
