"""The text of the drop-in: who runs photod, from where, and what it sees of the files. Pure."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from photod.config import DATABASE_DIRECTORY, Folder
from photod.errors import UsageError
from photod.setup.place import SERVICE_USER

# What the unit hides, by ProtectHome= and PrivateTmp=: from there, everything needed is brought back one by one.
HIDDEN = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")  # noqa: S108

_HEADER = "# Made by `photod init`, and made anew by the next one. For changes of your own: systemctl {}edit photod"


def system_dropin(command: Sequence[str], user: str, code: Iterable[Path], folders: Iterable[Folder]) -> str:
    """For the system's unit. `code`: where the program is and what it needs. Raises UsageError."""
    lines = [_HEADER.format(""), "[Service]", f"User={user}", *_command(command)]
    hidden = sorted({place for place in map(str, code) if _is_hidden(place)})
    if hidden:
        lines += ["", "# The program itself."]
        lines += [f"BindReadOnlyPaths={_path(place)}" for place in hidden]
    lines += ["", '# The folders: photos are read, scores are written. "-": one may be away when photod starts.']
    for folder in folders:
        lines += _folder(folder)
    if user == SERVICE_USER:
        lines += ["", "# Members of the group photod read the databases.", "UMask=0007"]
    return "\n".join(lines) + "\n"


def user_dropin(command: Sequence[str]) -> str:
    """For a user's unit. Raises UsageError."""
    return "\n".join([_HEADER.format("--user "), "[Service]", *_command(command)]) + "\n"


def _command(command: Sequence[str]) -> list[str]:
    words = (_percent(_checked(word, '"\\')).replace("$", "$$") for word in command)
    quoted = (f'"{word}"' if set(" '$") & set(word) else word for word in words)
    return ["ExecStart=", f"ExecStart={' '.join(quoted)}"]


def _folder(folder: Folder) -> list[str]:
    place, scores = str(folder.path), str(folder.path / DATABASE_DIRECTORY)
    read, write = ("BindReadOnlyPaths", "BindPaths") if _is_hidden(place) else ("ReadOnlyPaths", "ReadWritePaths")
    lines = [f"{read}={_path(place, '-')}"]
    return lines if folder.database == "state" else [*lines, f"{write}={_path(scores, '-')}"]


def _is_hidden(place: str) -> bool:
    return any(Path(place).is_relative_to(hidden) for hidden in HIDDEN)


def _path(place: str, prefix: str = "") -> str:
    text = prefix + _percent(_checked(place))
    return f'"{text}"' if set(" '") & set(text) else text


def _percent(text: str) -> str:
    return text.replace("%", "%%")


def _checked(text: str, forbidden: str = '"\\:') -> str:  # a colon divides a path of Bind…Paths= in two
    if not text.isprintable() or set(forbidden) & set(text):
        raise UsageError(f"{text!r} cannot be written into a unit", "rename it, or move it to a plainer place")
    return text
