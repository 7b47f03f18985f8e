"""Rankings as they are printed: tables for people; JSON, CSV and paths for programs."""

import os
import sys
from collections.abc import Sequence
from typing import Any

from photod_ctl.ranking import Place, Ranking
from photod_ctl.tables import Cell, Column, number_of, print_json, print_table, printable, warn

_FIELDS = (
    "path", "score", "percentile", "rank", "sha256", "width", "height", "taken", "camera", "model_name",
)  # fmt: skip


def print_json_list(rankings: Sequence[Ranking]) -> None:
    """A list of objects, one for each photo."""
    records = _records(rankings)
    current = [not ranking.earlier for ranking in rankings for _ in ranking.places]
    print_json([record | {"model_is_current": each} for record, each in zip(records, current, strict=True)])


def print_csv(rankings: Sequence[Ranking], *, distinct: bool) -> None:
    """A header, then a line for each photo; names escaped as in tables."""
    import csv

    fields = [*_FIELDS, "others"] if distinct else _FIELDS
    writer = csv.DictWriter(sys.stdout, fields, lineterminator="\n")
    writer.writeheader()
    for record in _records(rankings):
        writer.writerow(record | {"path": printable(record["path"])})


def print_paths(rankings: Sequence[Ranking], end: bytes) -> None:
    """The very bytes of the paths."""
    for ranking in rankings:
        sys.stdout.buffer.writelines(os.fsencode(place.location) + end for place in ranking.places)


def print_tables(rankings: Sequence[Ranking]) -> None:
    """A table for each model."""
    folders = {place.folder for ranking in rankings for place in ranking.places}
    # On a terminal the link has the whole path, and the column room for the rest.
    inside = folders.pop() if len(folders) == 1 and sys.stdout.isatty() else ""
    for ranking in rankings:
        if len(rankings) > 1:
            print(f"\n{printable(ranking.title)}: {number_of('photo', ranking.total)}")
        if ranking.places:
            _print_ranking(ranking, inside)
    if not any(ranking.places for ranking in rankings):
        warn(nothing_to_list(rankings))


def nothing_to_list(rankings: Sequence[Ranking]) -> str:
    """Why a list is empty, and what to do about it."""
    if any(ranking.total for ranking in rankings):
        return "no photo is ranked within these limits"
    if missing := sum(ranking.missing for ranking in rankings):
        left = f"no scored photo is left, {number_of('photo', missing)} missing or left out by exclude"
        return f"{left}; mount the drive, or have photod-ctl purge forget what is gone"
    return "no photo is scored yet; photod-ctl failed lists those that cannot be"


def _print_ranking(ranking: Ranking, inside: str) -> None:
    columns = [
        Column("rank", right=True), Column("score", right=True), Column("percentile", right=True, goes=3),
        Column("taken", goes=2), Column("camera", goes=1),
        Column(f"photo in {inside}" if inside else "photo", wide=True),
    ]  # fmt: skip
    rows = [_row(place, inside) for place in ranking.places]
    if ranking.others:
        columns.insert(3, Column("others", right=True))
        for place, row in zip(ranking.places, rows, strict=True):
            row.insert(3, f"{ranking.others[place]:,}")
    print_table(columns, rows)


def _row(place: Place, inside: str) -> list[str | Cell]:
    facts = place.photo.facts
    return [
        f"{place.rank:,}",
        f"{place.photo.score:.2f}",
        f"{place.percentile:.1f}",
        (facts.taken_at or "")[:10],
        (facts.camera or "")[:20],
        Cell(place.photo.path if inside else place.location, link=place.location),
    ]


def _records(rankings: Sequence[Ranking]) -> list[dict[str, Any]]:
    return [
        {
            "path": place.location,
            "score": place.photo.score,
            "percentile": place.percentile,
            "rank": place.rank,
            "sha256": place.photo.sha256,
            "width": place.photo.facts.width,
            "height": place.photo.facts.height,
            "taken": place.photo.facts.taken_at,
            "camera": place.photo.facts.camera,
            "model_name": ranking.model["name"],
        }
        | ({"others": ranking.others[place]} if ranking.others else {})
        for ranking in rankings
        for place in ranking.places
    ]
