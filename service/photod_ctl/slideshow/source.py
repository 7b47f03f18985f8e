"""Where the slides of a show come from: the databases, now and while it runs."""

import os
import threading
from collections.abc import Callable, Sequence
from typing import Any

from photod.errors import DatabaseError
from photod.store.queries import Bounds
from photod_ctl.folders import Archive
from photod_ctl.ranking import Place, rank
from photod_ctl.slideshow.deck import Slide

FIRST = 500  # slides that are loaded before the window opens
LOOK_EVERY_S = 2.0  # at the databases' files, by a stat


def slide_of(place: Place) -> Slide:
    """A place in a ranking as a slide."""
    photo, facts = place.photo, place.photo.facts
    size = (facts.width, facts.height) if facts.width else None
    return Slide(
        place.location, photo.sha256, photo.score, place.percentile, place.rank, facts.taken_at, facts.camera, size
    )


class Follower:
    """Loads the rest of a model's long ranking, and again whenever a database changes, in a thread of its own."""

    def __init__(
        self,
        archives: Sequence[Archive],
        limit: int,
        bounds: Bounds,
        model: dict[str, Any],
        on_slides: Callable[[list[Slide]], None],
    ) -> None:
        self._archives = archives
        self._limit = limit
        self._bounds = bounds
        self._model = model  # while another one scores the archive anew, its scores do not mix with these
        self._on_slides = on_slides
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop looking."""
        self._stop.set()

    def _run(self) -> None:
        seen: list[object] = []
        sure = False
        while True:
            now = [_signature(archive) for archive in self._archives]
            if now != seen or not sure:
                # Once more after a change: a commit is written to the log a moment before others can read it.
                sure, seen = now == seen, now
                try:
                    for ranking in rank(self._archives, self._limit, self._bounds):
                        if ranking.model == self._model:
                            self._on_slides(list(map(slide_of, ranking.places)))
                except DatabaseError:
                    pass  # the show goes on with what it has; the next change is looked at again
            if self._stop.wait(LOOK_EVERY_S):
                return


def _signature(archive: Archive) -> object:
    """Changes with every commit: what a stat tells of the database and its log."""
    found: list[tuple[int, int]] = []
    for suffix in ("", "-wal"):
        try:
            stat = os.stat(f"{archive.database}{suffix}")
        except OSError:
            continue
        found.append((stat.st_mtime_ns, stat.st_size))
    return found
