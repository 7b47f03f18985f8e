"""The text of the configuration that `photod init` writes, or changes as little as it can. Pure."""

import json
import re
import tomllib
from collections.abc import Sequence

from photod.config import Config, Folder, parse_config
from photod.errors import ConfigError

_NEW = """# Every key with its default and its reason: config.example.toml in photod's sources.
folders = []
"""
_MODEL = re.compile(r"^[ \t]*\[[ \t]*model[ \t]*\][ \t]*(#.*)?$", re.MULTILINE)
_FOLDERS = re.compile(r"^[ \t]*\[\[[ \t]*folders[ \t]*\]\]", re.MULTILINE)


def with_folders(text: str | None, folders: Sequence[Folder], weights: str | None) -> str:
    """The configuration `text`, or a new one, with these folders and weights in it. Raises ConfigError.

    What it says besides stays word for word.
    """
    text = _NEW if text is None else text
    config = _parse(text)
    known = {folder.path for folder in config.folders}
    added = [folder for folder in folders if folder.path not in known]
    if added:
        config = config.model_copy(update={"folders": (*config.folders, *added)})
        listed = _replace(text, "folders", f"folders = [{', '.join(map(_entry, config.folders))}]")
        text = _checked(listed, config, _by_hand(text, added))
    if weights is not None and weights != config.model.weights:
        config = config.model_copy(update={"model": config.model.model_copy(update={"weights": weights})})
        assignment = f"weights = {json.dumps(weights, ensure_ascii=False)}"
        text = _checked(_with_weights(text, assignment), config, f"set {assignment} for its model")
    return text


def _checked(text: str, wanted: Config, by_hand: str) -> str:
    """The text, if it means what is wanted. Raises ConfigError: TOML has more forms than are looked for here."""
    if _is_toml(text) and _parse(text) == wanted:
        return text
    problem = "the configuration is written in a form that photod init cannot edit"
    raise ConfigError(problem, f"{by_hand}, then call photod init again")


def _by_hand(text: str, added: Sequence[Folder]) -> str:
    if _FOLDERS.search(text):
        return "add " + " and ".join(f"[[folders]] with {', '.join(_settings(folder))}" for folder in added)
    return f"add {', '.join(map(_entry, added))} to its folders"


def _parse(text: str) -> Config:
    try:
        return parse_config(tomllib.loads(text), "the configuration")
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"the configuration is not valid TOML: {error}") from error


def _entry(folder: Folder) -> str:
    """A folder as TOML, in the shortest form."""
    settings = _settings(folder)
    return f"{{ {', '.join(settings)} }}" if len(settings) > 1 else settings[0].removeprefix("path = ")


def _settings(folder: Folder) -> list[str]:
    """As assignments in TOML, the path first: those that are not the defaults. JSON's strings are TOML's."""
    values = folder.model_dump(mode="json", exclude_defaults=True)
    return [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]


def _replace(text: str, key: str, assignment: str) -> str:
    """Put `assignment` in the place of the one of `key`, which may span lines; without one, on top.

    No two sections have a key of that name.
    """
    lines = text.splitlines(keepends=True)
    for first, line in enumerate(lines):
        if line.partition("=")[0].strip() != key:
            continue
        for last in range(first + 1, len(lines) + 1):
            if _is_toml("".join(lines[first:last])):
                return "".join([*lines[:first], assignment + "\n", *lines[last:]])
    return f"{assignment}\n{text}"


def _with_weights(text: str, assignment: str) -> str:
    section = _MODEL.search(text)
    if section is None:
        return f"{text.rstrip()}\n\n[model]\n{assignment}\n"
    head, tail = text[: section.end()], text[section.end() :].removeprefix("\n")
    return f"{head}\n{_replace(tail, 'weights', assignment)}"


def _is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True
