"""`photod-ctl verify`: whether a folder's database tells the truth."""

from typing import Annotated

import typer

from photod_ctl.options import MANY, ConfigFile, Folders, Json, load


def verify(
    context: typer.Context,
    folders: Folders = None,
    samples: Annotated[
        int,
        typer.Option(
            "--samples", min=0, max=MANY, metavar="N", help="Photos to read again and compare with their hashes."
        ),
    ] = 100,
    as_json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Check databases: their structure, what belongs together, and some photos against their hashes.

    Changes nothing, and may run beside photod. Ends with 74 if anything is wrong.

    Example: photod-ctl verify ~/Pictures --samples 1000
    """
    from dataclasses import asdict
    from pathlib import Path

    from photod.errors import EXIT_DATABASE
    from photod.store import care
    from photod_ctl.folders import all_archives
    from photod_ctl.tables import number_of, print_json, printable

    whole = {archive.database: archive.folder for archive in all_archives(folders, load(context, config))}
    reports = [(folder, care.verify(database, Path(folder), samples)) for database, folder in whole.items()]
    if as_json:
        print_json([{"folder": folder, **asdict(report)} for folder, report in reports])
    for folder, report in () if as_json else reports:
        for finding in report.findings:
            print(printable(f"{folder}: {finding}"))
        if not report.findings:
            print(
                printable(
                    f"{folder}: {number_of('photo', report.photos)}, {report.hashed:,} read again, nothing wrong"
                )
            )
    if any(report.findings for _, report in reports):
        raise typer.Exit(EXIT_DATABASE)
