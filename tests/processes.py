"""What Linux tells of a process. One that has just ended has no command line, no memory and no children."""

import os
from contextlib import suppress
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def command_of(pid: int) -> str:
    """Its command line."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def children(program: str = "", pid: int | None = None) -> list[int]:
    """The processes that run this module, or all, that a process, or this one, has started."""
    found: list[int] = []
    for task in Path(f"/proc/{pid or os.getpid()}/task").glob("*/children"):
        with suppress(OSError):  # of a thread that has just ended
            found += map(int, task.read_text().split())
    return [child for child in found if program in command_of(child)]


def resident_bytes(pid: int | None = None) -> int:
    """The memory that a process, or this one, holds."""
    try:
        return int(Path(f"/proc/{pid or os.getpid()}/statm").read_text().split()[1]) * _PAGE
    except OSError:
        return 0


def cpu_s(pid: int) -> float:
    """The processor time that a process has used; 0 once it is gone."""
    try:
        user, system = _stat(pid)[11:13]
    except OSError:
        return 0.0
    return (int(user) + int(system)) / _TICKS


def is_gone(pid: int) -> bool:
    """Whether a process has ended."""
    try:
        return _stat(pid)[0] == "Z"
    except OSError:
        return True


def _stat(pid: int) -> list[str]:
    """The fields of its `stat` from the state on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
