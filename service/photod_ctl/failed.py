"""`photod-ctl failed`: the photos that could not be decoded."""

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from photod.errors import EXIT_INTERRUPTED
from photod_ctl.options import ConfigFile, Folders, Json, config_file, load

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from photod.config import Config
    from photod_ctl.folders import Archive


def failed(
    context: typer.Context,
    folders: Folders = None,
    retry: Annotated[bool, typer.Option("--retry", help="Have them tried again now.")] = False,
    as_json: Json = False,
    config: ConfigFile = None,
) -> None:
    """List the photos that cannot be scored, each with the reason.

    A photo is tried again when its file changes, or with --retry: after an update of photod, for example, or
    after a drive was repaired.

    Example: photod-ctl failed ~/Pictures --retry
    """
    from photod.store.queries import Reader
    from photod_ctl.folders import archives
    from photod_ctl.tables import Cell, Column, print_json, print_table

    found = []
    settings = load(context, config)
    meant = archives(folders, settings)
    if retry:
        _retry(meant, settings, config_file(context, config))
    for archive in meant:
        for photo in Reader(archive.database).failed(below=archive.below):
            found.append((os.path.join(archive.folder, photo.path), photo))
    if as_json:
        print_json([
            {"path": path, "reason": photo.reason, "sha256": photo.sha256, "at": photo.committed_at}
            for path, photo in found
        ])  # fmt: skip
    elif found:
        # On a terminal the link has the whole path, and the column room for the rest.
        inside = meant[0].folder if len(meant) == 1 and sys.stdout.isatty() else ""
        print_table(
            (Column(f"photo in {inside}" if inside else "photo", wide=True), Column("reason", wide=True)),
            [(Cell(photo.path if inside else path, link=path), photo.reason) for path, photo in found],
        )
    else:
        print("no photo failed")


def _retry(meant: "Sequence[Archive]", settings: "Config", config_path: "Path | None") -> None:
    """Have the photos in these archives, or parts of them, tried again, and wait until that is done."""
    from photod.store.queries import Reader
    from photod_ctl.following import End, follow_scoring
    from photod_ctl.tables import typed, warn

    for archive in meant:
        if not Reader(archive.database).failed(below=archive.below):
            continue
        _, end = follow_scoring(archive.name, settings, config_path, retry=True)
        if end is End.STOPPED:
            warn(f"stopped; photod-ctl rate {typed(archive.name)} tries what is left")
        if end is not End.DONE:
            raise typer.Exit(EXIT_INTERRUPTED)
