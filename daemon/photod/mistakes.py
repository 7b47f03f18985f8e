"""What is wrong with a configuration, in the words of who wrote it: of TOML, and not of Python."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

# By pydantic's names of the mistakes that it words as Python would. Of all others, its own words do.
_WORDS = {
    "tuple_type": "write a list, in brackets",
    "model_type": "write a table",
    "too_short": "write at least {min_length}",
    "too_long": "write at most {max_length}",
}


def describe(mistake: Mapping[str, Any], known_keys: Sequence[str], place: str) -> tuple[str, str]:
    """A mistake as pydantic tells it: which key, its value and what is wrong; and what to do, if that is more.

    `known_keys` are those that an unknown one may stand for, unless it belongs in another `place`.
    """
    key = ".".join(map(str, mistake["loc"]))
    if mistake["type"] == "extra_forbidden":
        return f"unknown key {key}", f"it belongs in {place}" if place else _nearest(mistake["loc"][-1], known_keys)
    if mistake["type"] == "missing":
        return f"{key} is missing", ""
    words = _WORDS.get(mistake["type"], "").format_map(mistake.get("ctx", {}))
    words = words or mistake["msg"].removeprefix("Value error, ")  # what a validator of ours says
    return f"{key} = {mistake['input']!r}: {words}", ""


def _nearest(word: str, known: Sequence[str]) -> str:
    match = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {match[0]}?" if match else f"known keys: {', '.join(known)}"
