"""`photod-ctl failed`: the photos that could not be decoded."""

import os

import typer

from photod_ctl.options import ConfigFile, Folders, Json, load


def failed(
    context: typer.Context, folders: Folders = None, as_json: Json = False, config: ConfigFile = None
) -> None:
    """List the photos that cannot be scored, each with the reason.

    A photo is tried again when its file changes.
    """
    from photod.store.queries import Reader
    from photod_ctl.folders import archives
    from photod_ctl.tables import Cell, Column, print_json, print_table

    found = []
    for archive in archives(folders, load(context, config)):
        inside = archive.below + os.sep if archive.below else ""
        for photo in Reader(archive.database).failed():
            if photo.path.startswith(inside):
                found.append((os.path.join(archive.folder, photo.path), photo))
    if as_json:
        print_json([{"path": path, "reason": photo.reason, "sha256": photo.sha256} for path, photo in found])
    elif found:
        print_table(
            (Column("photo", wide=True), Column("reason", wide=True)),
            [(Cell(path, link=path), photo.reason) for path, photo in found],
        )
    else:
        print("no photo failed")
