"""`photod-ctl backup`: a copy of a folder's database, made while it is in use."""

from pathlib import Path
from typing import Annotated

import typer

from photod_ctl.options import ConfigFile, load


def backup(
    context: typer.Context,
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="The folder whose scores are copied.")],
    target: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="The copy; default: one more beside the database.", show_default=False),
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Copy a folder's database, safely while photod runs.

    The copy is checked; a file that is already there is only replaced by a good one. Without FILE it goes where
    photod's own backups are, and the oldest of those goes.
    """
    from photod.store import care
    from photod_ctl.folders import existing_archive
    from photod_ctl.tables import printable

    settings = load(context, config)
    database = existing_archive(folder, settings).database
    if target is None:
        target = care.back_up(database, max(1, settings.store.backups))
    else:
        care.backup(database, target.absolute())
    print(printable(str(target)))
