"""`photod-ctl rescan`: have the daemon compare folders with their databases now."""

from typing import Annotated

import typer

from photod_ctl.options import ConfigFile, load


def rescan(
    context: typer.Context,
    folder: Annotated[
        str | None,
        typer.Argument(metavar="FOLDER", help="A folder, or part of it; default: all.", show_default=False),
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Have photod compare a folder with its database now, instead of at its next turn.

    New and changed photos are scored. photod-ctl status shows how far it is.

    Example: photod-ctl rescan ~/Pictures/2023
    """
    from photod_ctl.client import tell
    from photod_ctl.folders import real_directory

    tell(load(context, config), {"command": "rescan", "folder": real_directory(folder) if folder else None})
    print("photod compares " + ("the folder" if folder else "all folders"))
