"""What is printed for people: lines and tables that no file name can spoil."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_JOINERS = "\u200c\u200d"  # format characters that letters and emoji need
_FOLDED = 16  # columns that a name needs at least, to be read when it is folded
_GAP = 2  # between two columns, and at the edges


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    title: str
    right: bool = False  # numbers
    wide: bool = False  # takes what the others leave, and folds
    goes: int = 0  # where the terminal is too narrow, columns with a number are left out, the lowest first


@dataclass(frozen=True, slots=True)
class Cell:
    """Text that links to a file."""

    text: str
    link: str | None = None  # an absolute path


def printable(text: str) -> str:
    """The text on one line, safe for a terminal: controls, direction marks and bytes that are not UTF-8 escaped."""
    return text if text.isascii() and text.isprintable() else "".join(map(_visible, text))


def typed(name: str) -> str:
    """A file name as a shell takes it in a proposed command: quoted where it must be, on one line."""
    name = f"./{name}" if name.startswith("-") else name
    if printable(name) == name:
        return shlex.quote(name)
    escaped = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"$'{printable(escaped)}'"  # bash, zsh and others understand the same escapes


def number_of(what: str, count: int) -> str:
    """A count with its noun: 1 photo, 2,000 photos."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def warn(line: str) -> None:
    """Say something on stderr, beside whatever the command prints; where that cannot be written, it goes unsaid."""
    with suppress(OSError):
        print(f"photod-ctl: {printable(line)}", file=sys.stderr)


def print_json(value: object, one_line: bool = False) -> None:
    """Print for programs, in ASCII; bytes of names that are not UTF-8 as lone surrogates, like os.fsdecode."""
    json.dump(value, sys.stdout, indent=None if one_line else 2)
    print()


def print_table(columns: Sequence[Column], rows: Sequence[Sequence[str | Cell]], *, paged: bool = True) -> None:
    """Print a table: ruled and linked on a terminal, by a pager if it is long; plain and never cut in a pipe."""
    if sys.stdout.isatty():
        _print_rich(columns, rows, paged)
    else:
        _print_plain(columns, rows)


def page(text: str) -> None:
    """Print on a terminal through $PHOTOD_PAGER, $PAGER or less, which stays only where the text is long."""
    try:
        command = shlex.split(os.environ.get("PHOTOD_PAGER") or os.environ.get("PAGER") or "less")
    except ValueError:  # a quotation without an end
        command = []
    if not command or shutil.which(command[0]) is None:
        print(text, end="")
        return
    environment = {"LESS": "FRX", "LESSCHARSET": "utf-8"} | os.environ
    # Ctrl-C is the pager's while it runs; to ignore it would be inherited.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        subprocess.run(command, input=text.encode(errors="backslashreplace"), env=environment, check=False)
    finally:
        signal.signal(signal.SIGINT, before)


def print_fields(fields: Sequence[tuple[str, str]]) -> None:
    """Print names and values, one pair a line; pairs without a value are left out."""
    width = max(len(name) for name, value in fields if value)
    for name, value in fields:
        if value:
            print(f"{name:>{width}}  {printable(value)}")


def _lines(columns: Sequence[Column], rows: Sequence[Sequence[str | Cell]]) -> list[list[str]]:
    """The titles and the rows as texts."""
    titles = [column.title for column in columns]
    return [[printable(_text(cell)) for cell in row] for row in (titles, *rows)]


def _widths(lines: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(_columns, texts)) for texts in zip(*lines, strict=True)]


def _fitting(columns: Sequence[Column], rows: Sequence[Sequence[str | Cell]], width: int) -> list[int]:
    """Which columns are shown in so many cells."""
    widths = _widths(_lines(columns, rows))
    least = [min(each, _FOLDED) if column.wide else each for each, column in zip(widths, columns, strict=True)]
    kept = list(range(len(columns)))
    for n in sorted((n for n in kept if columns[n].goes), key=lambda n: columns[n].goes):
        if sum(least[each] + _GAP for each in kept) > width:
            kept.remove(n)
    return kept


def _print_plain(columns: Sequence[Column], rows: Sequence[Sequence[str | Cell]]) -> None:
    lines = _lines(columns, rows)
    widths = _widths(lines)
    for line in lines:
        parts = []
        for text, width, column in zip(line, widths, columns, strict=True):
            space = " " * (width - _columns(text))
            parts.append(space + text if column.right else text + space)
        print("  ".join(parts).rstrip())


def _print_rich(columns: Sequence[Column], rows: Sequence[Sequence[str | Cell]], paged: bool) -> None:
    from rich import box
    from rich.console import Console
    from rich.style import Style
    from rich.table import Table
    from rich.text import Text

    console = Console()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    kept = _fitting(columns, rows, console.width)
    for column in (columns[n] for n in kept):
        table.add_column(
            printable(column.title),
            justify="right" if column.right else "left",
            no_wrap=not column.wide,
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(Text(printable(_text(row[n])), Style(link=_link(row[n]))) for n in kept))
    with console.capture() as captured:
        console.print(table)
    text = captured.get()
    if paged and text.count("\n") >= console.height:
        page(text)
    else:
        print(text, end="")


def uri(path: str) -> str:
    """An absolute path as the target of a link."""
    return Path(path).as_uri()


def _link(cell: str | Cell) -> str | None:
    return uri(cell.link) if isinstance(cell, Cell) and cell.link else None


def _text(cell: str | Cell) -> str:
    return cell.text if isinstance(cell, Cell) else cell


def _visible(character: str) -> str:
    if character.isprintable() or character in _JOINERS:
        return character
    if "\udc80" <= character <= "\udcff":
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape", "surrogatepass").decode() if character != " " else character


def _columns(text: str) -> int:
    """How many cells of a terminal the text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) or c in _JOINERS else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )
