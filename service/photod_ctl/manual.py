"""The manual pages, made from the same text as --help: `python -m photod_ctl.manual DIR`."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import typer.main

from photod_ctl.program import COMMANDS, assemble

_FILES = (
    ("$PHOTOD_CONFIG", "the configuration file, where --config names none"),
    ("~/.config/photod/config.toml, /etc/photod/config.toml", "the configuration otherwise"),
    ("FOLDER/.photod/photos.db", "the scores of a folder"),
)
_ENVIRONMENT = (
    ("NO_COLOR", "no colours"),
    ("PHOTOD_PAGER, PAGER", "what shows long tables; less by default"),
    ("PHOTOD_DEBUG", "show the traceback of a bug"),
)


def write_pages(directory: Path) -> list[Path]:
    """Write photod-ctl.1 and a page for each command; returns the files."""
    directory.mkdir(parents=True, exist_ok=True)
    group: Any = typer.main.get_command(assemble([]))
    titles = [(f"photod-ctl-{name}(1)", _title(group.commands[name])) for name in COMMANDS]
    pages = {"photod-ctl": _page("photod-ctl", group, [".SH COMMANDS", *_list(titles)])}
    for name in COMMANDS:
        pages[f"photod-ctl-{name}"] = _page(f"photod-ctl {name}", group.commands[name])
    for name, text in pages.items():
        (directory / f"{name}.1").write_text(text, encoding="utf-8")
    return [directory / f"{name}.1" for name in pages]


def _page(name: str, command: Any, more: Sequence[str] = ()) -> str:
    context = command.make_context(name, [], resilient_parsing=True)
    file = name.replace(" ", "-")
    records = [record for param in command.get_params(context) if (record := param.get_help_record(context))]
    lines = [
        f'.TH "{file.upper()}" 1 "" photod photod',
        ".SH NAME", f"{_plain(file)} \\- {_plain(_title(command))}",
        ".SH SYNOPSIS", f".B {_plain(name)}", _plain(" ".join(command.collect_usage_pieces(context))),
        ".SH DESCRIPTION", *_paragraphs(command.help.partition("\n")[2]),
        ".SH OPTIONS", *_list(records),
        *more,
        ".SH ENVIRONMENT", *_list(_ENVIRONMENT),
        ".SH FILES", *_list(_FILES),
        ".SH EXIT STATUS", *_paragraphs(command.epilog.removeprefix("Exit codes: ")),
        ".SH SEE ALSO", ".BR photod-ctl (1)",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _title(command: Any) -> str:
    return str(command.help).partition("\n")[0].rstrip(".")


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in text.strip().split("\n\n"):
        yield ".PP"
        yield from (_plain(line.strip()) for line in paragraph.splitlines())


def _list(entries: Sequence[tuple[str, str]]) -> Iterator[str]:
    for term, text in entries:
        yield from (".TP", f".B {_plain(term)}", _plain(text))


def _plain(text: str) -> str:
    """Text in which roff finds nothing to obey."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{text}" if text.startswith((".", "'")) else text


if __name__ == "__main__":
    for page in write_pages(Path(sys.argv[1])):
        print(page)
