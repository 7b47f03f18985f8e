"""`photod-ctl backup`: a copy of a folder's database, made while it is in use."""

import os
from pathlib import Path
from typing import Annotated

import typer

from photod.errors import UsageError
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
    photod's own backups are, and of those the oldest beyond `store.backups` goes.

    Example: photod-ctl backup ~/Pictures scores.db
    """
    from photod.store import care
    from photod_ctl.folders import existing_archive
    from photod_ctl.tables import printable

    settings = load(context, config)
    database = existing_archive(folder, settings).database
    if target is None:
        target = care.add_backup(database, max(1, settings.store.backups))
    else:
        place = Path(os.path.realpath(target))
        _refuse(place, database)
        care.copy_database(database, place)
    print(printable(str(target)))


def _refuse(target: Path, database: Path) -> None:
    """Raises UsageError where a copy must not go, or cannot."""
    from photod.store.backups import log_beside, may_be_replaced

    if os.path.exists(target) and not os.path.isfile(target):
        one = f"one, such as {target / database.name}" if os.path.isdir(target) else "one"
        raise UsageError(f"{target} is not a file", f"name {one}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        is_something_else, log = not may_be_replaced(target), log_beside(target)
    except OSError as error:
        raise UsageError(f"cannot write {target}: {error.strerror}", "name a place that you can write") from error
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise UsageError(f"cannot write in {target.parent}", "name a place that you can write")
    files = [file for file in database.parent.iterdir() if file.name.startswith(database.name)]  # with its log
    named = target.parent.samefile(database.parent) and target.name.startswith(database.name)
    if named or (os.path.exists(target) and any(target.samefile(file) for file in files)):
        raise UsageError(f"{target} belongs to the database itself", "name a file elsewhere")
    if log is not None:
        raise UsageError(
            f"{log} is there, and would undo the copy: {target} is in use, or was not closed", "name another file"
        )
    if is_something_else:
        raise UsageError(f"{target} is there, and is no database of photod's", "name another file")
