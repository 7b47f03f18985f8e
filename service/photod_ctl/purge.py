"""`photod-ctl purge`: have the daemon drop what it remembers of photos that are gone."""

from typing import Annotated

import typer

from photod_ctl.options import ConfigFile, load


def purge(
    context: typer.Context,
    folder: Annotated[
        str | None, typer.Argument(metavar="FOLDER", help="A folder; default: all.", show_default=False)
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Drop the rows of photos that are missing, as photod-ctl status counts them.

    photod does that by itself once they have been missing for a day, unless they are so many that a drive may be
    away. Nothing is deleted but rows in the database: the scores of these photos.

    Example: photod-ctl purge ~/Pictures
    """
    from photod_ctl.client import tell
    from photod_ctl.folders import real_directory

    tell(load(context, config), {"command": "purge", "folder": real_directory(folder) if folder else None})
    print("photod drops what is missing in " + ("the folder" if folder else "all folders"))
