"""`photod-ctl release`: have the daemon keep nothing open on a drive."""

from typing import Annotated

import typer

from photod_ctl.options import ConfigFile, load


def release(
    context: typer.Context,
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="A folder, or a drive that folders lie on.")],
    config: ConfigFile = None,
) -> None:
    """Have photod let go of a drive, so that it can be unmounted.

    When the drive comes back, photod goes on with its folders by itself. If it was not unmounted after all,
    photod-ctl rescan FOLDER has it go on.

    Example: photod-ctl release /media/ann/photos && umount /media/ann/photos
    """
    from photod_ctl.client import tell
    from photod_ctl.folders import real_directory
    from photod_ctl.tables import printable

    request = {"command": "release", "folder": real_directory(folder)}
    for released in tell(load(context, config), request)["folders"]:
        print(f"photod lets go of {printable(released)} until it was unmounted")
