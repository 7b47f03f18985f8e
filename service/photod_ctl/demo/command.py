"""`photod-ctl demo`: a folder in which every kind of outcome can be seen."""

import calendar
import os
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from photod.errors import UsageError
from photod_ctl.options import Json
from photod_ctl.tables import print_json, printable

MARKER = ".photod-demo"  # says that a folder is ours; hidden, so it is no photo


def demo(
    directory: Annotated[str, typer.Argument(metavar="DIR", help="A directory that does not exist, or is empty.")],
    as_json: Json = False,
) -> None:
    """Make a demonstration folder of small pictures.

    It draws about 60 photos itself: good and spoilt ones, copies, turned ones, every format, difficult names,
    broken files. Then try: photod-ctl rate DIR; photod-ctl top DIR.

    Example: photod-ctl demo demo-photos
    """
    target = Path(os.path.abspath(directory))
    created = not os.path.exists(target / MARKER)
    if created:
        write_demo(target)
    count = sum(1 for path in target.rglob("*") if path.is_file() and not _is_hidden(path.relative_to(target)))
    if as_json:
        print_json({"folder": str(target), "files": count, "created": created})
    else:
        what = f"made {count} files in" if created else "already made:"
        print(f"{what} {printable(str(target))}")


def write_demo(target: Path) -> None:
    """Fill the folder, which stays the one that it is: somebody may be in it. Its marker comes last."""
    try:
        _refuse_foreign(target)
        target.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f"{MARKER}-", dir=target) as draft:
            _write_files(Path(draft))
            for made in os.listdir(draft):
                os.rename(os.path.join(draft, made), target / made)
        (target / MARKER).write_text("This folder was made by `photod-ctl demo`.\n")
    except OSError as error:
        problem = f"cannot make {printable(str(target))}: {error.strerror or error}"
        raise UsageError(problem, "name a directory that you can write") from error


def _write_files(folder: Path) -> None:
    from photod_ctl.demo.files import demo_files

    for file in demo_files():
        path = folder / file.path
        path.parent.mkdir(exist_ok=True)
        try:
            path.write_bytes(file.data)
        except OSError:
            if path.name.isascii():
                raise
            continue  # this filesystem takes no such names
        if file.taken_at:
            moment = calendar.timegm(time.strptime(file.taken_at, "%Y-%m-%d %H:%M:%S"))
            os.utime(path, (moment, moment))


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _refuse_foreign(target: Path) -> None:
    if os.path.isdir(target) and all(name.startswith(MARKER) for name in os.listdir(target)):
        return  # empty, or with what a kill has left
    if os.path.lexists(target):
        what = "is not empty" if os.path.isdir(target) else "is not a directory"
        raise UsageError(f"{printable(str(target))} {what}", "name a directory that does not exist yet")
