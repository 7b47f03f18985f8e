"""`photod-ctl purge`: have the daemon drop what it remembers of photos that are gone."""

import typer

from photod_ctl.options import ConfigFile, FolderOrAll, load


def purge(
    context: typer.Context,
    folder: FolderOrAll = None,
    config: ConfigFile = None,
) -> None:
    """Drop the rows of photos that are missing, as photod-ctl status counts them.

    photod does that by itself once they have been missing for a day, unless they are so many that a drive may be
    away. Nothing is deleted but rows in the database: the scores of these photos. Those of photos that are there,
    and only hidden by a new `exclude`, are kept.

    Example: photod-ctl purge ~/Pictures
    """
    from photod_ctl.client import tell
    from photod_ctl.folders import real_directory

    meant = None if folder is None else real_directory(folder)
    tell(load(context, config), {"command": "purge", "folder": meant})
    print("photod drops what is missing in " + ("the folder" if meant else "all folders"))
