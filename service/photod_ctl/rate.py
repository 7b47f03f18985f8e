"""`photod-ctl rate`: score a folder now."""

import os
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from photod.errors import EXIT_INTERRUPTED, DatabaseError, UsageError
from photod.filesystem import answers
from photod.photos import BUILTIN
from photod_ctl.options import MANY, ConfigFile, Json, at_most_one, config_file, load

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from photod.config import Config
    from photod.wire import Progress


def rate(
    context: typer.Context,
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="A folder of photos, or one photo.")],
    top: Annotated[
        int, typer.Option("--top", min=0, max=MANY, metavar="N", help="Show the N best photos after it.")
    ] = 0,
    as_json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Score a folder now, and show how it goes.

    A running daemon that has the folder does the work; without one, this command does it itself. Unchanged
    photos are not read again. Ctrl-C commits what is done; the same command goes on.

    Of a single photo the score is printed, and kept nowhere.

    Examples: photod-ctl rate ~/Pictures; photod-ctl rate photo.jpg
    """
    from photod_ctl.folders import real_directory
    from photod_ctl.following import End, follow_scoring

    at_most_one({"--top": top, "--json": as_json})
    named = os.path.expanduser(folder)
    if answers(named) and os.path.isfile(named):
        if top:
            raise UsageError(f"--top is of a folder, and {folder} is a file", "leave it out")
        _rate_file(folder, load(context, config), config_file(context, config), as_json)
        return
    path = real_directory(folder, "a photo or a folder of photos")
    settings = load(context, config)
    start = time.monotonic()
    last, end = follow_scoring(path, settings, config_file(context, config), _scores_of(path, settings))
    interrupted = end is not End.DONE
    last["duration_s"] = round(time.monotonic() - start, 3)
    if "median" in last:  # of all that the daemon has; what was named has its own
        last["median"] = _median(path, settings)
    if as_json:
        from photod_ctl.tables import print_json

        print_json({"folder": path, "interrupted": interrupted, **last})
    elif end is not End.LEFT:  # the daemon goes on, and that was said
        _summarise(folder, last)
    if last.get("compared"):
        if top:
            _show_best(path, settings, top)
        else:
            _note_model(last["model_name"])
    if interrupted:
        raise typer.Exit(EXIT_INTERRUPTED)


def _show_best(path: str, settings: "Config", count: int) -> None:
    from photod_ctl.folders import archives
    from photod_ctl.listing import print_tables
    from photod_ctl.ranking import note_models, rank

    rankings = rank(archives([path], settings), count)
    note_models(rankings)
    print_tables(rankings)


def _median(path: str, settings: "Config") -> float | None:
    """The median score of a folder or a part, as `photod-ctl stats` tells it; None where there is none to read."""
    from photod_ctl.folders import find_archive
    from photod_ctl.ranking import by_model
    from photod_ctl.stats import median

    with suppress(UsageError, DatabaseError):
        archive = find_archive(path, settings)
        with by_model([archive] if archive else []) as groups:
            return next(map(median, groups), None)  # the current model's is the first
    return None


def _rate_file(file: str, settings: "Config", config_path: Path | None, as_json: bool) -> None:
    from photod_ctl.single import rate_file
    from photod_ctl.tables import print_json, printable

    directory, name = os.path.split(os.path.abspath(os.path.expanduser(file)))
    verdict = rate_file(os.path.join(os.path.realpath(directory), name), settings, config_path)
    if as_json:
        print_json(verdict)
    else:
        print(f"{verdict['score']:.2f}  {printable(file)}")
    _note_model(verdict["model"]["name"])


def _scores_of(path: str, settings: "Config") -> "Callable[[], dict[int, int]]":
    """Looks at the scores that the folder's database has so far."""

    def look() -> dict[int, int]:
        from photod.store.queries import Reader
        from photod_ctl.folders import find_archive

        with suppress(UsageError, DatabaseError):  # closed to this user, or just being made: who writes it tells
            if archive := find_archive(path, settings):
                with closing(Reader(archive.database)) as reader:
                    return reader.histogram()
        return {}

    return look


def _summarise(folder: str, last: "Progress") -> None:
    from photod_ctl.progress import counts, duration, finished
    from photod_ctl.tables import typed, warn

    name = typed(folder)
    if last.get("phase") != "done":
        done = counts(last) if "scored" in last else "nothing scored yet"
        print(f"stopped after {duration(last['duration_s'])}: {done}")
        print(f"photod-ctl rate {name} goes on from here")
        return
    _tell_unread(last, "unlisted", "cannot be listed", "nothing in it is scored")
    if not last["compared"]:
        warn(f"{folder} has no photos, or only hidden and excluded ones")
        return
    print(f"{counts(last)} in {duration(last['duration_s'])}", end="")
    print(f", {finished(last) / max(last['duration_s'], 0.1):.1f} a second" if finished(last) else "")
    if last["median"] is not None:
        print(f"median score {last['median']:.2f}; photod-ctl top {name} shows the best")
    if last["unscoreable"]:
        print(f"photod-ctl failed {name} tells why some could not be scored")
    _tell_unread(last, "unreadable", "cannot be read", "it is tried again next time")


def _tell_unread(last: "Progress", what: str, trouble: str, outcome: str) -> None:
    """Name the last of what could not be looked into or read, and how many more there are."""
    from photod_ctl.tables import warn

    told: Mapping[str, Any] = last
    if one := told.get(f"last_{what}"):
        others = f", as {told[what] - 1:,} more" if told[what] > 1 else ""
        warn(f"{one['path']} {trouble}{others}: {one['reason']}; {outcome}")


def _note_model(name: str) -> None:
    from photod_ctl.ranking import BUILTIN_NOTE
    from photod_ctl.tables import warn

    if name == BUILTIN:
        warn(BUILTIN_NOTE)
