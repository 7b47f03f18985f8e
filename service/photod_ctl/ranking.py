"""Rankings over several databases; scores of two models are never ranked together."""

import os
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from heapq import merge
from typing import Any

from photod.photos import BUILTIN
from photod.store.queries import EVERYTHING, Bounds, RankedPhoto, Reader
from photod_ctl.folders import Archive
from photod_ctl.tables import warn

FEW = 1000  # scores that the databases are asked about one by one
BUILTIN_NOTE = "built-in model: technical quality only; see README for AesCLIP and CLIP"


@dataclass(frozen=True, slots=True)
class Place:
    """A photo's place in a ranking."""

    rank: int  # 1 + the number of photos with a higher score
    percentile: float  # 100 for the best: the share of photos that score no higher
    folder: str
    photo: RankedPhoto

    @property
    def location(self) -> str:
        """The absolute path."""
        return os.path.join(self.folder, self.photo.path)


@dataclass(frozen=True, slots=True)
class Group:
    """Archives that one model scored."""

    model: dict[str, Any]  # its identity
    members: list[tuple[Archive, Reader]]
    earlier: bool = False  # no archive's current model: what it scored is still to be scored again


@dataclass(frozen=True, slots=True)
class Ranking:
    """The best photos by one model, best first."""

    model: dict[str, Any]  # its identity
    total: int  # photos ranked, of which `places` are the best
    places: list[Place]
    others: dict[Place, int] = field(default_factory=dict)  # how many more photos show its scene, where asked
    earlier: bool = False  # these photos are still to be scored by the current model
    missing: int = 0  # missing photos; counted only where none is ranked

    @property
    def title(self) -> str:
        """The model's name, and whether it is an earlier one."""
        return title_of(self.model["name"], current=not self.earlier)


def rank(
    archives: Sequence[Archive], count: int, bounds: Bounds = EVERYTHING, worst: bool = False
) -> list[Ranking]:
    """The `count` best (or worst) photos within bounds, of all archives together: one ranking for each model.

    Rank and percentile are those among all photos of the archives, whatever the bounds.
    """
    with by_model(archives) as groups:
        return [_rank_together(group, count, bounds, worst) for group in groups]


@contextmanager
def by_model(archives: Sequence[Archive]) -> Iterator[list[Group]]:
    """The archives that one model scored, together, each as it was at one moment, whatever a daemon commits.

    One without a single score is in no group. Current models come first. Photos that wait for theirs are in a group
    of the earlier model that scored them.
    """
    groups: dict[str, Group] = {}
    with ExitStack() as opened:

        def read(archive: Archive, key: str | None = None) -> Reader:
            reader = opened.enter_context(closing(Reader(archive.database, key)))
            reader.stand_still()
            return reader

        members = [(archive, read(archive)) for archive in archives]
        for archive, reader in members:
            key, model = reader.model_key(), reader.model()
            if key is not None and model is not None:
                groups.setdefault(key, Group(model, [])).members.append((archive, reader))
        for archive, reader in members:
            for key, model in reader.earlier_models():
                group = groups.setdefault(key, Group(model, [], earlier=True))
                group.members.append((archive, read(archive, key)))
        yield list(groups.values())


def title_of(model: str, *, current: bool) -> str:
    """How a model is named where there may be several."""
    return model if current else f"{model}, an earlier model"


def percentile(higher: int, total: int) -> float:
    """The percentile of a photo with `higher` of `total` ranked photos strictly above it.

    It is one of them, whatever a database that somebody else wrote may count.
    """
    return 100 * (1 - higher / max(total, higher + 1))


def note_models(rankings: Sequence[Ranking | Group]) -> None:
    """Say on stderr what must be known to read these rankings."""
    earlier = [str(ranking.model["name"]) for ranking in rankings if ranking.earlier]
    if earlier:
        warn(f"photos that wait for the current model keep their score of an earlier one ({', '.join(earlier)});"
             " they are ranked by themselves")  # fmt: skip
    names = [str(ranking.model["name"]) for ranking in rankings if not ranking.earlier]
    if len(names) > 1:
        warn(f"different models scored these folders ({', '.join(names)}); each is ranked by itself")
    if BUILTIN in names:
        warn(BUILTIN_NOTE)


def _rank_together(group: Group, count: int, bounds: Bounds, worst: bool) -> Ranking:
    streams = [
        [(archive.folder, photo) for photo in reader.top(count, below=archive.below, bounds=bounds, worst=worst)]
        for archive, reader in group.members
    ]
    best = list(merge(*streams, key=lambda row: row[1].score if worst else -row[1].score))[:count]
    return place_photos(group, best, with_all_above=bounds == EVERYTHING and not worst)


def place_photos(
    group: Group, photos: Sequence[tuple[str, RankedPhoto]], *, with_all_above: bool = False
) -> Ranking:
    """A ranking of these photos alone, each with its folder; every rank is that among all photos of the group.

    `with_all_above`: they come best first, and whatever scores higher than one of them is among them.
    """
    total = sum(reader.ranked(archive.below) for archive, reader in group.members)
    if with_all_above:
        falling = [-photo.score for _, photo in photos]
        above = {photo.score: bisect_left(falling, -photo.score) for _, photo in photos}
    else:
        above = _above(group.members, [photo.score for _, photo in photos])
    places = [_place(above[photo.score], total, folder, photo) for folder, photo in photos]
    missing = 0 if total else sum(reader.missing(archive.below) for archive, reader in group.members)
    return Ranking(group.model, total, places, earlier=group.earlier, missing=missing)


def _place(higher: int, total: int, folder: str, photo: RankedPhoto) -> Place:
    return Place(higher + 1, percentile(higher, total), folder, photo)


def _above(members: Sequence[tuple[Archive, Reader]], scores: Sequence[float]) -> dict[float, int]:
    """For each of these scores, how many photos have a higher one."""
    falling = sorted(set(scores), reverse=True)
    if len(falling) <= FEW and not any(archive.below for archive, _ in members):
        counts = [reader.higher(falling) for _, reader in members]
        return {score: sum(each) for score, *each in zip(falling, *counts, strict=True)}
    ranked = sorted(-score for archive, reader in members for score in reader.scores(archive.below))
    return {score: bisect_left(ranked, -score) for score in falling}
