"""`photod-ctl rescan`: have the daemon compare folders with their databases now."""

import typer

from photod_ctl.options import ConfigFile, FolderOrAll, load


def rescan(
    context: typer.Context,
    folder: FolderOrAll = None,
    config: ConfigFile = None,
) -> None:
    """Have photod compare a folder with its database now, instead of at its next turn.

    New and changed photos are scored. photod-ctl status shows how far it is.

    Example: photod-ctl rescan ~/Pictures/2023
    """
    from photod_ctl.client import tell
    from photod_ctl.folders import real_directory
    from photod_ctl.tables import typed

    meant = None if folder is None else real_directory(folder)
    instead = f"score it now with photod-ctl rate {typed(folder) if folder else 'FOLDER'}"
    tell(load(context, config), {"command": "rescan", "folder": meant}, instead)
    print("photod compares " + ("the folder" if meant else "all folders"))
