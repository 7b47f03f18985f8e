"""The text of the drop-in: who runs photod, from where, and what it sees of the files. Pure."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from photod.config import DATABASE_DIRECTORY, Folder
from photod.errors import UsageError
from photod.setup.place import SERVICE_USER

# What the unit hides, by ProtectHome= and PrivateTmp=: from there, everything needed is brought back one by one.
HIDDEN = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")  # noqa: S108
# Where drives come and go. The wall around a .photod is a mount in the service's own view of the machine; it would
# keep a drive in use that is unmounted everywhere else, so these places are left open as a whole.
DRIVES = ("/media", "/mnt", "/run/media")
_NOT_AT_BOOT = {"noauto", "nofail", "x-systemd.automount"}

_HEADER = "# Made by `photod init`, and made anew by the next one. For changes of your own: systemctl {}edit photod"


def system_dropin(
    command: Sequence[str], user: str, code: Iterable[Path], folders: Iterable[Folder], fstab: str
) -> str:
    """For the system's unit. `code`: where the program is and what it needs; `fstab`: a text. Raises UsageError."""
    lines = [_HEADER.format(""), "[Service]", f"User={user}", *_command(command)]
    hidden = sorted({str(place) for place in code if _is_in(HIDDEN, place)})
    if hidden:
        lines += ["", "# The program itself."]
        lines += [f"BindReadOnlyPaths={_path(place)}" for place in hidden]
    lines += ["", '# The folders: photos are read, scores are written. "-": one may be away when photod starts.']
    fixed = _mounted_at_boot(fstab)
    lines += dict.fromkeys(line for folder in folders for line in _folder(folder, fixed))
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


def _folder(folder: Folder, fixed: set[str]) -> list[str]:
    is_hidden = _is_in(HIDDEN, folder.path)
    lines = [f"BindReadOnlyPaths={_path(str(folder.path), '-')}"] if is_hidden else []
    if folder.database != "state":
        verb = "BindPaths" if is_hidden else "ReadWritePaths"
        lines.append(f"{verb}={_path(_written_for(folder.path, fixed), '-')}")
    return lines


def _written_for(folder: Path, fixed: set[str]) -> str:
    """What the service must be able to write to."""
    drives = [place for place in DRIVES if folder.is_relative_to(place) and not _is_in(fixed, folder)]
    return drives[0] if drives else str(folder / DATABASE_DIRECTORY)


def _mounted_at_boot(fstab: str) -> set[str]:
    """Where drives are mounted that stay, see fstab(5)."""
    rows = [row.split() for row in fstab.splitlines() if not row.lstrip().startswith("#")]
    return {row[1] for row in rows if len(row) > 3 and not _NOT_AT_BOOT & set(row[3].split(","))} - {"/"}


def _is_in(places: Iterable[str], path: Path) -> bool:
    return any(path.is_relative_to(place) for place in places)


def _path(place: str, prefix: str = "") -> str:
    text = prefix + _percent(_checked(place))
    return f'"{text}"' if set(" '") & set(text) else text


def _percent(text: str) -> str:
    return text.replace("%", "%%")


def _checked(text: str, forbidden: str = '"\\:') -> str:  # a colon divides a path of Bind…Paths= in two
    if not text.isprintable() or set(forbidden) & set(text):
        raise UsageError(f"{text!r} cannot be written into a unit", "rename it, or move it to a plainer place")
    return text
