"""`photod-ctl top`: the best photos."""

import os
import sys
from typing import Annotated, Any

import typer

from photod_ctl.options import ConfigFile, Folders, Json, load


def top(
    context: typer.Context,
    folders: Folders = None,
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="How many.")] = 50,
    as_json: Json = False,
    paths: Annotated[bool, typer.Option("--paths", help="Print paths alone, one a line.")] = False,
    null: Annotated[bool, typer.Option("-0", "--null", help="Like --paths, each ended by a NUL byte.")] = False,
    config: ConfigFile = None,
) -> None:
    """Show the best photos.

    Reads the databases; the daemon need not run. The percentile is the share of ranked photos that score no higher.

    Examples: photod-ctl top ~/Pictures -n 20; photod-ctl top -0 -n 100 | xargs -0 cp -t /tmp/best
    """
    from photod_ctl.folders import archives
    from photod_ctl.ranking import note_models, rank

    rankings = rank(archives(folders, load(context, config)), count)
    note_models(rankings)
    if as_json:
        _print_json(rankings)
    elif paths or null:
        end = b"\0" if null else b"\n"
        for ranking in rankings:
            sys.stdout.buffer.writelines(os.fsencode(place.location) + end for place in ranking.places)
    else:
        _print_tables(rankings)


def _print_json(rankings: list[Any]) -> None:
    from photod_ctl.tables import print_json

    print_json([
        {
            "path": place.location,
            "score": place.photo.score,
            "percentile": place.percentile,
            "rank": place.rank,
            "sha256": place.photo.sha256,
            "width": place.photo.facts.width,
            "height": place.photo.facts.height,
            "taken_at": place.photo.facts.taken_at,
            "camera": place.photo.facts.camera,
            "model": ranking.model["name"],
        }
        for ranking in rankings
        for place in ranking.places
    ])


def _print_tables(rankings: list[Any]) -> None:
    from photod_ctl.tables import Cell, Column, print_table, warn

    folders = {place.folder for ranking in rankings for place in ranking.places}
    # On a terminal the link has the whole path, and the column room for the rest.
    inside = folders.pop() if len(folders) == 1 and sys.stdout.isatty() else ""
    columns = (
        Column("rank", right=True), Column("score", right=True), Column("percentile", right=True),
        Column("taken"), Column("camera"), Column(f"photo in {inside}" if inside else "photo", wide=True),
    )  # fmt: skip
    shown = 0
    for ranking in rankings:
        shown += len(ranking.places)
        if len(rankings) > 1:
            print(f"\n{ranking.model['name']}: {ranking.total:,} photos")
        rows = [
            (
                str(place.rank), f"{place.photo.score:.2f}", f"{place.percentile:.1f}",
                (place.photo.facts.taken_at or "")[:10], (place.photo.facts.camera or "")[:20],
                Cell(place.photo.path if inside else place.location, link=place.location),
            )
            for place in ranking.places
        ]  # fmt: skip
        if rows:
            print_table(columns, rows)
    if not shown:
        warn("nothing is ranked yet")
