"""Options that several commands share, and the configuration that they lead to."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from photod.errors import UsageError

if TYPE_CHECKING:
    from photod.config import Config

ConfigFile = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="Configuration file.", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Folders = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FOLDER", help="Folders, or parts of them; default: all configured ones.", show_default=False
    ),
]
FolderOrAll = Annotated[
    str | None, typer.Argument(metavar="FOLDER", help="A folder, or part of it; default: all.", show_default=False)
]

MANY = 1_000_000_000  # as many as anybody has, and no more than SQLite can count

Since = Annotated[
    str | None, typer.Option("--since", metavar="DATE", help="Taken then or later: 2021, 2021-07 or 2021-07-14.")
]
Until = Annotated[str | None, typer.Option("--until", metavar="DATE", help="Taken then or earlier.")]
Year = Annotated[int | None, typer.Option("--year", min=1000, max=9999, metavar="YEAR", help="Taken in that year.")]
Month = Annotated[
    int | None, typer.Option("--month", min=1, max=12, metavar="MONTH", help="Taken in that month, 1 to 12.")
]
MinScore = Annotated[
    float | None, typer.Option("--min-score", min=0, max=10, metavar="SCORE", help="Scored at least that.")
]


def at_most_one(options: Mapping[str, object]) -> None:
    """Refuse options that exclude each other. `options` are values by name. Raises UsageError."""
    given = [name for name, value in options.items() if value]
    if len(given) > 1:
        raise UsageError(f"{given[0]} and {given[1]} exclude each other", "leave one of them out")


def config_file(context: typer.Context, named: Path | None) -> Path | None:
    """The configuration file that was named after the command, else before it, else None."""
    return named or context.obj


def load(context: typer.Context, named: Path | None) -> "Config":
    """The configuration. Raises ConfigError."""
    from photod.config import load_config  # imports pydantic: half of the start-up time of commands that need it

    return load_config(config_file(context, named))
