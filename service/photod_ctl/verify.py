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

    from photod.errors import EXIT_DATABASE, DatabaseError
    from photod.store import care
    from photod_ctl.folders import all_archives
    from photod_ctl.tables import number_of, print_json, printable, warn

    whole = {archive.database: archive.folder for archive in all_archives(folders, load(context, config))}
    reports: list[tuple[str, care.Report]] = []
    failures: list[DatabaseError] = []
    for database, folder in whole.items():
        try:
            report = care.verify(database, Path(folder), samples)
        except DatabaseError as error:  # no reason not to look at the next one
            failures.append(error)
            continue
        reports.append((folder, report))
        for finding in () if as_json else report.findings:
            print(printable(f"{folder}: {finding}"))
        if not as_json and not report.findings:
            looked_at = f"{number_of('photo', report.photos)}, {report.hashed:,} read again"
            print(printable(f"{folder}: {looked_at}, nothing wrong"), flush=True)
    if as_json:
        print_json([{"folder": folder, **asdict(report)} for folder, report in reports])
    for later in failures[1:]:
        warn(str(later))
    if failures:
        raise failures[0]
    if any(report.findings for _, report in reports):
        raise typer.Exit(EXIT_DATABASE)
