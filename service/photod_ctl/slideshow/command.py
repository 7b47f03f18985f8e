"""`photod-ctl slideshow`: the photos full screen, best first."""

import sys
from typing import Annotated

import typer

from photod_ctl.options import MANY, ConfigFile, Folders, MinScore, Month, Since, Until, Year, load
from photod_ctl.slideshow.pace import LONGEST_S, SHORTEST_S, Pace

SWITCH_S = 0.0005  # how long a thread that decodes may keep the interpreter from the show; usual are 5 ms


def slideshow(  # noqa: PLR0913, PLR0917 - the options that it has
    context: typer.Context,
    folders: Folders = None,
    delay: Annotated[
        float, typer.Option("--delay", min=SHORTEST_S, max=LONGEST_S, metavar="SECONDS", help="For each photo.")
    ] = 5.0,
    fade: Annotated[bool, typer.Option("--fade", help="Fade from photo to photo.")] = False,
    loop: Annotated[bool, typer.Option("--loop", help="Begin again after the last photo.")] = False,
    window: Annotated[
        bool, typer.Option("--window", help="In a window; f fills the screen it is on, such as a television.")
    ] = False,
    top: Annotated[int, typer.Option("--top", min=1, max=MANY, metavar="N", help="Only the N best.")] = 20_000,
    min_score: MinScore = None,
    since: Since = None,
    until: Until = None,
    year: Year = None,
    month: Month = None,
    config: ConfigFile = None,
) -> None:
    """Show the photos full screen, best first.

    Reads the databases; the daemon need not run. Photos that are scored meanwhile join the show.
    In the show, h lists the keys; q or Esc ends it.

    Examples: photod-ctl slideshow ~/Pictures; photod-ctl slideshow --year 2023 --top 200 --fade --loop
    """
    from photod.errors import UsageError
    from photod_ctl.filters import bounds
    from photod_ctl.folders import archives
    from photod_ctl.ranking import note_models, rank
    from photod_ctl.slideshow.deck import Deck
    from photod_ctl.slideshow.show import Show
    from photod_ctl.slideshow.source import FIRST, Follower, slide_of
    from photod_ctl.slideshow.window import Window

    wanted = bounds(since=since, until=until, year=year, month=month, min_score=min_score)
    meant = archives(folders, load(context, config))
    rankings = rank(meant, min(top, FIRST), wanted)
    longest = max(rankings, key=lambda ranking: ranking.total, default=None)  # of the model that scored the most
    if longest is None or not longest.places:
        raise UsageError("there is nothing to show", "score photos with photod-ctl rate, or use fewer filters")
    note_models(rankings)
    screen = Window(full_screen=not window)
    show = Show(Deck(list(map(slide_of, longest.places)), loop=loop), screen, Pace(delay, fade))
    follower = Follower(meant, top, wanted, longest.model, show.offer)
    sys.setswitchinterval(SWITCH_S)
    try:
        show.run()
    finally:
        follower.close()
        screen.close()
    if show.failure:
        remedy = "mount their drive, or have photod-ctl rate look again"
        raise UsageError(f"no photo is left to show; {show.failure}", remedy)
