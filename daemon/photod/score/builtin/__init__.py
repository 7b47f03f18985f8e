"""The built-in model: a small judge of technical quality that ships with photod. No torch is imported here."""

from collections.abc import Mapping
from typing import Final

GOOD_PROMPT: Final = "good image"
BAD_PROMPT: Final = "bad image"

ATTRIBUTES: Final[Mapping[str, tuple[str, str]]] = {
    "blurry": ("sharp image", "blurry image"),
    "noisy": ("clean image", "noisy image"),
    "dark": ("bright image", "dark image"),
    "overexposed": ("well-exposed image", "overexposed image"),
    "flat": ("contrasty image", "flat image"),
    "dull": ("vivid image", "dull image"),
    "blocky": ("smooth image", "blocky image"),
    "tinted": ("neutral image", "tinted image"),
    "smeared": ("detailed image", "smeared image"),
}
"""The fault that may be named -> the prompts for its absence and its presence."""
