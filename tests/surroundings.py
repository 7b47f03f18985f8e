"""What surrounds a folder's watcher where a test brings only a part of it."""

from dataclasses import replace
from typing import Any

from photod.photos import StalePage
from photod.watch.presence import Presence
from photod.watch.surroundings import Surroundings

_NOTHING = Surroundings(
    known=lambda _: [],
    known_directories=lambda _: [],
    links_of=lambda _: [],
    paths_of=lambda _: [],
    count_stale=lambda _: 0,
    stale=lambda *_: StalePage((), None),
    offer=lambda _: False,
    expect=lambda: None,
    write_down=lambda _: None,
    presence=lambda: Presence.HERE,
)


def surroundings(**parts: Any) -> Surroundings:
    """An empty database, no room for candidates, a folder that is there; but for these parts."""
    return replace(_NOTHING, **parts)
