"""`photod-ctl top`: the best photos."""

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from photod.errors import UsageError
from photod_ctl.options import (
    MANY,
    ConfigFile,
    Folders,
    Json,
    MinScore,
    Month,
    Since,
    Until,
    Year,
    at_most_one,
    load,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from photod_ctl.ranking import Ranking


def top(  # noqa: PLR0913, PLR0917 - the options that it has
    context: typer.Context,
    folders: Folders = None,
    count: Annotated[int, typer.Option("-n", "--count", min=1, max=MANY, metavar="N", help="How many.")] = 50,
    worst: Annotated[bool, typer.Option("--worst", help="The worst, worst first.")] = False,
    distinct: Annotated[
        bool, typer.Option("--distinct", help="One photo of each burst or scene, with the number of others.")
    ] = False,
    since: Since = None,
    until: Until = None,
    year: Year = None,
    month: Month = None,
    min_score: MinScore = None,
    as_json: Json = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    paths: Annotated[bool, typer.Option("--paths", help="Print paths alone, one a line.")] = False,
    thumbs: Annotated[
        bool, typer.Option("--thumbs", help="Show the photos in the terminal (kitty, sixel, iTerm2 by sixel).")
    ] = False,
    null: Annotated[bool, typer.Option("-0", "--null", help="Like --paths, each ended by a NUL byte.")] = False,
    copy: Annotated[
        str | None, typer.Option("--copy", metavar="DIR", help="Copy the photos there, numbered in this order.")
    ] = None,
    link: Annotated[str | None, typer.Option("--link", metavar="DIR", help="The same with symbolic links.")] = None,
    m3u: Annotated[
        str | None,
        typer.Option("--m3u", metavar="FILE", help="Write a playlist for image viewers; - is standard output."),
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Show the best photos.

    Reads the databases; the daemon need not run. The percentile is the share of all ranked photos that score no
    higher, whatever the limits. Names that are not UTF-8 are printed as they are by --paths and -0, as lone
    surrogates by --json, and escaped elsewhere.

    Examples: photod-ctl top ~/Pictures -n 20; photod-ctl top --year 2023 --distinct --copy /tmp/best;
    photod-ctl top -0 -n 100 | xargs -0 cp -t /tmp/best
    """
    printed = {"--json": as_json, "--csv": csv, "-0" if null else "--paths": paths or null, "--thumbs": thumbs}
    for name, place in (("--copy", copy), ("--link", link), ("--m3u", m3u)):
        at_most_one({**printed, name: place})
        if place == "":  # such as that of a variable which a script has not set
            raise UsageError(f"{name} '' names nothing", "say where")

    from photod_ctl.filters import bounds
    from photod_ctl.folders import archives
    from photod_ctl.ranking import note_models, rank

    wanted = bounds(since=since, until=until, year=year, month=month, min_score=min_score)
    found = archives(folders, load(context, config))
    renderer = None
    if thumbs:
        from photod_ctl.thumbs import find_renderer

        renderer = find_renderer()
    if distinct:
        # Of products as small as these, numpy's threads make no faster work: they wait for one another by spinning,
        # which takes three times as long while the daemon keeps the cores busy.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        from photod_ctl.distinct import rank_scenes

        rankings = rank_scenes(found, count, wanted, worst)
    else:
        rankings = rank(found, count, wanted, worst)
    note_models(rankings)
    if copy or link or m3u:
        _collect(rankings, copy, link, m3u)
    elif as_json or csv or paths or null:
        _print_for_programs(rankings, "json" if as_json else "csv" if csv else "0" if null else "paths", distinct)
    elif renderer:
        from photod_ctl.thumbs import print_thumbs

        print_thumbs(rankings, renderer)
    else:
        from photod_ctl.listing import print_tables

        print_tables(rankings)


def _collect(rankings: "Sequence[Ranking]", copy: str | None, link: str | None, m3u: str | None) -> None:
    from photod_ctl.collect import STANDARD_OUTPUT, copy_photos, link_photos, write_playlist
    from photod_ctl.listing import nothing_to_list
    from photod_ctl.tables import warn

    places = [place for ranking in rankings for place in ranking.places]
    told = sys.stderr if m3u == STANDARD_OUTPUT else sys.stdout  # nothing gets into the playlist
    for target, collect in ((copy, copy_photos), (link, link_photos), (m3u, write_playlist)):
        if target and (places or collect is write_playlist) and (done := collect(places, target)):
            print(done, file=told)
    if not places:
        warn(nothing_to_list(rankings))


def _print_for_programs(rankings: "Sequence[Ranking]", form: str, distinct: bool) -> None:
    from photod_ctl import listing

    if form == "json":
        listing.print_json_list(rankings)
    elif form == "csv":
        listing.print_csv(rankings, distinct=distinct)
    else:
        listing.print_paths(rankings, b"\0" if form == "0" else b"\n")
