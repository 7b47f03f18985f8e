"""`photod-ctl purge`: drop what is remembered of photos that are gone."""

import os
from contextlib import closing
from typing import TYPE_CHECKING

import typer

from photod_ctl.options import ConfigFile, FolderOrAll, config_file, load

if TYPE_CHECKING:
    from pathlib import Path

    from photod_ctl.folders import Archive


def purge(
    context: typer.Context,
    folder: FolderOrAll = None,
    config: ConfigFile = None,
) -> None:
    """Drop the rows of photos that are missing, as photod-ctl status counts them.

    photod does that by itself once they have been missing for a day or two, unless they are so many that a drive
    may be away. Nothing is deleted but rows in the database: the scores of these photos. Those of photos that are
    there, and only hidden by a new `exclude`, are kept.

    A running daemon that has the folder does it; without one, this command does it itself.

    Example: photod-ctl purge ~/Pictures
    """
    from photod_ctl.client import tell
    from photod_ctl.folders import archives, real_directory
    from photod_ctl.scoring import daemon_has
    from photod_ctl.tables import warn

    settings = load(context, config)
    meant = None if folder is None else real_directory(folder)
    if daemon_has(meant, settings):
        answer = tell(settings, {"command": "purge", "folder": meant}, may_take_long=True)
        _print(answer["purged"], meant or "all folders")
        return
    for archive in archives(None if meant is None else [meant], settings):
        if os.path.isdir(archive.folder):
            _print(_purge(archive, config_file(context, config)), archive.name)
        else:
            warn(f"{archive.folder} is not there, left out")


def _purge(archive: "Archive", config_path: "Path | None") -> int:
    """Have a process of our own do it, if there is anything to do; returns how many rows went."""
    from photod.store.queries import Reader
    from photod_ctl.scoring import OwnProcess

    with closing(Reader(archive.database)) as reader:
        if not reader.missing(archive.below):
            return 0
    with closing(OwnProcess(archive.name, config_path)) as process:
        return process.purge()


def _print(purged: int, name: str) -> None:
    from photod_ctl.tables import number_of, printable

    what = number_of("missing photo", purged) if purged else "no photo"
    print(f"dropped {what} of {printable(name)}")
