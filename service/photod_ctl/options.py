"""Options that several commands share, and the configuration that they lead to."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

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


def config_file(context: typer.Context, named: Path | None) -> Path | None:
    """The configuration file that was named after the command, else before it, else None."""
    return named or context.obj


def load(context: typer.Context, named: Path | None) -> "Config":
    """The configuration. Raises ConfigError."""
    from photod.config import load_config  # pydantic: a third of the start-up time of commands that need it

    return load_config(config_file(context, named))
