"""Fetching published weights, once, because the user said so. The daemon itself never does."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from photod import config
from photod.config import LOCAL_DIR
from photod.errors import ConfigError
from photod.photos import BUILTIN
from photod.score.clip import tokenizer_of
from photod.score.loading import load_model
from photod.score.sources import HUB, HUB_CONFIG, find_source, hub_file_names, tag_entry
from photod.score.words import first_line


def download(model: config.Model, cache: Path, say: Callable[[str], None]) -> None:
    """Bring the configured weights to this machine if they are not here, and check them.

    Needs the network, blocks for minutes; the libraries draw progress bars on standard error. `say` gets a
    line for each step. Raises ConfigError.
    """
    weights = model.weights
    if weights == BUILTIN or weights.startswith(LOCAL_DIR):
        say(f"{weights} is on this machine")
    else:
        try:
            with _online():
                _fetch(model, say)
        except ConfigError:
            raise
        except Exception as error:  # network, disk, server: the library's words are all there is
            problem = f'cannot download what "{weights}" needs: {first_line(error)}'
            raise ConfigError(problem, "check the name and the network") from error
    load_model(model, cache)
    say(f"{weights} is complete and sound")


@contextmanager
def _online() -> Iterator[None]:
    """The hub's library may use the network meanwhile."""
    from huggingface_hub import constants
    from huggingface_hub.utils import logging

    logging.disable_propagation()  # it writes to standard error by itself; photod's log would say it once more
    was_offline, constants.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE, False
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = was_offline


def _fetch(model: config.Model, say: Callable[[str], None]) -> None:
    from huggingface_hub import hf_hub_download

    if os.path.isfile(os.path.expanduser(model.weights)):
        say(f"{model.weights} is on this machine")
    else:
        say(f"downloading {model.weights}")
        if model.weights.startswith(HUB):
            repository = model.weights.removeprefix(HUB)
            hf_hub_download(repository, HUB_CONFIG)
            _fetch_first(repository)
        else:
            from open_clip.pretrained import download_pretrained

            download_pretrained(tag_entry(model))
    tokenizer_of(find_source(model))  # most ship with open_clip; the others are kept beside the weights


def _fetch_first(repository: str) -> None:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError

    *others, last = hub_file_names("")
    for name in others:
        try:
            hf_hub_download(repository, name)
        except EntryNotFoundError:
            continue
        return
    hf_hub_download(repository, last)
